"""The code archive on its way to the server, where it is kept once per content."""

from collections.abc import Iterator

import httpx
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TransferSpeedColumn,
)

from cli.archive import Archive
from cli.client import TIMEOUT, Client
from cli.persistence import persist
from cli.terminal import messages
from perdure.errors import NotFound

CHUNK = 256 * 1024
"""Bytes read at once: small enough for a bar that moves."""
UPLOAD_SILENCE = 120.0
"""Seconds for which the server may be busy with what it got: it checks the hash at the end."""


def upload(client: Client, archive: Archive) -> None:
    """Send the archive, unless the server has it; again when it goes away. Raises `TooLarge`."""
    persist(lambda: _upload(client, archive))


def _upload(client: Client, archive: Archive) -> None:
    where = client.in_project("code", archive.sha256)
    try:
        client.send("HEAD", where)
    except NotFound:
        with _bar() as bar:
            task = bar.add_task("Uploading the code", total=archive.size)
            client.send(
                "PUT",
                where,
                content=_chunks(archive, bar, task),
                headers={
                    "Content-Length": str(archive.size),
                    "Content-Type": "application/octet-stream",
                },
                timeout=httpx.Timeout(UPLOAD_SILENCE, connect=TIMEOUT.connect),
            )


def _chunks(archive: Archive, bar: Progress, task: TaskID) -> Iterator[bytes]:
    archive.content.seek(0)
    while chunk := archive.content.read(CHUNK):
        yield chunk
        bar.advance(task, len(chunk))


def _bar() -> Progress:
    console = messages()
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
