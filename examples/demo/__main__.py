"""`make demo`: a real language model, from its YAML file to an answered question.

Starts a server of its own in a temporary folder, applies `examples/llm` (or the folder that is
named), asks it twice, and takes everything down again: at once, or on a terminal when Ctrl-C is
pressed. A signal at any other moment has everything taken down, too; a second one changes nothing.
"""

import asyncio
import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from chat import answer, curl, stream
from own_server import server, until_it_answers
from relay import SIGNS, in_own_session, let_signals_in
from screen import DemoFailed, headline, say
from stage import Stage, free_port, refuse_taken_port, way_here

EXAMPLE = Path(__file__).parents[1] / "llm"
PATIENCE = 360.0  # seconds, for an installation over a slow line
QUESTION, REQUEST = "What is an apple?", "Name three fruits."
NOT_FOUND = 3  # an exit code of `perdure`
ENDED = ("failed", "terminated", "done")


def main(arguments: Sequence[str]) -> int:
    """The exit status."""
    example = Path(arguments[0]).resolve() if arguments else EXAMPLE
    return in_own_session(lambda: asyncio.run(until_told(example)))


async def until_told(example: Path) -> int:
    """Play; the first signal cancels that, at the next thing that it awaits."""
    told: list[int] = []
    playing = asyncio.create_task(play(example))

    def end(number: int) -> None:
        if not told:
            playing.cancel()
        told.append(number)

    for number in SIGNS:
        asyncio.get_running_loop().add_signal_handler(number, end, number)
    let_signals_in()
    try:
        if not await playing:
            return 1
        say("\nAll of it was stopped and removed. What to do next: README.md, “A first service”.")
        if not is_watched():
            say("On a terminal `make demo` stays, with Temporal's UI, until Ctrl-C.")
    except asyncio.CancelledError:
        say("Interrupted.")
        return 128 + told[0]
    except DemoFailed as failure:
        say(f"\nerror: {failure}")
        return 1
    return 0


async def play(example: Path) -> bool:
    """A server, a run on it; whether nothing of them is left in the end.

    What is taken down is taken down without a pause to be cancelled in. The folder stays when the
    run could not be stopped: what is left can be found by it.
    """
    folder = Path(tempfile.mkdtemp(prefix="perdure-demo-"))
    stage = Stage(folder, example, free_port(3000), free_port(8233))
    stopped = True
    try:
        refuse_taken_port(stage)
        with server(stage) as process:
            await until_it_answers(stage, process)
            try:
                await show(stage)
            finally:
                stopped = stop(stage)
    finally:
        if stopped:
            shutil.rmtree(folder, ignore_errors=True)
    return stopped


async def show(stage: Stage) -> None:
    """Apply, ask, ask for a stream, look; wait where somebody watches."""
    headline("Apply a service. All of this can be typed in another terminal, too")
    for line in way_here(stage):
        say(f"$ {line}")
    if stage.typed("apply", "-y", "-d"):
        raise DemoFailed("the service could not be applied.")
    headline("Wait: the replica installs what the file says, and loads the model")
    await until_ready(stage)
    headline(f"A question, through {stage.url}/proxy/models/main/")
    say(f"> {QUESTION}")
    say(await answer(stage, QUESTION))
    headline(f"A stream, through {stage.url}/proxy/services/main/{stage.name}/")
    say(f"> {REQUEST}")
    async for word in stream(stage, REQUEST):
        say(word, end="")
    say()
    headline("What runs")
    stage.typed("ps")
    if not is_watched():
        return
    headline("Where to look")
    say(f"Temporal UI    http://localhost:{stage.ui_port}/")
    say(f"Sign in with   the token in {stage.token_file}")
    headline("Ask it yourself, from another terminal")
    say(f"$ {curl(stage)}")
    say("\nPress Ctrl-C to stop everything.")
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.Event().wait()


def is_watched() -> bool:
    """Whether somebody can look around, and end it."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def stop(stage: Stage) -> bool:
    """End the run; whether nothing of it is left."""
    headline("Stop")
    if stage.typed("stop", "-y", stage.name) in (0, NOT_FOUND):
        return True
    say(f"error: the run {stage.name} could not be stopped.")
    say(f"hint: Start its server by `PERDURE_DATA_DIR={stage.folder}/server perdure server`,")
    say(f"      and stop it by `PERDURE_CONFIG={stage.client_file} perdure stop {stage.name}`.")
    return False


async def until_ready(stage: Stage) -> None:
    """Return when a replica is ready; what the run says of itself is shown until then."""
    deadline = time.monotonic() + PATIENCE
    last = ""
    while time.monotonic() < deadline:
        listed = stage.perdure("ps", "-a", "--json", stdout=subprocess.PIPE)
        if listed.returncode:
            break
        (run,) = json.loads(listed.stdout)
        if any(replica["ready"] for replica in run["replicas"]):
            say("ready")
            return
        if run["status"] in ENDED:
            break
        if run["status"] != last:
            last = run["status"]
            say(last)
        await asyncio.sleep(0.3)
    stage.typed("ps", "-a", "-v")
    stage.typed("logs", stage.name)
    raise DemoFailed("the service did not become ready; what it says of itself is above.")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
