"""Each property has one treatment, and gets it."""

from typing import Any

import pytest

from policy.admission import warnings
from policy.properties import (
    NOT_BUILT,
    PROPERTIES,
    Treatment,
    not_built,
    treatment_of,
    without_effect,
)
from spec.service import ServiceConfiguration
from tests.policy.making import service

IDLE: dict[str, dict[str, Any]] = {
    "home_dir": {"home_dir": "/home/app"},
    "idle_duration": {"idle_duration": "off"},
    "setup": {"setup": ["true"]},
    "single_branch": {"single_branch": False},
    "tags": {"tags": {"team": "search"}},
}


@pytest.mark.parametrize("name", ServiceConfiguration.model_fields)
def test_every_property_has_exactly_one_treatment(name: str) -> None:
    assert [each for each, names in PROPERTIES.items() if name in names] == [treatment_of(name)]


def test_what_is_no_property_has_no_treatment() -> None:
    named = {name for names in PROPERTIES.values() for name in names}
    assert named == {*ServiceConfiguration.model_fields}
    with pytest.raises(KeyError):
        treatment_of("no_such_property")


def test_every_property_that_is_not_built_is_refused_where_it_asks_for_something() -> None:
    refused = {name for name, _, _ in NOT_BUILT}
    forms = {"model", "volumes"}
    assert refused - forms == PROPERTIES[Treatment.NOT_BUILT]
    assert {treatment_of(name) for name in forms} == {Treatment.NEW_REPLICA}


def test_there_is_an_example_here_of_each_property_without_effect() -> None:
    assert {*IDLE} == PROPERTIES[Treatment.NO_EFFECT]


@pytest.mark.parametrize("name", IDLE)
def test_each_property_without_effect_is_warned_of(name: str) -> None:
    asked = service(**IDLE[name])
    assert without_effect(asked) == (name,)
    (warning,) = warnings(asked)
    assert warning == f"`{name}` has no effect."


def test_a_service_that_asks_for_nothing_special_is_neither_refused_nor_warned_of() -> None:
    assert (not_built(service()), without_effect(service()), warnings(service())) == ((), (), ())
