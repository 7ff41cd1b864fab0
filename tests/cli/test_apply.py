"""`apply`: from a file to a run, and the exit code that scripts rely on."""

import gzip
import io
import tarfile
from pathlib import Path

import pytest

from spec.plan import Change, FieldChange, PlanAction
from spec.status import ReplicaPhase, RunPhase
from tests.cli.conftest import SERVICE, Perdure
from tests.cli.fake_server import (
    DONE,
    READY,
    STARTING,
    URL,
    FakeServer,
    an_offer,
    log_line,
    plan,
    replica,
    run,
)
from tests.cli.screen import shown_blocks


def test_a_service_is_planned_submitted_and_followed_to_its_end(
    service: Path, server: FakeServer, perdure: Perdure
) -> None:
    server.states = [STARTING, READY, DONE]
    server.logs = [log_line(1, "hello"), log_line(2, "oh", "stderr")]
    server.held.set()
    said = perdure("apply", "-f", service.name, "-y")
    assert said.code == 0, said.err
    [published] = shown_blocks("Service ")
    assert said.out.endswith(f"{published}hello\n")
    assert "llm  provisioning\n" in said.err
    assert "oh\n" in said.err
    assert said.err.endswith("The run llm has ended: done.\n")


def test_the_plan_is_drawn_as_the_page_shows_it(
    service: Path, server: FakeServer, perdure: Perdure
) -> None:
    server.plan = plan(
        offers=(an_offer(), an_offer(backend="gcp", region="us-west4", spot=False, price=None)),
        total_offers=12,
        max_price=4.5,
    )
    said = perdure("apply", "-f", service.name, "-y", "-d", "--no-repo")
    [shown] = shown_blocks(" Project        main")
    assert said.out.startswith(f"\n{shown}\n")


def test_a_detached_apply_returns_when_the_run_is_submitted(
    service: Path, server: FakeServer, perdure: Perdure
) -> None:
    said = perdure("apply", "-f", service.name, "-y", "-d")
    assert said.code == 0, said.err
    [(key, body)] = server.applied
    assert len(key) > 20
    assert body["configuration"]["name"] == "llm"
    assert body["check"] == "new"


def test_what_the_user_did_not_write_is_not_sent(
    service: Path, server: FakeServer, perdure: Perdure
) -> None:
    perdure("apply", "-f", service.name, "-y", "-d", "--no-repo")
    configuration = server.applied[0][1]["configuration"]
    assert set(configuration) == {"type", "name", "port", "commands", "resources"}
    assert set(configuration["resources"]) == {"gpu"}


def test_the_code_of_the_folder_is_uploaded_once(
    service: Path, server: FakeServer, perdure: Perdure
) -> None:
    perdure("apply", "-f", service.name, "-y", "-d")
    perdure("apply", "-f", service.name, "-y", "-d")
    [(sha256, content)] = server.code.items()
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(content))) as tar:
        assert tar.getnames() == ["service.dstack.yml"]
    assert [body["code"]["sha256"] for _, body in server.applied] == [sha256, sha256]


def test_the_servers_limit_of_the_code_is_the_one_that_counts(
    server: FakeServer, perdure: Perdure, service: Path
) -> None:
    service.with_name("data.bin").write_bytes(bytes(3 * 1024 * 1024))
    server.code_limit_mb = 2
    refused = perdure("apply", "-f", service.name, "-y", "-d")
    assert refused.code == 1
    assert "has 3.0 MB, and 2 MB is the limit" in refused.err
    server.code_limit_mb = 4
    assert perdure("apply", "-f", service.name, "-y", "-d").code == 0


