"""An archive of code is read within limits, and in little memory, whoever made it."""

import contextlib
import gzip
import io
import tarfile
import tempfile
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hosts import archive as limits
from hosts.archive import BLOCK, MEGABYTE, Content, members
from perdure.errors import ContainerCreateFailed
from spec.job import JobCode


def header(name: str, size: int = 0, kind: bytes = tarfile.REGTYPE) -> bytes:
    member = tarfile.TarInfo(name)
    member.size, member.type = size, kind
    return member.tobuf(tarfile.GNU_FORMAT)


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % BLOCK)


def longer(records: bytes) -> bytes:
    return header("x", len(records), tarfile.XHDTYPE) + padded(records)


def packed(tmp_path: Path, *parts: bytes) -> Path:
    path = tmp_path / "code.tar.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        for part in parts:
            file.write(part)
        file.write(bytes(2 * BLOCK))
    return path


def names(archive: Path, limit: int = MEGABYTE) -> list[str]:
    code = JobCode(path=str(archive), limit=limit)
    return [member.name for member, _ in members(code)]


def zeros(megabytes: int) -> Iterator[bytes]:
    yield from (bytes(MEGABYTE) for _ in range(megabytes))


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_what_tarfile_writes_is_read(tmp_path: Path, form: int) -> None:
    path = tmp_path / "code.tar.gz"
    long = "/".join(["folder" * 12] * (2 if form == tarfile.USTAR_FORMAT else 9))
    with tarfile.open(path, "w:gz", format=form) as tar:
        for name, content in ((long, b"a" * 1000), ("ü", b""), ("last", b"z" * 512)):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    code = JobCode(path=str(path), limit=MEGABYTE)
    found = {member.name: content.read(member.size) for member, content in members(code)}
    assert found == {long: b"a" * 1000, "ü": b"", "last": b"z" * 512}


def test_an_archive_as_git_makes_it_is_read(tmp_path: Path) -> None:
    comment = b"52 comment=5a6f0b8f0a1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e\n"
    about = header("pax_global_header", len(comment), tarfile.XGLTYPE) + padded(comment)
    assert names(packed(tmp_path, about, header("a"))) == ["a"]


def test_an_archive_without_its_end_is_read(tmp_path: Path) -> None:
    path = tmp_path / "code.tar.gz"
    path.write_bytes(gzip.compress(header("a")))
    assert names(path) == ["a"]


def test_code_of_the_limit_is_read_and_more_is_refused(tmp_path: Path) -> None:
    many = [header(f"{n}", 1) + padded(b"x") for n in range(2000)]
    exact = packed(tmp_path, *many, header("rest", MEGABYTE - 2000), bytes(MEGABYTE - 2000))
    assert len(names(exact)) == 2001
    over = packed(tmp_path, header("a", 2 * MEGABYTE), bytes(2 * MEGABYTE))
    with pytest.raises(ContainerCreateFailed, match="Unpacked, it has more than 1 MB"):
        names(over)


