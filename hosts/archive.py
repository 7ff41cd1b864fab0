"""Reading a code archive that anybody may have made: in one pass, in little memory, within limits.

The headers are read by Python's `tarfile`, one block at a time. Its own loop over an archive keeps
whatever a header says in memory, and follows headers of headers without an end.
"""

import gzip
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from perdure.errors import ContainerCreateFailed, sentence
from spec.job import JobCode

MEGABYTE = 1024 * 1024
MEMBERS = 100_000
"""Files, folders and links; the sources of Linux have 90,000, and are far beyond any limit."""
LONGEST_HEADER = 256 * 1024
"""Bytes of a header beside the usual one: two paths of 4 KiB, and attributes of 64 KiB each."""
BLOCK = 512
ALLOWANCE = 4 * BLOCK
"""Bytes that a member may have beside its content: a header, a longer one in two, and padding."""
PIECE = 64 * 1024  # bytes in memory at once

FILES = frozenset({tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE})
KINDS = FILES | {tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE}
LONGER = frozenset({tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE})
GNU_LONGER = {tarfile.GNUTYPE_LONGNAME: "path", tarfile.GNUTYPE_LONGLINK: "linkpath"}


def refused(reason: object) -> ContainerCreateFailed:
    """An archive that cannot be unpacked, or must not be; names in it may be long and no text."""
    told = str(reason).encode(errors="replace").decode()[:500]
    return ContainerCreateFailed(
        sentence(f"The code could not be unpacked: {told}"),
        hint="Apply again; a file that it names can stay out by `.gitignore` or `.dstackignore`.",
    )


class Content:
    """What comes out of an archive. Raises `ContainerCreateFailed` beyond the limit."""

    def __init__(self, source: gzip.GzipFile, limit: int) -> None:
        self._source, self._limit = source, limit
        self._left = limit + LONGEST_HEADER
        self.position = 0

    def allow(self, size: int) -> None:
        """Let it have that many bytes more."""
        self._left += size

    def read(self, size: int) -> bytes:
        """The next bytes, all of them."""
        data = self.read_to_end(size)
        if len(data) < size:
            raise refused("It ends too early.")
        return data

    def read_to_end(self, size: int) -> bytes:
        """The next bytes; fewer only at the end."""
        self._left -= size
        if self._left < 0:
            raise refused(f"Unpacked, it has more than {self._limit / MEGABYTE:g} MB.")
        try:
            data = self._source.read(size)
        except (OSError, EOFError, zlib.error) as error:
            raise refused(error) from error
        self.position += len(data)
        return data

    def copy(self, size: int, out: IO[bytes]) -> None:
        """Write the next bytes somewhere."""
        for piece in self._pieces(size):
            out.write(piece)

    def skip(self, size: int) -> None:
        """Leave the next bytes out."""
        for _ in self._pieces(size):
            pass

    def _pieces(self, size: int) -> Iterator[bytes]:
        while size:
            piece = self.read(min(size, PIECE))
            size -= len(piece)
            yield piece


def members(code: JobCode) -> Iterator[tuple[tarfile.TarInfo, Content]]:
    """Each file, folder and link of the code, with where a file's `size` bytes are read.

    Raises `ContainerCreateFailed` for what is damaged, larger than its limit unpacked, or of
    another kind: devices, pipes, sparse files.
    """
    with Path(code.path).open("rb") as packed, gzip.GzipFile(fileobj=packed) as unpacked:
        content = Content(unpacked, code.limit)
        for count, member in enumerate(_headers(content), start=1):
            if count > MEMBERS:
                raise refused(f"It has more than {MEMBERS:,} files.")
            content.allow(ALLOWANCE)
            end = content.position + (_padded(member.size) if member.type in FILES else 0)
            yield member, content
            content.skip(end - content.position)


def _headers(content: Content) -> Iterator[tarfile.TarInfo]:
    """The headers of members, with the longer names that other headers before them tell."""
    longer: dict[str, str] = {}
    while any(block := content.read_to_end(BLOCK)):
        try:
            header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
            if header.size < 0:
                raise refused(f"`{header.name}` has a negative size.")
            if header.type in LONGER:
                longer |= _records(_extra(content, header))
            elif header.type in GNU_LONGER:
                longer[GNU_LONGER[header.type]] = _text(_extra(content, header).rstrip(b"\0"))
            elif header.type == tarfile.XGLTYPE:
                content.skip(_padded(header.size))
            else:
                yield _member(header, longer)
                longer = {}
        except (tarfile.HeaderError, ValueError) as error:
            raise refused(f"It is damaged: {error}.") from error


def _member(header: tarfile.TarInfo, longer: dict[str, str]) -> tarfile.TarInfo:
    header.name = longer.get("path", header.name).rstrip("/")
    header.linkname = longer.get("linkpath", header.linkname)
    header.size = int(longer.get("size", header.size))
    if any(key.startswith("GNU.sparse.") for key in longer) or header.type not in KINDS:
        raise refused(f"`{header.name}` is neither a plain file, nor a folder or a link.")
    if header.size < 0 or "\0" in header.name + header.linkname:
        raise refused(f"`{header.name}` has a size or a name that no file can have.")
    return header


def _extra(content: Content, header: tarfile.TarInfo) -> bytes:
    if header.size > LONGEST_HEADER:
        raise refused(f"It has a header of {header.size:,} bytes.")
    return content.read(_padded(header.size))[: header.size]


def _records(data: bytes) -> dict[str, str]:
    """The records of a pax header: `length key=value` and an end of line each."""
    found, at = {}, 0
    while at < len(data):
        space = data.index(b" ", at)
        end = at + int(data[at:space])
        if not space < end <= len(data):
            raise ValueError("a record is longer than its header")
        key, _, value = data[space + 1 : end - 1].partition(b"=")
        found[_text(key)] = _text(value)
        at = end
    return found


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK
