"""Code arrives as `/workflow`, owned by the user that the container runs as."""

import io
import tarfile
from pathlib import Path

import pytest

from hosts.docker.code import find_owner, pack_workflow
from perdure.errors import ContainerCreateFailed
from spec.job import JobCode

PASSWD = "root:x:0:0:root:/root:/bin/sh\napp:x:1500:1600::/home/app:/bin/sh\n"
GROUP = "root:x:0:\napp:x:1600:\nweb:x:1700:\n"


@pytest.mark.parametrize(
    ("user", "owner"),
    [
        ("", (0, 0)),
        ("app", (1500, 1600)),
        ("1500", (1500, 1600)),
        ("app:web", (1500, 1700)),
        ("app:7", (1500, 7)),
        ("1234", (1234, 0)),
        ("1234:5678", (1234, 5678)),
        ("nobody-knows", (0, 0)),
    ],
)
def test_the_owner_is_found_as_docker_finds_it(user: str, owner: tuple[int, int]) -> None:
    assert find_owner(user, PASSWD, GROUP) == owner


def test_everything_is_moved_below_workflow_and_owned(tmp_path: Path) -> None:
    archive = tmp_path / "code.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for name in (".", "./src", "./src/app.py"):
            info = tarfile.TarInfo(name)
            info.type = tarfile.REGTYPE if name.endswith(".py") else tarfile.DIRTYPE
            info.size, info.uid, info.uname = (2 if info.isreg() else 0), 501, "me"
            info.mode = 0o640 if info.isreg() else 0o755
            tar.addfile(info, io.BytesIO(b"ok"))
        hard = tarfile.TarInfo("./src/same.py")
        hard.type, hard.linkname = tarfile.LNKTYPE, "./src/app.py"
        tar.addfile(hard)
        soft = tarfile.TarInfo("latest")
        soft.type, soft.linkname = tarfile.SYMTYPE, "src"
        tar.addfile(soft)
    out = io.BytesIO()
    pack_workflow(JobCode(path=str(archive), limit=2), (7, 8), out)
    out.seek(0)
    with tarfile.open(fileobj=out) as tar:
        members = {member.name: member for member in tar}
        content = tar.extractfile("workflow/src/app.py")
        assert content is not None
        assert content.read() == b"ok"
    assert set(members) == {
        "workflow",
        "workflow/src",
        "workflow/src/app.py",
        "workflow/src/same.py",
        "workflow/latest",
    }
    assert {(one.uid, one.gid, one.uname) for one in members.values()} == {(7, 8, "")}
    assert members["workflow/src/app.py"].mode == 0o640
    assert members["workflow/src/same.py"].linkname == "workflow/src/app.py"
    assert members["workflow/latest"].linkname == "src"


def test_a_bomb_is_refused_before_it_fills_the_disk(tmp_path: Path) -> None:
    archive = tmp_path / "code.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        header = tarfile.TarInfo("x")
        header.type, header.size = tarfile.XHDTYPE, 1 << 22
        tar.addfile(header, io.BytesIO(bytes(header.size)))
    with pytest.raises(ContainerCreateFailed, match="a header of"):
        pack_workflow(JobCode(path=str(archive), limit=1 << 20), (0, 0), io.BytesIO())


def test_a_device_is_no_code(tmp_path: Path) -> None:
    archive = tmp_path / "code.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        device = tarfile.TarInfo("null")
        device.type = tarfile.CHRTYPE
        tar.addfile(device)
    with pytest.raises(ContainerCreateFailed, match="neither a plain file"):
        pack_workflow(JobCode(path=str(archive), limit=1 << 20), (0, 0), io.BytesIO())
