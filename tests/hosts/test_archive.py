"""A code archive is read no further than it may go, however well it was compressed."""

import io
import tarfile
from pathlib import Path

import pytest

from hosts.archive import HEADERS, opened
from perdure.errors import ContainerCreateFailed
from spec.job import JobCode

ZEROS = 1_000_000


def bomb(tmp_path: Path, *, limit: int, kind: bytes = tarfile.REGTYPE) -> JobCode:
    """A KB that becomes a megabyte; `limit` bounds all that is unpacked, headers too."""
    path = tmp_path / "code.tar.gz"
    with tarfile.open(path, "w:gz", format=tarfile.GNU_FORMAT) as tar:
        for name in ("a", "b"):
            member = tarfile.TarInfo(name)
            member.size, member.type = ZEROS, kind
            tar.addfile(member, io.BytesIO(bytes(ZEROS)))
    assert path.stat().st_size < ZEROS / 100
    return JobCode(path=str(path), limit=limit - HEADERS)


def names(code: JobCode) -> list[str]:
    with opened(code) as tar:
        return tar.getnames()


def test_what_fits_is_read(tmp_path: Path) -> None:
    code = bomb(tmp_path, limit=2 * ZEROS + 20_000)
    assert names(code) == ["a", "b"]
    with opened(code) as tar:
        content = tar.extractfile("b")
        assert content is not None
        assert content.read() == bytes(ZEROS)


def test_what_does_not_fit_is_not_even_looked_through(tmp_path: Path) -> None:
    with pytest.raises(ContainerCreateFailed, match="larger than an archive may be") as refused:
        names(bomb(tmp_path, limit=ZEROS + 5_000))
    assert "PERDURE_CODE_LIMIT_MB" in refused.value.hint


def test_a_long_name_of_any_length_does_not_fill_the_memory(tmp_path: Path) -> None:
    with pytest.raises(ContainerCreateFailed, match="larger than an archive may be"):
        names(bomb(tmp_path, limit=5_000, kind=tarfile.GNUTYPE_LONGNAME))


def test_what_is_no_archive_is_told(tmp_path: Path) -> None:
    path = tmp_path / "code.tar.gz"
    path.write_bytes(b"no archive")
    with pytest.raises(ContainerCreateFailed, match="could not be unpacked"):
        names(JobCode(path=str(path), limit=1))
