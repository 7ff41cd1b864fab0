"""The archive: the same bytes for the same content, and nothing that cannot travel."""

import gzip
import hashlib
import io
import os
import tarfile
from pathlib import Path

import pytest

from cli.archive import packed
from cli.repository import find_repository
from perdure.errors import InvalidInput, TooLarge


def pack(folder: Path, limit_mb: int = 1) -> tuple[str, bytes]:
    with packed(find_repository(folder), limit_mb) as archive:
        content = archive.content.read()
        assert archive.size == len(content)
        assert archive.sha256 == hashlib.sha256(content).hexdigest()
        return archive.sha256, content


def members(content: bytes) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(content))) as tar:
        return {member.name: member for member in tar.getmembers()}


def test_the_same_content_has_the_same_hash_wherever_and_whenever(tmp_path: Path) -> None:
    hashes = set()
    for name, time in (("one", 1_000), ("two", 2_000_000)):
        folder = tmp_path / name
        folder.mkdir()
        for file in ("b.py", "a.py") if name == "one" else ("a.py", "b.py"):
            (folder / file).write_text(file)
            os.utime(folder / file, (time, time))
        (folder / "a.py").chmod(0o600 if name == "one" else 0o664)
        hashes.add(pack(folder)[0])
    assert len(hashes) == 1


def test_other_content_has_another_hash(workplace: Path) -> None:
    (workplace / "a.py").write_text("1")
    before, _ = pack(workplace)
    (workplace / "a.py").write_text("2")
    assert pack(workplace)[0] != before


def test_what_is_executable_stays_so(workplace: Path) -> None:
    (workplace / "run.sh").write_text("")
    (workplace / "run.sh").chmod(0o755)
    (workplace / "a.py").write_text("")
    found = members(pack(workplace)[1])
    assert (found["run.sh"].mode, found["a.py"].mode) == (0o755, 0o644)


def test_links_inside_are_kept_as_links(workplace: Path) -> None:
    (workplace / "data").mkdir()
    (workplace / "data" / "a").write_text("")
    (workplace / "link").symlink_to("data/a")
    (workplace / "folder").symlink_to("data")
    (workplace / "data" / "up").symlink_to("../link")
    found = members(pack(workplace)[1])
    assert found["link"].linkname == "data/a"
    assert found["folder"].linkname == "data"
    assert found["data/up"].linkname == "../link"
    assert "folder/a" not in found


@pytest.mark.parametrize("target", ["/etc/passwd", "../secret", "a/../../secret"])
def test_links_that_lead_out_are_refused(workplace: Path, target: str) -> None:
    (workplace / "link").symlink_to(target)
    with pytest.raises(InvalidInput, match="outside the repository") as refused:
        pack(workplace)
    assert ".dstackignore" in refused.value.hint


def test_too_much_is_refused_with_the_largest_files(workplace: Path) -> None:
    (workplace / "weights.bin").write_bytes(bytes(900 * 1024))
    (workplace / "data.csv").write_bytes(bytes(300 * 1024))
    (workplace / "a.py").write_text("")
    with pytest.raises(TooLarge) as refused:
        pack(workplace, limit_mb=1)
    assert "has 1.2 MB, and 1 MB is the limit" in refused.value.message
    assert "900 KB  weights.bin\n  300 KB  data.csv" in refused.value.message
    (workplace / ".dstackignore").write_text("*.bin")
    pack(workplace, limit_mb=1)


def test_an_archive_of_nothing_is_an_archive(workplace: Path) -> None:
    assert members(pack(workplace)[1]) == {}


def test_the_service_s_own_file_travels_and_is_no_code(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("run()")
    file = tmp_path / "web.dstack.yml"
    identities, hashes = set(), set()
    for text in ("replicas: 1", "replicas: 2"):
        file.write_text(text)
        with packed(find_repository(tmp_path), 1, file) as archive:
            assert "web.dstack.yml" in members(archive.content.read())
            identities.add(archive.identity)
            hashes.add(archive.sha256)
    assert (len(identities), len(hashes)) == (1, 2)
    (tmp_path / "app.py").write_text("walk()")
    with packed(find_repository(tmp_path), 1, file) as archive:
        assert archive.identity not in identities


def test_a_service_is_the_same_code_wherever_its_file_is(workplace: Path, tmp_path: Path) -> None:
    (workplace / "app.py").write_text("run()")
    file, copy = workplace / ".dstack.yml", tmp_path / "copy.yml"
    for place in (file, copy, workplace / "other.dstack.yml"):
        place.write_text("type: service")
    identities = set()
    for described_by in (file, copy, None):
        with packed(find_repository(workplace), 1, described_by) as archive:
            assert {".dstack.yml", "other.dstack.yml"} < set(members(archive.content.read()))
            identities.add(archive.identity)
    assert len(identities) == 1
