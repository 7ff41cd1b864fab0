"""Each request has an id, and counts by the template of its route."""

import logging

import httpx
import pytest
from prometheus_client import REGISTRY

from perdure.subject import of_record
from tests.api.fake_runs import FakeRuns


def counted(method: str, route: str, status: int) -> float:
    labels = {"method": method, "route": route, "status": str(status)}
    return REGISTRY.get_sample_value("perdure_api_requests_total", labels) or 0.0


async def test_an_answer_tells_the_id_of_its_request(admin: httpx.AsyncClient) -> None:
    first, second = await admin.get("/me"), await admin.get("/me")
    assert len(first.headers["x-request-id"]) == 32
    assert first.headers["x-request-id"] != second.headers["x-request-id"]
    given = await admin.get("/me", headers={"X-Request-Id": "from-my-proxy_1.2"})
    assert given.headers["x-request-id"] == "from-my-proxy_1.2"


@pytest.mark.parametrize("wrong", ["", "a b", "x" * 65, '"}', "é".encode()])
async def test_an_id_that_could_spoil_a_log_is_replaced(
    admin: httpx.AsyncClient, wrong: str
) -> None:
    answer = await admin.get("/me", headers={"X-Request-Id": wrong})
    assert len(answer.headers["x-request-id"]) == 32


async def test_what_is_logged_meanwhile_is_about_the_request_and_its_run(
    admin: httpx.AsyncClient,
    runs: FakeRuns,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log, seen = logging.getLogger("test"), list[logging.LogRecord]()

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(record)
            subjects.append(of_record(record))

    subjects: list[object] = []
    handler = Keep()
    log.addHandler(handler)

    async def status(project: str, run: str) -> None:
        log.warning("looked for it")

    monkeypatch.setattr(runs, "status", status)
    answer = await admin.get("/projects/main/runs/llm", headers={"X-Request-Id": "r1"})
    log.removeHandler(handler)
    assert answer.status_code == 404
    (subject,) = subjects
    assert (subject.run, subject.request) == ("main/llm", "r1")  # type: ignore[attr-defined]


async def test_requests_count_by_template_so_that_strangers_make_no_series(
    admin: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    route = "/projects/{project}/secrets/{name}"
    before, others = counted("DELETE", route, 404), counted("other", "other", 401)
    await admin.delete("/projects/main/secrets/NOBODYS")
    assert counted("DELETE", route, 404) == before + 1
    await anonymous.patch("/no/such/address")
    assert counted("other", "other", 401) == others + 1
    assert counted("PATCH", "other", 401) == 0


async def test_metrics_are_not_behind_the_front_door(
    admin: httpx.AsyncClient, anonymous: httpx.AsyncClient
) -> None:
    assert (await anonymous.get("http://api/metrics")).status_code == 401
    assert (await admin.get("http://api/metrics")).status_code == 404
