"""What an operator sees of a whole installation: health, metrics, logs, findings, a bundle."""

import json
import socket
import tarfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from doctor.processes import sockets
from doctor.redaction import REMOVED, forms_of
from perdure.data_dir import DataDir
from perdure.health import PORTS
from tests.e2e.installation import Installation, installation, service
from tests.e2e.programs import HELLO, program
from tests.ports import free_port
from tests.testbed.deadline import wait_until

pytestmark = pytest.mark.long

SECRET = "a-project-s3cret-value"
VARIABLE = "v4lue-of-a-variable"
NAME = "watched"
PAGES = ("/healthz", "/startz", "/readyz", "/metrics")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A server of its own: with JSON for its log, and ports for its health."""
    home = tmp_path_factory.mktemp("operated")
    first = free_port()
    with installation(
        home, PERDURE_RUNTIME="process", PERDURE_LOG="json", PERDURE_HEALTH_PORT=str(first)
    ) as started:
        port = free_port()
        folder = service(
            home / NAME, port, program(HELLO, port), env=["VARIABLE", "OF=${{ secrets.GREP }}"]
        )
        started.perdure("secret", "set", "GREP", given=SECRET)
        started.perdure("apply", "-y", "-d", folder=folder, env={"VARIABLE": VARIABLE})
        started.until_ready(NAME)
        yield started


def page(place: Installation, process: str, path: str) -> httpx.Response:
    port = int(place.extra["PERDURE_HEALTH_PORT"]) + PORTS.index(process)
    return httpx.get(f"http://127.0.0.1:{port}{path}", trust_env=False, verify=False, timeout=10)


def test_each_process_is_alive_ready_and_counts(place: Installation) -> None:
    for process in PORTS:
        assert page(place, process, "/healthz").status_code == 200
        ready = page(place, process, "/readyz")
        assert (ready.status_code, ready.json()["status"]) == (200, "ready"), ready.text
        metrics = page(place, process, "/metrics").text
        assert f'perdure_build_info{{process="{process}"' in metrics
        assert "process_resident_memory_bytes" in metrics
        assert page(place, process, "/admin/routes").status_code == 404


def test_every_socket_answers_all_four_pages(place: Installation) -> None:
    asked = sockets(DataDir(place.data))
    assert set(asked) == set(PORTS)
    for process, address in asked.items():
        transport = httpx.HTTPTransport(uds=address.removeprefix("unix://"), verify=False)
        with httpx.Client(transport=transport, base_url="http://process", timeout=10) as client:
            for path in PAGES:
                answer = client.get(path)
                at = (process, path)
                assert answer.status_code == 200, at
                other = page(place, process, path)
                assert answer.headers["content-type"] == other.headers["content-type"], at
                assert path == "/metrics" or answer.text == other.text, at


def test_the_front_door_tells_whether_the_api_is_ready_and_no_more(place: Installation) -> None:
    with place.client(token=None) as anybody:
        answers = {path: anybody.get(path) for path in PAGES}
    assert {path: answer.status_code for path, answer in answers.items()} == {
        "/healthz": 200,
        "/startz": 401,
        "/readyz": 200,
        "/metrics": 401,
    }
    assert answers["/readyz"].json() == page(place, "api", "/readyz").json() == {"status": "ready"}


def test_what_happens_is_counted_where_it_happens(place: Installation) -> None:
    with place.client() as client:
        assert client.get(f"/proxy/services/main/{NAME}/").status_code == 200
    proxy = page(place, "proxy", "/metrics").text
    assert f'perdure_proxy_requests_total{{run="main/{NAME}"}}' in proxy
    assert 'perdure_proxy_replies_total{kind="service",status="200"}' in proxy
    assert "perdure_proxy_feed_age_seconds" in proxy
    assert f'perdure_proxy_run_duration_seconds_count{{run="main/{NAME}"}}' in proxy
    assert "temporal_request_latency_bucket" in proxy
    worker = page(place, "worker", "/metrics").text
    assert 'perdure_deeds_running{deed="monitor"} 1.0' in worker
    assert 'perdure_deeds_total{deed="start_container",outcome="done"} 1.0' in worker
    assert 'temporal_worker_task_slots_used{task_queue="watch"' in worker
    assert 'perdure_decisions_total{rule="applied"} 0.0' not in worker
    wait_until(
        lambda: "perdure_log_lines_stored_total 0.0" not in page(place, "worker", "/metrics").text,
        "the replica's first lines are stored",
    )
    api = page(place, "api", "/metrics").text
    assert 'route="/projects/{project}/runs"' in api
    wait_until(
        lambda: 'perdure_runs{status="running"} 1.0' in page(place, "api", "/metrics").text,
        "the run is listed",
    )
    api = page(place, "api", "/metrics").text
    assert "perdure_workflows_stuck 0.0" in api
    assert f'perdure_run_replicas_ready{{run="main/{NAME}"}} 1.0' in api
    server = page(place, "server", "/metrics").text
    assert 'perdure_part_up{part="temporal"} 1.0' in server


def test_the_front_door_leads_to_no_metrics(place: Installation) -> None:
    with place.client(token=None) as anybody:
        assert anybody.get("/metrics").status_code == 401
    with place.client() as admin:
        assert admin.get("/metrics").status_code == 404


def test_every_line_of_the_log_is_an_object_and_those_of_deeds_name_their_replica(
    place: Installation,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        folder = service(place.home / "broken", port, program(HELLO, port))
        place.run("apply", "-y", "-d", folder=folder)
        wait_until(lambda: place.phase("broken") == "failed", "its port is taken", 60)
    entries = [json.loads(line) for line in place.log.read_text().splitlines()]
    assert all({"time", "level", "process", "logger", "message"} <= each.keys() for each in entries)
    assert {"server", "worker", "proxy"} <= {each["process"] for each in entries}
    assert [each for each in entries if "perdure is ready" in each["message"]]
    told = [each for each in entries if each.get("run") == "main/broken"]
    assert any(
        each["process"] == "worker" and each["replica"].startswith("run/main/broken/")
        for each in told
    ), entries
    text = place.log.read_text()
    assert "update succeeded" not in text
    assert SECRET not in text


def test_the_doctor_finds_a_sound_server_sound(place: Installation) -> None:
    done = place.run("doctor", "--json")
    findings = json.loads(done.stdout)["findings"]
    assert [each for each in findings if each["verdict"] == "problem"] == []
    assert done.returncode == 0
    sound = {each["check"] for each in findings if each["verdict"] == "ok"}
    assert sound >= {
        *("client_file", "server", "clock", "version", "token", "data_directory", "master_key"),
        *("disk", "programs", "store", "processes", "front_door", "temporal", "stuck_runs"),
    }
    # Other servers were on this machine, in other tests.
    own = [each for each in findings if not each["what"].startswith("Homes of servers")]
    assert {each["verdict"] for each in own if each["check"] == "leftovers"} <= {"ok"}
    text = place.run("doctor").stdout
    assert "problem" not in text
    assert "Problems: 0" in text


def test_the_doctor_names_a_process_that_has_stopped_to_answer(place: Installation) -> None:
    tunnels = DataDir(place.data).tunnels_socket
    aside = tunnels.rename(tunnels.with_suffix(".aside"))
    try:
        done = place.run("doctor")
    finally:
        aside.rename(tunnels)
    assert done.returncode == 1
    assert "The tunnels does not answer on its socket." in done.stdout


def test_a_token_that_is_not_valid_is_the_doctors_problem(place: Installation) -> None:
    done = place.run("doctor", "--json", env={"PERDURE_TOKEN": "not-a-token"})
    assert done.returncode == 1
    (told,) = [f for f in json.loads(done.stdout)["findings"] if f["verdict"] == "problem"]
    assert told["check"] == "token"
    assert "`PERDURE_TOKEN`" in told["what"]


def test_a_bundle_has_what_helps_and_no_secret(place: Installation, tmp_path: Path) -> None:
    secrets = {
        SECRET.encode(),
        VARIABLE.encode(),
        place.token.encode(),
        (place.data / "internal.key").read_bytes().strip(),
        (place.data / "master.key").read_bytes(),
        *(
            line.encode()
            for key in (place.data / "keys").glob("*")
            if key.suffix != ".pub" and key.is_file()
            for line in key.read_text().splitlines()
            if not line.startswith("---")
        ),
    }
    assert len(secrets) > 5
    log = place.data / "logs" / "worker.log"
    with log.open("a") as opened:
        opened.write(f'{{"message": "a slip: {SECRET} {place.token}"}}\n')
    wait_until(lambda: b"a slip: " in place.log.read_bytes(), "the server shows the slip")
    assert all(form in log.read_bytes() for form in (SECRET.encode(), place.token.encode()))

    target = tmp_path / "bundle.tar.gz"
    place.perdure("support-bundle", "-o", str(target))
    assert target.stat().st_mode & 0o777 == 0o600
    with tarfile.open(target) as bundle:
        files = {
            member.name.removeprefix("perdure-support/"): packed.read()
            for member in bundle
            if (packed := bundle.extractfile(member)) is not None
        }
    assert files.keys() >= {
        *("README", "doctor.json", "versions.json", "settings.json", "routes.json", "runs.json"),
        *(f"metrics/{process}.txt" for process in PORTS),
        *(f"health/{process}.json" for process in PORTS),
        *(f"logs/{part}.log" for part in ("worker", "api", "proxy", "temporal")),
    }
    leaks = [
        (name, secret)
        for name, content in files.items()
        for secret in secrets
        for form in forms_of(secret)
        if len(form) >= 6 and form in content
    ]
    assert leaks == []
    assert b"a slip: %b %b" % (REMOVED, REMOVED) in files["logs/worker.log"]
    assert json.loads(files["routes.json"])["routes"][0]["run"] == NAME
    for file in (log, place.log):  # the slip was ours
        content = file.read_bytes()
        file.write_bytes(content.replace(SECRET.encode(), b"").replace(place.token.encode(), b""))
    assert NAME in [each["name"] for each in json.loads(files["runs.json"])]
    histories = b"".join(text for name, text in files.items() if name.startswith("histories/"))
    assert b"workflow_execution_started" in histories
    assert b"activity_task_scheduled" in histories
    again = place.run("support-bundle", "-o", str(target))
    assert again.returncode == 1
    assert "exists" in again.stderr
    nothing = place.run("support-bundle", "--data-dir", str(tmp_path / "none"), "-o", "none.tar.gz")
    assert nothing.returncode == 1
    assert f"There is no server's data directory at `{tmp_path / 'none'}`." in nothing.stderr
    assert not (place.home / "none.tar.gz").exists()
