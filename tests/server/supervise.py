"""A supervisor over the parts that its argument describes, as a process for tests."""

import asyncio
import json
import os
import sys
from pathlib import Path

from perdure.data_dir import DataDir
from perdure.errors import CannotStart
from server.child import Backoff
from server.children import HOLDER
from server.part import LISTENER, Part, Step, at_once
from server.supervisor import Place, Supervisor, only_server
from server.terminal import Terminal


async def never() -> bool:
    return False


def main() -> int:
    what = json.loads(sys.argv[1])
    data = DataDir(Path(what["data"]))
    holder = (sys.executable, "-I", "-S", str(HOLDER), LISTENER, str(data.listener_socket))
    parts: list[Part | Step] = [Part("holder", holder, {}, grace=2.0)]
    for each in what["parts"]:
        command, after = tuple(each["command"]), tuple(each.get("after", ()))
        if each["kind"] == "step":
            parts.append(Step(each["name"], command, os.environ, after))
        else:
            grace = each.get("grace", 10.0)
            probe = never if each.get("never_ready") else at_once
            parts.append(Part(each["name"], command, os.environ, after, probe, grace))
    place = Place(
        data,
        "127.0.0.1",
        what["port"],
        what["ready_timeout"],
        backoff=Backoff(first=0.01, longest=0.1),
    )
    try:
        with only_server(data):
            supervisor = Supervisor(place, parts, Terminal())
            asyncio.run(supervisor.run(lambda: "all parts are ready"))
    except CannotStart as error:
        sys.stderr.write(f"error: {error.message}\nhint: {error.hint}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