@pytest.mark.parametrize(
    ("parts", "reason"),
    [
        pytest.param([header("big", 64 << 20), *zeros(64)], "more than 1 MB", id="content"),
        pytest.param(
            [header("x", 64 << 20, tarfile.XHDTYPE), *zeros(64)], "a header of", id="a pax header"
        ),
        pytest.param(
            [header("g", 64 << 20, tarfile.XGLTYPE), *zeros(64)],
            "more than 1 MB",
            id="a global one",
        ),
        pytest.param(
            [header("L", 64 << 20, tarfile.GNUTYPE_LONGNAME), *zeros(64)],
            "a header of",
            id="a long name",
        ),
        pytest.param([longer(b"9 path=b\n")] * 20_000, "more than 1 MB", id="headers of headers"),
        pytest.param(
            [longer(b"22 GNU.sparse.major=1\n"), header("s", 64 << 20), *zeros(64)],
            "neither a plain file",
            id="a sparse file",
        ),
    ],
)
def test_a_bomb_is_refused_in_little_memory(
    tmp_path: Path, parts: list[bytes], reason: str
) -> None:
    bomb = packed(tmp_path, *parts)
    tracemalloc.start()
    with pytest.raises(ContainerCreateFailed, match=reason):
        names(bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < MEGABYTE


def test_more_members_than_code_has_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MEMBERS", 10)
    assert len(names(packed(tmp_path, *[header("a")] * 10))) == 10
    with pytest.raises(ContainerCreateFailed, match="more than 10 files"):
        names(packed(tmp_path, *[header("a")] * 11))


@pytest.mark.parametrize(
    "part",
    [
        pytest.param(b"x" * BLOCK, id="no header"),
        pytest.param(header("a", 10) + b"cut", id="a file that is cut"),
        pytest.param(longer(b"900 path=a\n") + header("a"), id="a record beyond its header"),
        pytest.param(longer(b"0 path=a\n") + header("a"), id="a record without a length"),
        pytest.param(longer(b"path=a\n") + header("a"), id="no record"),
        pytest.param(longer(b"11 size=-9\n") + header("a"), id="a negative size"),
        pytest.param(longer(b"9 size=x\n") + header("a"), id="a size that is no number"),
        pytest.param(longer(b"11 path=a\0b\n") + header("a"), id="a name that no file can have"),
        pytest.param(header("a", kind=tarfile.GNUTYPE_SPARSE), id="a sparse file"),
        pytest.param(header("a", kind=b"?"), id="an unknown kind"),
    ],
)
def test_what_is_damaged_is_refused(tmp_path: Path, part: bytes) -> None:
    path = tmp_path / "code.tar.gz"
    path.write_bytes(gzip.compress(part))
    with pytest.raises(ContainerCreateFailed, match="The code could not be unpacked") as told:
        names(path)
    assert "`.dstackignore`" in told.value.hint


@pytest.mark.parametrize(
    "content",
    [b"", b"no gzip", gzip.compress(bytes(9999), mtime=0)[:-20] + b"x" * 20],
    ids=["nothing", "no gzip", "a damaged end"],
)
def test_what_gzip_cannot_read_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "code.tar.gz"
    path.write_bytes(content)
    with pytest.raises(ContainerCreateFailed, match="The code could not be unpacked"):
        Content(gzip.GzipFile(path), MEGABYTE).read(9999)


def test_the_message_can_be_sent_whatever_a_name_is(tmp_path: Path) -> None:
    odd = longer(b"9 path=\xff\n") + header("a", kind=tarfile.FIFOTYPE)
    with pytest.raises(ContainerCreateFailed) as failed:
        names(packed(tmp_path, odd))
    assert failed.value.message.encode()


@pytest.fixture(scope="module")
def sample() -> bytes:
    """A tar with all kinds of headers, in Python's two formats."""
    out = io.BytesIO()
    for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        with tarfile.open(fileobj=out, mode="w", format=form) as tar:
            for name in ("a", "folder/" * 30 + "b", "\u00fc"):
                member = tarfile.TarInfo(name)
                member.size = 700
                tar.addfile(member, io.BytesIO(b"x" * 700))
            link = tarfile.TarInfo("link")
            link.type, link.linkname = tarfile.SYMTYPE, "y/" * 80
            tar.addfile(link)
    return out.getvalue()


@settings(deadline=None, max_examples=150)
@given(
    changes=st.lists(
        st.tuples(st.integers(0, 2**20), st.binary(min_size=1, max_size=12)), max_size=6
    ),
    packed_changes=st.lists(st.tuples(st.integers(0, 2**20), st.integers(0, 255)), max_size=2),
    end=st.integers(0, 2**20),
    repair=st.booleans(),
)
def test_damaged_archives_are_refused_in_our_words(
    sample: bytes,
    changes: list[tuple[int, bytes]],
    packed_changes: list[tuple[int, int]],
    end: int,
    repair: bool,
) -> None:
    data = bytearray(sample[: end % len(sample) + 1] if end % 3 == 0 else sample)
    for place, change in changes:
        at = place % len(data)
        data[at : at + len(change)] = change
    if repair:
        _sum_anew(data)
    archive = bytearray(gzip.compress(bytes(data), compresslevel=1))
    for place, value in packed_changes:
        archive[place % len(archive)] = value
    with tempfile.NamedTemporaryFile() as file:
        file.write(archive)
        file.flush()
        with contextlib.suppress(ContainerCreateFailed):
            for member, content in members(JobCode(path=file.name, limit=MEGABYTE)):
                assert member.name.count("\0") == 0
                content.skip(min(member.size, 10) if member.isreg() else 0)


def _sum_anew(data: bytearray) -> None:
    """Each block with a right check sum, as far as it is a header: damage goes deeper so."""
    for at in range(0, len(data) - BLOCK + 1, BLOCK):
        if data[at + 257 : at + 262] == b"ustar":
            data[at + 148 : at + 156] = b" " * 8
            data[at + 148 : at + 156] = b"%06o\0 " % sum(data[at : at + BLOCK])
