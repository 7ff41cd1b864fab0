"""Bounds that are settings, too: the command line wins over the environment."""

from dataclasses import fields

import pytest

from perdure.settings import Settings, read_settings
from proxy.__main__ import limits_of, parser
from proxy.limits import Limits


def test_a_setting_reaches_the_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERDURE_HELD_IN_ALL", "7")
    monkeypatch.setenv("PERDURE_WEBSOCKET_GRACE", "8.5")
    limits = limits_of(parser().parse_args(["--held-seconds", "9"]), read_settings())
    assert (limits.held_in_all, limits.grace_seconds, limits.held_seconds) == (7, 8.5, 9)
    assert limits.head_seconds == Limits().head_seconds


def test_defaults_are_those_of_the_settings() -> None:
    shared = [each for each in fields(Limits) if "setting" in each.metadata]
    assert len(shared) == 4
    assert limits_of(parser().parse_args([]), Settings()) == Limits()
    assert Limits().held_per_service == Settings().held_per_service == 2_000
    told = " ".join(parser().format_help().split())
    assert all(f"PERDURE_{each.metadata['setting'].upper()}" in told for each in shared)
