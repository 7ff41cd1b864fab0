import hashlib
from collections.abc import AsyncIterator

import httpx

from spec.run_spec import CodeArchive
from spec.server import Server

CONTENT = b"an archive" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PATH = f"/projects/main/code/{SHA256}"


async def test_archive_is_sent_once(alice: httpx.AsyncClient) -> None:
    assert (await alice.head(PATH)).status_code == 404
    sent = await alice.put(PATH, content=CONTENT)
    assert sent.status_code == 201
    kept = CodeArchive.model_validate(sent.json())
    assert kept == CodeArchive(sha256=SHA256, size=len(CONTENT))
    assert (await alice.head(PATH)).status_code == 204


async def test_server_tells_how_much_code_it_takes(alice: httpx.AsyncClient) -> None:
    assert Server.model_validate((await alice.get("/server")).json()).code_limit_mb == 1


async def test_archive_that_changed_on_the_way_is_refused(alice: httpx.AsyncClient) -> None:
    answer = await alice.put(PATH, content=CONTENT + b"!")
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid_input")
    assert (await alice.head(PATH)).status_code == 404


async def test_archive_over_the_limit_is_refused_also_when_it_hides_its_size(
    alice: httpx.AsyncClient,
) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield bytes(64 * 1024)

    for content in (bytes(1024 * 1024 + 1), endless()):
        answer = await alice.put(PATH, content=content)
        error = answer.json()["error"]
        assert (answer.status_code, error["code"]) == (413, "too_large")
        assert "1 MB" in error["message"]
