"""A run's code archive, open for reading, with a bound on what it unpacks to."""

import gzip
import os
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from perdure.errors import ContainerCreateFailed, sentence
from spec.job import JobCode

HEADERS = 256 * 1024 * 1024
"""Bytes for what a tar has besides the files' content: 0.5 to 3 KB each, for 100,000 of them."""


@contextmanager
def opened(code: JobCode) -> Iterator[tarfile.TarFile]:
    """The tar within, for as long as the context lasts.

    Raises `ContainerCreateFailed` when it is broken, or has much more than its `limit`; also for
    what fails in the context.
    """
    try:
        unzipped = _Bounded(code.path, code.limit + HEADERS)
        with unzipped, tarfile.open(fileobj=unzipped, mode="r:") as tar:
            yield tar
    except (OSError, EOFError, tarfile.TarError, zlib.error) as error:
        raise ContainerCreateFailed(sentence(f"The code could not be unpacked: {error}")) from error


class _Bounded(gzip.GzipFile):
    """A few KB can be unpacked to any number of GB: reading ends at `limit` bytes."""

    def __init__(self, path: str, limit: int) -> None:
        super().__init__(path, "rb")
        self._limit = limit

    def read(self, size: int | None = -1) -> bytes:
        # Never more than one byte beyond, whatever a header says.
        left = self._limit + 1 - self.tell()
        content = super().read(left if size is None or size < 0 else min(size, left))
        self._check(self.tell())
        return content

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._check(offset)
        return super().seek(offset, whence)

    def _check(self, position: int) -> None:
        if position > self._limit:
            raise ContainerCreateFailed(
                "The code could not be unpacked: it is larger than an archive may be.",
                hint="`PERDURE_CODE_LIMIT_MB` bounds it. Apply again with less.",
            )
