"""A replica of a root server has an account of its own, and nothing of it stays."""

import itertools
import os
import shutil
from pathlib import Path
from uuid import uuid4

from hosts.process.runtime import ProcessRuntime
from tests.hosts.process.conftest import MakeJob
from tests.hosts.process.replica import TOKEN, archive, run


async def test_replicas_of_a_root_server_have_accounts_of_their_own(
    runtime: ProcessRuntime, job: MakeJob
) -> None:
    first, second = "id -u; stat -c %u . ../venv", "id -u; ls -ld $0"
    said = [await run(runtime, job(first, token="a")), await run(runtime, job(second, token="b"))]
    uids = [text.splitlines()[0] for text in said]
    if os.geteuid() == 0:
        assert len({*uids, "0"}) == 3
        assert said[0].splitlines() == [uids[0]] * 3
    else:
        assert set(uids) == {str(os.getuid())}


LEAVES = """
import ctypes, os, sys
folder, memory, kept = sys.argv[1:]
os.umask(0o077)
os.mkdir(folder)
open(f"{folder}/file", "w").write("secret")
open(memory, "w").write("secret")
os.symlink(kept, f"{folder}/link")
os.chdir(folder)
for _ in range(3000):
    os.mkdir("d")
    os.chdir("d")
os.chmod(f"{folder}/d", 0)
libc = ctypes.CDLL(None)
assert min(libc.shmget(0, 4096, 0o600), libc.semget(0, 1, 0o600), libc.msgget(0, 0o600)) >= 0
print(os.getuid())
"""


def sysv_ipc(uid: str) -> int:
    rows = [path.read_text().splitlines()[1:] for path in Path("/proc/sysvipc").iterdir()]
    return sum(uid in row.split() for row in itertools.chain(*rows))


if os.geteuid() == 0:  # any other server has its replicas run as itself

    async def test_what_an_account_leaves_behind_goes_with_its_replica(
        runtime: ProcessRuntime, job: MakeJob, tmp_path: Path
    ) -> None:
        left, memory = (Path(f"{place}/perdure-{uuid4()}") for place in ("/tmp", "/dev/shm"))
        (kept := tmp_path / "kept").touch()
        code = archive(tmp_path, {"leave.py": LEAVES})
        uid = await run(runtime, job(f"python leave.py {left} {memory} {kept}", code=code))
        assert left.stat().st_uid == memory.stat().st_uid == int(uid)
        assert sysv_ipc(uid) == 3
        (left / "of-somebody-else").touch()
        assert await runtime.remove(TOKEN)
        assert os.listdir(left) == ["of-somebody-else"]
        assert not memory.exists()
        assert sysv_ipc(uid) == 0
        assert kept.exists()
        shutil.rmtree(left)
