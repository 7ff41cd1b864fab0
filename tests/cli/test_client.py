"""The API as a client sees it, and errors as people do."""

import json
import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from cli.client import Client
from cli.connection import Connection
from cli.report import describe
from perdure.errors import (
    Forbidden,
    InvalidConfiguration,
    InvalidInput,
    NotFound,
    PerdureError,
    Refused,
    ServerUnreachable,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from proxy.replies import BROKEN, NO_FRONT, SILENT, Reply
from spec.people import Identity
from tests.cli.conftest import Perdure
from tests.cli.fake_server import FakeServer


def failure(answer: httpx.Response) -> PerdureError:
    transport = httpx.MockTransport(lambda _: answer)
    connection = Connection("main", "http://server", "token")
    with Client(connection, transport=transport) as client, pytest.raises(PerdureError) as told:
        client.get(Identity, "/me")
    return told.value


def envelope(status: int, **error: Any) -> httpx.Response:
    return httpx.Response(status, json={"error": error})


def test_an_error_of_the_server_is_the_same_error_here() -> None:
    error = failure(envelope(422, code="refused", message="No.", hint="Ask."))
    assert isinstance(error, Refused)
    assert (error.message, error.hint, error.exit_code) == ("No.", "Ask.", 1)


@pytest.mark.parametrize("answer", [NO_FRONT, BROKEN, SILENT], ids=lambda each: each.status)
def test_an_error_of_the_proxy_is_told_in_its_words(answer: Reply) -> None:
    error = failure(httpx.Response(answer.status, content=answer.body))
    said = json.loads(answer.body)["error"]
    assert (error.code(), error.message, error.hint) == tuple(said.values())
    assert isinstance(error, Unavailable), "what is asked again while the server is away"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, Unauthenticated),
        (403, Forbidden),
        (404, NotFound),
        (413, TooLarge),
        (422, InvalidInput),
        (502, Unavailable),
        (503, Unavailable),
        (500, PerdureError),
    ],
)
def test_an_unknown_code_and_a_foreign_answer_are_told_by_their_status(
    status: int, kind: type[PerdureError]
) -> None:
    assert type(failure(envelope(status, code="new_one", message="x"))) is kind
    assert type(failure(httpx.Response(status, text="<html>"))) is kind


@pytest.mark.parametrize(
    "answer", [httpx.Response(200, text="<html>"), httpx.Response(200, json={"user": 1})]
)
def test_what_is_no_server_of_ours_is_told(answer: httpx.Response) -> None:
    error = failure(answer)
    assert isinstance(error, ServerUnreachable)
    assert "no perdure server of this version" in error.message


def test_a_redirect_is_not_a_success() -> None:
    assert "302" in failure(httpx.Response(302, headers={"location": "/login"})).message


@pytest.mark.parametrize("url", ["localhost:3000", "http://host:port", "ftp://x"])
def test_a_url_that_is_none_is_wrong_input(url: str) -> None:
    with (
        pytest.raises(InvalidInput, match="is not the URL of a server"),
        Client(Connection("main", url, "token")) as client,
    ):
        client.get(Identity, "/me")


def test_no_proxy_leads_to_this_machine(
    server: FakeServer, perdure: Perdure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    assert perdure("ps").code == 0


def test_names_are_quoted_in_paths() -> None:
    client = Client(Connection("a/b", "http://server", "token"))
    assert client.in_project("runs", "../x?") == "/projects/a%2Fb/runs/..%2Fx%3F"


def test_an_error_is_told_with_its_code_and_what_to_do() -> None:
    error = InvalidConfiguration(
        "`prot` is unknown", hint="did you mean `port`?", file="a.yml", line=3, column=1
    )
    assert describe(error) == (
        "error: a.yml:3:1: `prot` is unknown [invalid_configuration]\nhint: did you mean `port`?\n"
    )
    assert describe(PerdureError("It broke.")) == "error: It broke. [perdure_error]\n"


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[str]:
    """The URL of a TLS server that vouches for itself, and hears of no request."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    file = tmp_path / "server.pem"
    file.write_bytes(key.private_bytes(pem, form, plain) + certificate.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    with socket.create_server(("localhost", 0)) as listener, ThreadPoolExecutor() as pool:

        def heard() -> bytes:
            connection, _ = listener.accept()
            with suppress(OSError), context.wrap_socket(connection, server_side=True) as secure:
                return secure.recv(1024)
            return b""

        said = pool.submit(heard)
        yield f"https://localhost:{listener.getsockname()[1]}"
        assert said.result() == b""


def test_a_server_that_vouches_for_itself_is_told_no_token(stranger: str) -> None:
    with (
        Client(Connection("main", stranger, "token")) as client,
        pytest.raises(ServerUnreachable, match="certificate of"),
    ):
        client.get(Identity, "/me")
