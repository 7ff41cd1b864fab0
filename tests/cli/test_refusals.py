"""`apply` that submits nothing: each reason is told with its remedy."""

from pathlib import Path

import pytest

from spec.offer import Refusal, RefusalKind
from tests.cli.conftest import SERVICE, Perdure
from tests.cli.fake_server import FakeServer, plan

NO_PLACE = RefusalKind.CAPACITY


def test_without_a_terminal_the_answer_must_be_given_in_advance(
    service: Path, server: FakeServer, perdure: Perdure
) -> None:
    said = perdure("apply", "-f", service.name)
    assert said.code == 2
    assert said.err.endswith("hint: Answer in advance with `-y`.\n")
    assert not server.applied


def test_a_refused_plan_says_each_reason_with_its_hint(
    service: Path, server: FakeServer, perdure: Perdure
) -> None:
    server.plan = plan(
        refusals=(
            Refusal(subject="retry", message="`retry` is not supported yet.", hint="Remove it."),
            Refusal(subject="files", message="Not supported yet.", hint="Remove that."),
        )
    )
    said = perdure("apply", "-f", service.name, "-y")
    assert said.code == 1
    assert said.err == (
        "error: The run cannot be submitted. [refused]\n"
        "  `retry` is not supported yet.\n"
        "  hint: Remove it.\n"
        "  files: Not supported yet.\n"
        "hint: Remove that.\n"
    )
    assert not server.applied


def test_a_hint_that_several_reasons_share_is_given_once(
    service: Path, server: FakeServer, perdure: Perdure
) -> None:
    hints = ("Remove it.", "Remove it.", "Free it.", "Remove it.")
    server.plan = plan(
        refusals=tuple(
            Refusal(subject="run", message=f"The run lacks {number}.", hint=hint)
            for number, hint in enumerate(hints)
        )
    )
    said = perdure("apply", "-f", service.name, "-y")
    assert said.err == (
        "error: The run cannot be submitted. [refused]\n"
        "  The run lacks 0.\n"
        "  The run lacks 1.\n"
        "  The run lacks 2.\n"
        "  hint: Free it.\n"
        "  The run lacks 3.\n"
        "hint: Remove it.\n"
    )


def test_without_offers_there_is_no_capacity(
    service: Path, server: FakeServer, perdure: Perdure
) -> None:
    reason = Refusal(kind=NO_PLACE, subject="a machine", message="This machine has no GPU.")
    server.plan = plan(total_offers=0, refusals=(reason,))
    said = perdure("apply", "-f", service.name, "-y")
    assert said.code == 5
    assert said.err.startswith(
        "error: No offer fits. [no_capacity]\n"
        "  a machine: This machine has no GPU.\n"
        "hint: `perdure offer`"
    )


def test_what_no_place_can_honour_is_refused_whatever_there_is_no_capacity_for(
    service: Path, server: FakeServer, perdure: Perdure
) -> None:
    full = Refusal(kind=NO_PLACE, subject="local", message="It is full.")
    other = Refusal(subject="local", message="`image` is needed.")
    server.plan = plan(total_offers=0, refusals=(full, other))
    said = perdure("apply", "-f", service.name, "-y")
    assert said.code == 1
    assert said.err.startswith("error: The run cannot be submitted. [refused]\n")


def test_a_wrong_configuration_is_told_with_its_place(
    service: Path, server: FakeServer, perdure: Perdure
) -> None:
    service.write_text(SERVICE.replace("port", "prot"))
    said = perdure("apply", "-f", service.name, "-y")
    assert said.code == 1
    assert said.err.startswith("error: service.dstack.yml:3:1: `prot` is not a known property")
    assert "hint: Did you mean `port`?\n" in said.err
    assert "error: service.dstack.yml:1:1: `port` is missing. [" in said.err


def test_options_that_exclude_each_other_are_wrong_usage(perdure: Perdure) -> None:
    said = perdure("apply", "--spot", "--on-demand")
    assert said.code == 2
    assert "--spot and --on-demand exclude each other" in said.err


def test_no_server_is_told_with_what_to_do(
    service: Path, perdure: Perdure, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = perdure("apply", "-f", service.name, "-y")
    assert said.code == 1
    assert said.err.startswith("error: No server is known. [server_unreachable]\n")
    assert "`perdure server`" in said.err
    monkeypatch.setenv("PERDURE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("PERDURE_TOKEN", "any")
    said = perdure("apply", "-f", service.name, "-y")
    assert said.code == 1
    assert said.err.startswith("error: No server answers at http://127.0.0.1:9.")
