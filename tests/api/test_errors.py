import httpx
import pytest
from temporalio.service import RPCError, RPCStatusCode

from api.body import LIMIT
from perdure.errors import NoCapacity, Unavailable
from tests.api.fake_runs import FakeRuns, run_status

SERVICE = {"type": "service", "name": "app", "port": 8000, "commands": ["serve"]}
FAR = b'{"name": "t", "expires_at": "9999-12-31T23:59:59-14:00"}'


@pytest.mark.parametrize(
    ("method", "path", "content", "status", "code"),
    [
        ("GET", "/no/such/path", b"", 404, "not_found"),
        ("GET", "/users/nobody/tokens", b"", 404, "not_found"),
        ("PATCH", "/me", b"", 405, "method_not_allowed"),
        ("POST", "/projects", b"{", 422, "invalid_input"),
        ("POST", "/projects", b"[]", 422, "invalid_input"),
        ("POST", "/projects", b"{}", 422, "invalid_input"),
        ("POST", "/projects", b'{"name": "a", "nom": 1}', 422, "invalid_input"),
        ("POST", "/projects", b" " * (LIMIT + 1), 413, "too_large"),
        ("POST", "/projects", b'{"name": "main"}', 409, "already_exists"),
        ("GET", "/projects/main/runs?all=perhaps", b"", 422, "invalid_input"),
        ("GET", "/projects/main/runs/app/logs?after=-1", b"", 422, "invalid_input"),
        ("GET", f"/projects/main/runs/app/logs?after={10**20}", b"", 422, "invalid_input"),
        ("GET", f"/projects/main/runs/app/logs?replica={10**20}", b"", 422, "invalid_input"),
        ("GET", f"/projects/main/runs/app/logs?since={'9' * 12}h", b"", 422, "invalid_input"),
        ("GET", "/projects/main/runs/app/logs?since=0001-01-01", b"", 422, "invalid_input"),
        ("POST", "/users/admin/tokens", FAR, 422, "invalid_input"),
        ("PUT", "/projects/main/code/nonsense", b"", 422, "invalid_input"),
        ("GET", "/users/a%00b/tokens", b"", 422, "invalid_input"),
        ("POST", "/users/admin/tokens", b'{"name": "a\\u0000b"}', 422, "invalid_input"),
        ("POST", "/projects/main/runs/app/stop", b'{"abort": "yes"}', 422, "invalid_input"),
    ],
)
async def test_every_failure_has_one_envelope(
    admin: httpx.AsyncClient,
    runs: FakeRuns,
    method: str,
    path: str,
    content: bytes,
    status: int,
    code: str,
) -> None:
    runs.know(run_status())
    answer = await admin.request(method, path, content=content)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "hint"}
    assert error["code"] == code
    assert error["message"]


@pytest.mark.parametrize(
    ("failure", "status", "code"),
    [
        (NoCapacity("No offer.", hint="Ask for less."), 409, "no_capacity"),
        (Unavailable("Not now."), 503, "unavailable"),
        (RPCError("dns: 10.0.0.1", RPCStatusCode.UNAVAILABLE, b""), 503, "unavailable"),
        (RPCError("blob of 10.0.0.1", RPCStatusCode.INVALID_ARGUMENT, b""), 422, "invalid_input"),
        (ValueError("/etc/passwd: line 3"), 500, "perdure_error"),
    ],
)
async def test_failure_of_a_plan_is_told_without_internals(
    admin: httpx.AsyncClient, runs: FakeRuns, failure: Exception, status: int, code: str
) -> None:
    runs.failure = failure
    answer = await admin.post("/projects/main/plans", json={"configuration": SERVICE})
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    assert "passwd" not in answer.text
    assert "dns" not in answer.text


async def test_a_failure_of_ours_keeps_the_connection_which_others_share(
    admin: httpx.AsyncClient, runs: FakeRuns
) -> None:
    runs.failure = ValueError("a bug")
    opened = []

    async def note(name: str, _info: object) -> None:
        if name == "connection.connect_unix_socket.complete":
            opened.append(name)

    for _ in range(3):
        answer = await admin.post(
            "/projects/main/plans", json={"configuration": SERVICE}, extensions={"trace": note}
        )
        assert answer.status_code == 500
    assert len(opened) == 1


@pytest.mark.parametrize(
    ("path", "methods"),
    [("/projects", "GET, POST"), ("/users/x", "DELETE, PUT"), ("/me", "GET")],
)
async def test_all_methods_of_an_address_are_told(
    admin: httpx.AsyncClient, path: str, methods: str
) -> None:
    answer = await admin.patch(path)
    assert (answer.status_code, answer.headers["Allow"]) == (405, methods)


async def test_unknown_property_is_named_with_the_likely_one(admin: httpx.AsyncClient) -> None:
    body = {"configuration": SERVICE | {"comands": ["x"]}}
    error = (await admin.post("/projects/main/plans", json=body)).json()["error"]
    assert "comands" in error["message"]
    assert "commands" in error["hint"]


async def test_value_that_cannot_be_read_is_not_quoted(admin: httpx.AsyncClient) -> None:
    body = {"configuration": SERVICE | {"env": {"KEY": ["hush-hush"]}}}
    answer = await admin.post("/projects/main/plans", json=body)
    assert answer.status_code == 422
    assert "hush-hush" not in answer.text


async def test_a_secret_that_no_variable_can_hold_is_refused_and_not_quoted(
    admin: httpx.AsyncClient,
) -> None:
    for value in ("hush-hush\0", "", "hush-hush" * 10_000):
        answer = await admin.put("/projects/main/secrets/KEY", json={"value": value})
        assert answer.status_code == 422
        assert "hush-hush" not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "body", "message"),
    [
        ("PUT", "/projects/main/secrets/bad name", {"value": "x"}, "This is no name for a secret."),
        ("POST", "/users", {"name": "Bad Name"}, "`name`: This is no name for a user."),
        ("POST", "/projects", {"name": "Bad"}, "`name`: This is no name for a project."),
    ],
)
async def test_what_is_no_name_is_told_how_one_looks(
    admin: httpx.AsyncClient, method: str, path: str, body: dict[str, str], message: str
) -> None:
    answer = await admin.request(method, path, json=body)
    assert answer.status_code == 422
    error = answer.json()["error"]
    assert error["message"] == message
    assert error["hint"].startswith("Write up to ")
