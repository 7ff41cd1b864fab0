"""The canonical form has every property and reads back; properties have to agree."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from pydantic import ValidationError

from perdure.errors import InvalidConfiguration
from spec.profile import SpotPolicy
from spec.service import ServiceConfiguration
from tests.spec.strategies import services
from tests.spec.writing import read, service


@given(services)
@settings(max_examples=60)
def test_the_canonical_form_reads_back(properties: dict[str, Any]) -> None:
    configuration = ServiceConfiguration.model_validate(properties)
    canonical = configuration.model_dump(mode="json")
    assert set(canonical) == set(ServiceConfiguration.model_fields)
    assert ServiceConfiguration.model_validate(json.loads(json.dumps(canonical))) == configuration
    # An older server may know less: what it does not know, it leaves.
    assert ServiceConfiguration.model_validate(canonical | {"future": 1}) == configuration


@given(services)
@settings(max_examples=30)
def test_a_file_means_what_its_properties_mean(properties: dict[str, Any]) -> None:
    assert read(properties) == ServiceConfiguration.model_validate(properties)


def test_what_nobody_wrote_has_its_default() -> None:
    canonical = read(service()).model_dump(mode="json")
    expected = {
        "auth": True,
        "replicas": {"min": 1, "max": 1},
        "spot_policy": "on-demand",
        "retry": None,
        "python": None,
        "stop_duration": 300,
        "idle_duration": 300,
        "max_duration": None,
        "probes": None,
        "https": "auto",
        "env": {},
    }
    assert {key: canonical[key] for key in expected} == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("llama", {"type": "chat", "name": "llama", "format": "openai", "prefix": "/v1"}),
        (
            {"name": "m", "format": "tgi"},
            {
                "type": "chat",
                "name": "m",
                "format": "tgi",
                "chat_template": None,
                "eos_token": None,
            },
        ),
    ],
)
def test_a_model_has_a_long_form(written: Any, expected: dict[str, Any]) -> None:
    assert read(service(model=written)).model_dump(mode="json")["model"] == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (False, None),
        (True, {"on_events": ["no-capacity", "interruption", "error"], "duration": 3600}),
        (
            {"on_events": ["error"], "duration": "1d"},
            {"on_events": ["error"], "duration": 86_400},
        ),
    ],
)
def test_retry_is_off_on_or_chosen(written: Any, expected: Any) -> None:
    assert read(service(retry=written)).model_dump(mode="json")["retry"] == expected


@pytest.mark.parametrize(
    "properties",
    [
        {"commands": [], "docker": True},
        {"image": "x", "docker": True},
        {"python": "3.11", "docker": True},
        {"groups": [{"commands": ["a"]}]},
        {"commands": [], "groups": [{"commands": ["a"]}], "replicas": [{"commands": ["a"]}]},
        {"commands": [], "groups": [{"commands": ["a"]}], "replicas": 2},
        {"commands": [], "groups": [{"commands": ["a"], "count": 2, "router": "sglang"}]},
        {"commands": [], "groups": [{"commands": ["a"], "count": 1, "replicas": 1}]},
        {"commands": [], "groups": [{"commands": ["a"], "router": "smg"}] * 2},
        {"probes": [{"type": "http", "body": "x"}]},
        {"scaling": {"metric": "rps", "target": 0}, "replicas": "1..2"},
        {"scaling": {"metric": "rps", "target": 1e-310}, "replicas": "1..2"},
        {"scaling": {"metric": "rps", "target": 0.00009}, "replicas": "1..2"},
        {"scaling": {"metric": "cpu", "target": 1}, "replicas": "1..2"},
        {"replicas": 1_000_001},
        {"stop_duration": "3000000d"},
        {"resources": {"memory": "999999999999999TB"}},
        {"scaling": {"metric": "rps", "target": 1, "window": 45}, "replicas": "1..2"},
        {"entrypoint": "sh -c 'open"},
        {"schedule": {"cron": "* * *"}},
        {"model": {"name": "m", "format": "openai", "type": "embedding"}},
    ],
    ids=json.dumps,
)
def test_properties_that_do_not_agree_are_refused(properties: dict[str, Any]) -> None:
    with pytest.raises(InvalidConfiguration):
        read(service(**properties))


@pytest.mark.parametrize(
    ("cron", "why"),
    [
        (["0 8 * * *"] * 21, "takes at most 20 of them"),
        (["0 8 30 2 *"] * 5_000, "takes at most 20 of them"),
        ("0," * 200 + "0 8 * * *", "takes at most 200 characters"),
    ],
)
def test_a_schedule_is_short_enough_to_be_read_in_one_step(cron: Any, why: str) -> None:
    read(service(schedule={"cron": ["0," * 95 + "0 8 * * *"] * 20}))
    with pytest.raises(InvalidConfiguration, match=why):
        read(service(schedule={"cron": cron}))


BODY = {"type": "http", "method": "post"}


@pytest.mark.parametrize(
    ("probes", "why"),
    [
        ([BODY | {"body": "x" * 8_193}], "A body of 8193 bytes is too long"),
        ([BODY | {"body": "é" * 4_097}], "A body of 8194 bytes is too long"),
        (
            [BODY | {"url": f"/{num}", "body": "x" * 8_000} for num in range(5)],
            "The probes send 40010 bytes together",
        ),
        (
            [{"type": "http", "headers": [{"name": "A", "value": "x" * 40_000}]}],
            "The probes send 40002 bytes together",
        ),
    ],
)
def test_probes_are_small_for_they_stay_in_the_history(probes: list[Any], why: str) -> None:
    read(service(probes=[BODY | {"url": f"/{num}", "body": "x" * 8_190} for num in range(4)]))
    with pytest.raises(InvalidConfiguration, match=why):
        read(service(probes=probes))


def test_the_default_probe_of_a_model_can_be_made_of_any_prefix() -> None:
    model = {"name": "m" * 255, "format": "openai", "prefix": "/" + "p" * 1_023}
    read(service(model=model))
    with pytest.raises(InvalidConfiguration, match="at most 1024 characters"):
        read(service(model=model | {"prefix": "/" + "p" * 1_024}))


def test_a_group_inherits_the_image_of_the_service() -> None:
    configuration = read(service(commands=[], image="x", groups=[{"count": 2}]))
    assert configuration.groups is not None
    assert configuration.groups[0].replicas.max == 2


def test_a_configuration_remembers_which_properties_were_written() -> None:
    configuration = read(service(spot_policy="on-demand", regions=None))
    assert configuration.spot_policy is SpotPolicy.ON_DEMAND
    assert configuration.model_fields_set == {"type", "port", "commands", "spot_policy"}


def test_secrets_are_not_printed() -> None:
    auth = {"username": "u", "password": "hunter2"}
    configuration = read(service(env={"TOKEN": "hunter2"}, registry_auth=auth))
    assert "hunter2" not in repr(configuration)
    with pytest.raises(ValidationError) as caught:
        ServiceConfiguration.model_validate(service(env={"TOKEN": ["hunter2"]}))
    assert "hunter2" not in str(caught.value)
