"""Code is unpacked where it belongs, whatever its archive says."""

import io
import stat
import tarfile
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hosts.process import code as code_module
from hosts.process.code import unpack
from perdure.errors import ContainerCreateFailed
from spec.job import JobCode


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


def archive(tmp_path: Path, *members: tuple[tarfile.TarInfo, str], limit: int = 100_000) -> JobCode:
    path = tmp_path / "code.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for member, content in members:
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content.encode()))
    return JobCode(path=str(path), limit=limit)


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
            [other("a", tarfile.SYMTYPE, "."), other("b", tarfile.SYMTYPE, "a/../../outside")],
            id="a link over a link",
        ),
        pytest.param(
            [other("d", tarfile.SYMTYPE, "."), other("d/l", tarfile.SYMTYPE, "../outside")],
            id="a link through a link",
        ),
        pytest.param(
            [other("d", tarfile.SYMTYPE, "e"), other("e/f", tarfile.DIRTYPE), file("d/f/g")],
            id="a folder through a link",
        ),
        pytest.param(
            [other("l", tarfile.SYMTYPE, "."), other("h", tarfile.LNKTYPE, "l")],
            id="a hard link to a link",
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
    assert not folder.exists()


TO_THE_ROOT = other("e", tarfile.SYMTYPE, "p/q/r/../../..")
EACH_STAYS = [other(name, tarfile.SYMTYPE, ".") for name in "pqr"]


@pytest.mark.parametrize(
    "members",
    [
        pytest.param([TO_THE_ROOT, *EACH_STAYS], id="what it leads over comes later"),
        pytest.param([*EACH_STAYS, TO_THE_ROOT], id="what it leads over is there"),
        pytest.param(
            [file("p/q/r/f"), TO_THE_ROOT, other("p/q/r/f", tarfile.SYMTYPE, "../../..")],
            id="what it leads over is a folder",
        ),
    ],
)
def test_no_link_leads_outside_whatever_the_order(
    tmp_path: Path, folder: Path, members: list[tuple[tarfile.TarInfo, str]]
) -> None:
    unpack(archive(tmp_path, *members), folder)
    assert (folder / "e").resolve().is_relative_to(folder)


NAMES = st.lists(st.sampled_from(["a", "b", "c", ".."]), min_size=1, max_size=5).map("/".join)
MEMBERS = st.one_of(
    st.builds(other, NAMES, st.sampled_from([tarfile.SYMTYPE, tarfile.LNKTYPE]), NAMES),
    st.builds(other, NAMES, st.just(tarfile.DIRTYPE)),
    st.builds(file, NAMES),
)


@given(st.lists(MEMBERS, max_size=8))
def test_whatever_is_unpacked_stays_inside(members: list[tuple[tarfile.TarInfo, str]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        outer = Path(name).resolve()
        folder = outer / "home" / "workflow"
        folder.mkdir(parents=True)
        code = archive(outer, *members)
        with suppress(ContainerCreateFailed):
            unpack(code, folder)
        assert {path.name for path in outer.iterdir()} == {"home", "code.tar.gz"}
        assert [path for path in (outer / "home").iterdir() if path != folder] == []
        for path in folder.rglob("*"):
            with suppress(RuntimeError):  # a loop, which leads nowhere
                assert path.resolve().is_relative_to(folder)


def test_a_later_member_replaces_an_earlier_one(tmp_path: Path, folder: Path) -> None:
    code = archive(
        tmp_path,
        file("a", "first"),
        file("kept", "kept"),
        other("a", tarfile.SYMTYPE, "kept"),
        file("a", "last"),
        file("l", "a file"),
        other("l", tarfile.SYMTYPE, "a"),
    )
    unpack(code, folder)
    assert [(folder / name).read_text() for name in ("a", "kept", "l")] == ["last", "kept", "last"]


def test_a_bomb_leaves_nothing_behind(tmp_path: Path, folder: Path) -> None:
    members = file("small"), file("zeros", "0" * 2_000_000)
    with pytest.raises(ContainerCreateFailed, match="more than 1 MB"):
        unpack(archive(tmp_path, *members, limit=1024 * 1024), folder)
    assert not folder.exists()


def test_folders_that_no_member_names_are_counted(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(code_module, "MEMBERS", 10)
    with pytest.raises(ContainerCreateFailed, match="more than 10 folders"):
        unpack(archive(tmp_path, file("/".join("abcdefghijk") + "/file")), folder)


@pytest.mark.parametrize("name", ["a/" * 101 + "file", "a" * 256, "a" * 5000])
def test_a_name_that_is_too_long_is_refused(tmp_path: Path, folder: Path, name: str) -> None:
    with pytest.raises(ContainerCreateFailed, match="The code could not be unpacked"):
        unpack(archive(tmp_path, file(name)), folder)


def test_an_archive_that_is_damaged_is_refused(tmp_path: Path, folder: Path) -> None:
    code = archive(tmp_path, file("a", "x" * 10_000))
    Path(code.path).write_bytes(Path(code.path).read_bytes()[:60])
    with pytest.raises(ContainerCreateFailed, match="The code could not be unpacked"):
        unpack(code, folder)
