"""What differs, and how each difference reaches a living run."""

from typing import Any

import pytest
from hypothesis import given

from policy.diff import changes
from policy.probing import asked_probes, chat_probe
from policy.properties import PROPERTIES, Treatment
from spec.model_endpoint import OpenAIModel
from spec.plan import Change
from spec.route import ModelFormat
from spec.run_spec import CodeArchive, RunSpec
from spec.service import ServiceConfiguration
from tests.policy.making import spec
from tests.spec.strategies import services

OTHER: dict[str, Any] = {
    "port": 9000,
    "model": "llama",
    "probes": [{"type": "http", "url": "/health"}],
    "image": "other",
    "commands": ["other"],
    "entrypoint": "run",
    "python": "3.11",
    "nvcc": True,
    "privileged": True,
    "user": "app",
    "shell": "sh",
    "working_dir": "src",
    "volumes": ["/a:/b"],
    "resources": {"cpu": 3},
    "backends": ["local"],
    "regions": ["eu"],
    "availability_zones": ["eu-1"],
    "instance_types": ["m4"],
    "spot_policy": "auto",
    "utilization_policy": {"min_gpu_utilization": 10, "time_window": "10m"},
}
LIGHT: dict[str, Any] = {
    "replicas": 3,
    "auth": False,
    "strip_prefix": False,
    "retry": True,
    "max_duration": "1h",
    "stop_duration": 1,
    "max_price": 1,
    "schedule": {"cron": "0 8 * * *"},
}
SEALED = {"env", "registry_auth"}
UNSEEN = {
    *PROPERTIES[Treatment.IDENTITY],
    *PROPERTIES[Treatment.NOT_BUILT],
    *PROPERTIES[Treatment.NO_EFFECT],
    "env",
}
"""Fields whose own difference is none."""


def test_there_is_another_value_here_of_each_property_that_takes_a_new_replica() -> None:
    assert {*OTHER, *SEALED} == PROPERTIES[Treatment.NEW_REPLICA]


@pytest.mark.parametrize("field", OTHER)
def test_what_replicas_are_made_of_changes_by_new_ones(field: str) -> None:
    (found,) = changes(spec(), spec(**{field: OTHER[field]}))
    assert (found.field, found.change) == (field, Change.BY_REPLACEMENT)
    assert found.old != found.new


def test_there_is_another_value_here_of_each_property_that_changes_in_place() -> None:
    assert {*LIGHT, "scaling"} == PROPERTIES[Treatment.IN_PLACE]


@pytest.mark.parametrize("field", LIGHT)
def test_what_replicas_are_not_made_of_changes_in_place(field: str) -> None:
    (found,) = changes(spec(), spec(**{field: LIGHT[field]}))
    assert (found.field, found.change) == (field, Change.IN_PLACE)
    assert found.old != found.new


CHAT = chat_probe(OpenAIModel(name="llama", format=ModelFormat.OPENAI))
SCALED = {"replicas": "1..4", "scaling": {"metric": "rps", "target": 5}}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"home_dir": "/home"}),
        ({}, {"setup": ["true"]}),
        ({}, {"single_branch": True}),
        ({}, {"idle_duration": "1h"}),
        ({"tags": {"team": "search"}}, {"tags": {"team": "chat"}}),
        ({}, {"gateway": False}),
        ({}, {"https": False}),
        ({}, {"probes": []}),
        ({"model": "llama"}, {"model": "llama", "probes": [CHAT]}),
    ],
)
def test_what_has_no_effect_is_no_change(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert spec(**before) != spec(**after)
    assert changes(spec(**before), spec(**after)) == ()


def test_how_a_run_follows_its_load_changes_in_place() -> None:
    other = SCALED | {"scaling": {"metric": "rps", "target": 9}}
    (found,) = changes(spec(**SCALED), spec(**other))
    assert (found.field, found.change) == ("scaling", Change.IN_PLACE)
    both = changes(spec(), spec(**SCALED))
    assert {each.field: each.change for each in both} == {
        "replicas": Change.IN_PLACE,
        "scaling": Change.IN_PLACE,
    }


def test_values_are_shown_as_people_write_them() -> None:
    new = spec(commands=["a", "b"], image="app:2")
    shown = {each.field: (each.old, each.new) for each in changes(spec(), new)}
    assert shown == {"image": ("-", "app:2"), "commands": ("serve", "a && b")}


def test_another_model_is_one_difference_although_its_default_probe_differs_too() -> None:
    (found,) = changes(spec(model="llama"), spec(model="qwen"))
    assert found.field == "model"


def test_probes_are_shown_without_what_a_user_wrote_into_them() -> None:
    old = {"type": "http", "method": "post", "url": "/health?key=s3cret", "body": "s3cret"}
    new = old | {"headers": [{"name": "Authorization", "value": "s3cret"}]}
    (found,) = changes(spec(probes=[old]), spec(probes=[new, {"type": "http"}]))
    assert (found.old, found.new) == ("POST /health", "POST /health && GET /")


def test_sealed_values_are_compared_by_their_digests_and_never_shown() -> None:
    old = spec().model_copy(update={"digests": {"env.A": "1", "env.B": "2"}})
    new = spec(env={"A": None}).model_copy(update={"digests": {"env.A": "9", "env.C": "3"}})
    found = changes(old, new)
    assert [(each.field, each.old, each.new) for each in found] == [
        ("env.A", "(sealed)", "(sealed)"),
        ("env.B", "(sealed)", "-"),
        ("env.C", "-", "(sealed)"),
    ]
    assert {each.change for each in found} == {Change.BY_REPLACEMENT}


def test_other_code_is_a_difference() -> None:
    code = CodeArchive(sha256="ab" * 32, size=10)
    (found,) = changes(spec(), spec().model_copy(update={"code": code}))
    assert (found.field, found.old, found.new) == ("code", "-", "ab" * 6)


def test_an_edit_of_the_configuration_s_own_file_is_no_other_code() -> None:
    one = CodeArchive(sha256="ab" * 32, size=10, identity="same")
    other = CodeArchive(sha256="cd" * 32, size=11, identity="same")
    specs = (spec().model_copy(update={"code": code}) for code in (one, other))
    assert changes(*specs) == ()


def test_of_the_same_archive_with_two_identities_these_are_shown() -> None:
    one = CodeArchive(sha256="ab" * 32, size=10, identity="01" * 32)
    other = one.model_copy(update={"identity": "23" * 32})
    (found,) = changes(*(spec().model_copy(update={"code": code}) for code in (one, other)))
    assert (found.old, found.new) == ("01" * 6, "23" * 6)


@given(services)
def test_the_same_configuration_written_again_is_no_difference(written: dict[str, Any]) -> None:
    first, second = (
        RunSpec(configuration=ServiceConfiguration.model_validate(written)) for _ in range(2)
    )
    assert changes(first, second) == ()


@given(services, services)
def test_whatever_differs_is_named(one: dict[str, Any], other: dict[str, Any]) -> None:
    old, new = (
        RunSpec(configuration=ServiceConfiguration.model_validate(each)) for each in (one, other)
    )
    named = [each.field for each in changes(old, new)]
    unseen = {*UNSEEN}
    if asked_probes(old.configuration) == asked_probes(new.configuration):
        unseen.add("probes")
    restored = new.configuration.model_copy(
        update={field: getattr(old.configuration, field) for field in [*named, *unseen]}
    )
    assert restored == old.configuration
    assert len(named) == len(set(named))