def test_a_lost_answer_is_asked_for_again_under_the_same_key(
    service: Path, server: FakeServer, perdure: Perdure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.persistence.PAUSE", 0.01)
    server.lost_answers = 2
    said = perdure("apply", "-f", service.name, "-y", "-d")
    assert said.code == 0, said.err
    keys = [key for key, _ in server.applied]
    assert len(keys) == 3
    assert len(set(keys)) == 1


def test_code_is_sent_again_to_a_server_that_went_away(
    service: Path, server: FakeServer, perdure: Perdure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cli.persistence.PAUSE", 0.01)
    server.lost_uploads = 2
    said = perdure("apply", "-f", service.name, "-y", "-d")
    assert said.code == 0, said.err
    assert (server.lost_uploads, len(server.code), len(server.applied)) == (0, 1, 1)


@pytest.mark.parametrize(
    ("ended_by", "code"),
    [("no_capacity", 5), ("unknown_secret", 2), ("not_ready_in_time", 124), ("of_later", 1)],
)
def test_the_exit_code_is_that_of_the_error_that_is_told(
    service: Path, server: FakeServer, perdure: Perdure, ended_by: str, code: int
) -> None:
    told = replica(status=ReplicaPhase.FAILED, ready=False, code=ended_by, message="error: It is.")
    server.states = [STARTING, run(RunPhase.FAILED, told, status_message="error")]
    server.held.set()
    said = perdure("apply", "-f", service.name, "-y")
    assert said.code == code
    shown = "host_error" if ended_by == "of_later" else ended_by
    assert said.err.endswith(f"error: The run `llm` has failed: error: It is. [{shown}]\n")
    assert "published" not in said.out


def test_a_run_that_fails_is_told_with_what_to_do_and_what_others_say(
    service: Path, server: FakeServer, perdure: Perdure
) -> None:
    told = {"status": ReplicaPhase.FAILED, "ready": False, "code": "image_not_found"}
    first = replica(0, message="image pull failed: There is none.", hint="Look again.", **told)
    other = replica(1, message="image pull failed: Not here.", **told)
    failed = run(RunPhase.FAILED, other, first, status_message="image pull failed")
    server.states = [STARTING, failed]
    server.held.set()
    said = perdure("apply", "-f", service.name, "-y")
    assert said.code == 1
    assert said.err.endswith(
        "error: The run `llm` has failed: image pull failed: There is none. [image_not_found]\n"
        "  replica 1: image pull failed: Not here.\n"
        "hint: Look again.\n"
    )


@pytest.mark.parametrize("ready", [True, False])
def test_applying_what_runs_says_that_nothing_changes_and_where_it_is(
    service: Path, server: FakeServer, perdure: Perdure, ready: bool
) -> None:
    server.plan = plan(action=PlanAction.NOTHING)
    server.runs = [run(RunPhase.RUNNING, replica(ready=ready))]
    said = perdure("apply", "-f", service.name, "-y", "-d")
    assert said.code == 0, said.err
    assert "Nothing changes.\n" in said.err
    assert f"Service {'is' if ready else 'will be'} published at:\n  {URL}\n" in said.out


def test_a_name_that_was_made_up_is_told_with_the_way_to_stop_it(
    service: Path, server: FakeServer, perdure: Perdure
) -> None:
    told = "The run is called llm: `perdure stop llm` stops it.\n"
    assert told not in perdure("apply", "-f", service.name, "-y", "-d").err
    service.write_text(SERVICE.replace("name: llm\n", ""))
    assert told in perdure("apply", "-f", service.name, "-y", "-d").err


def test_changes_are_listed_with_the_way_in_which_they_are_made(
    service: Path, server: FakeServer, perdure: Perdure
) -> None:
    changes = (
        FieldChange(field="replicas", old="1", new="2", change=Change.IN_PLACE),
        FieldChange(field="env.A", old="(sealed)", new="(sealed)", change=Change.BY_REPLACEMENT),
    )
    server.plan = plan(action=PlanAction.UPDATE, changes=changes, warnings=("Mind this.",))
    said = perdure("apply", "-f", service.name, "-y", "-d")
    assert (
        " Changes to the run llm:\n"
        "  replicas  1 → 2    in place\n"
        "  env.A     changed  by new replicas\n"
    ) in said.out
    assert "warning: Mind this.\n" in said.err


def test_options_win_over_the_file_and_the_file_over_the_profile(
    service: Path, server: FakeServer, perdure: Perdure, workplace: Path
) -> None:
    service.write_text(SERVICE + "regions: [eu]\n")
    (workplace / ".dstack").mkdir()
    (workplace / ".dstack" / "profiles.yml").write_text(
        "profiles:\n- name: big\n  default: true\n  regions: [us]\n  max_price: 3\n"
        "  spot_policy: spot\n"
    )
    perdure("apply", "-f", service.name, "-y", "-d", "--gpu", "A100:2", "--on-demand")
    asked = server.applied[0][1]["configuration"]
    assert asked["resources"]["gpu"]["name"] == ["A100"]
    assert asked["regions"] == ["eu"]
    assert asked["max_price"] == 3
    assert asked["spot_policy"] == "on-demand"
    perdure("apply", "-f", service.name, "-y", "-d", "--no-profile")
    assert "max_price" not in server.applied[1][1]["configuration"]


def test_the_configuration_may_come_from_stdin(
    workplace: Path, server: FakeServer, perdure: Perdure
) -> None:
    said = perdure("apply", "-f", "-", "-y", "-d", stdin=SERVICE)
    assert said.code == 0, said.err
    assert " Configuration  stdin\n" in said.out


def test_without_a_file_the_folders_own_is_taken(
    workplace: Path, server: FakeServer, perdure: Perdure
) -> None:
    assert perdure("apply", "-y", "-d").code == 2
    (workplace / ".dstack.yml").write_text(SERVICE)
    assert perdure("apply", "-y", "-d").code == 0
