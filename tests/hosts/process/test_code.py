"""Code is unpacked where it belongs, whatever its archive says; on every Python that we run on."""

import io
import stat
import tarfile
from pathlib import Path

import pytest

from hosts.archive import HEADERS
from hosts.process.code import unpack
from perdure.errors import ContainerCreateFailed
from spec.job import JobCode


@pytest.fixture(autouse=True, params=["with Python's filters", "before Python had filters"])
def _python(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "before Python had filters":
        monkeypatch.delattr(tarfile, "data_filter", raising=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "workflow"
    made.mkdir()
    return made


def file(name: str, content: str = "x", mode: int = 0o644) -> tuple[tarfile.TarInfo, str]:
    member = tarfile.TarInfo(name)
    member.mode, member.uname, member.uid = mode, "nobody", 65534
    return member, content


def other(name: str, kind: bytes, link: str = "", mode: int = 0o644) -> tuple[tarfile.TarInfo, str]:
    member = tarfile.TarInfo(name)
    member.type, member.linkname, member.mode = kind, link, mode
    return member, ""


def archive(tmp_path: Path, *members: tuple[tarfile.TarInfo, str]) -> JobCode:
    path = tmp_path / "code.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for member, content in members:
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content.encode()))
    return JobCode(path=str(path), limit=10_000)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_files_folders_and_links_inside_are_unpacked(tmp_path: Path, folder: Path) -> None:
    code = archive(
        tmp_path,
        other(".", tarfile.DIRTYPE, mode=0o755),
        other("./app", tarfile.DIRTYPE, mode=0o500),
        file("./app/main.py", "print(1)"),
        file("run.sh", "exit", 0o755),
        other("app/link", tarfile.SYMTYPE, "../run.sh"),
        other("same.py", tarfile.LNKTYPE, "app/main.py"),
    )
    unpack(code, folder)
    assert (folder / "app/main.py").read_text() == "print(1)"
    assert (folder / "app/link").read_text() == "exit"
    assert (folder / "same.py").samefile(folder / "app/main.py")
    assert mode(folder / "run.sh") == 0o755


@pytest.mark.parametrize(
    ("given", "kept"), [(0o4755, 0o755), (0o666, 0o644), (0o011, 0o600), (0o400, 0o600)]
)
def test_modes_are_put_right(tmp_path: Path, folder: Path, given: int, kept: int) -> None:
    unpack(archive(tmp_path, file("a", mode=given)), folder)
    assert mode(folder / "a") == kept


def test_an_absolute_name_is_put_below(tmp_path: Path, folder: Path) -> None:
    unpack(archive(tmp_path, file("/etc/perdure-code")), folder)
    assert (folder / "etc/perdure-code").read_text() == "x"


@pytest.mark.parametrize(
    "members",
    [
        pytest.param([file("../outside/file")], id="a name"),
        pytest.param([file("a/../../outside/file")], id="a name by a detour"),
        pytest.param([other("l", tarfile.SYMTYPE, "/etc/passwd")], id="an absolute link"),
        pytest.param([other("l", tarfile.SYMTYPE, "../outside/kept")], id="a link"),
        pytest.param([other("l", tarfile.LNKTYPE, "../outside/kept")], id="a hard link"),
        pytest.param(
            [other("a", tarfile.SYMTYPE, "."), other("b", tarfile.SYMTYPE, "a/../outside")],
            id="a link over a link",
        ),
        pytest.param(
            [
                other("b", tarfile.SYMTYPE, "a/../../outside"),
                other("a", tarfile.SYMTYPE, "c/d"),
                file("b/file"),
            ],
            id="a name through a link",
        ),
        pytest.param([other("f", tarfile.FIFOTYPE)], id="a pipe"),
        pytest.param([other("d", tarfile.CHRTYPE)], id="a device"),
    ],
)
def test_what_leads_outside_is_refused(
    tmp_path: Path, folder: Path, members: list[tuple[tarfile.TarInfo, str]]
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    with pytest.raises(ContainerCreateFailed, match="The code could not be unpacked"):
        unpack(archive(tmp_path, *members), folder)
    assert [path.name for path in outside.iterdir()] == ["kept"]
    assert (outside / "kept").read_text() == "kept"
    assert (outside / "kept").stat().st_nlink == 1


def test_an_archive_that_is_damaged_is_refused(tmp_path: Path, folder: Path) -> None:
    code = archive(tmp_path, file("a", "x" * 10_000))
    Path(code.path).write_bytes(Path(code.path).read_bytes()[:60])
    with pytest.raises(ContainerCreateFailed, match="The code could not be unpacked"):
        unpack(code, folder)


def test_an_archive_that_grows_beyond_its_limit_is_refused(tmp_path: Path, folder: Path) -> None:
    code = archive(tmp_path, file("a", "x" * 10_000), file("b", "y" * 10_000))
    unpack(code, folder)
    with pytest.raises(ContainerCreateFailed, match="larger than an archive may be"):
        unpack(code.model_copy(update={"limit": 20_000 - HEADERS}), folder)
