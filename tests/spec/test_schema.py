"""An editor that knows our schema accepts what we accept, and marks typos."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from spec.schema import json_schema
from spec.service import ServiceConfiguration
from tests.spec.strategies import services
from tests.spec.test_conformance import CASES, WE_REFUSE, Case, file_of, key, name
from tests.spec.writing import service

SCHEMA = json_schema()
VALIDATOR = Draft202012Validator(SCHEMA)
FILES = sorted(Path(__file__).with_name("seed").glob("*.dstack.yml"))

LOOSER_THAN_EDITORS = {
    ("gateway", "1"): "a switch in editors is a word",
    ("auth", "0"): "a switch in editors is a word",
}


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert set(SCHEMA["properties"]) == set(ServiceConfiguration.model_fields)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_the_documentation_passes(file: Path) -> None:
    VALIDATOR.validate(yaml.safe_load(file.read_text()))


@pytest.mark.parametrize("case", [case for case in CASES if case["ok"]], ids=name)
def test_what_the_reader_takes_the_schema_takes(case: Case) -> None:
    if key(case) not in WE_REFUSE.keys() | LOOSER_THAN_EDITORS.keys():
        VALIDATOR.validate(file_of(case["field"], case["input"]))


@given(services)
@settings(max_examples=40)
def test_all_shorthands_pass(properties: dict[str, Any]) -> None:
    VALIDATOR.validate(properties)


@pytest.mark.parametrize(
    "properties",
    [
        {"portt": 1},
        {"type": "task"},
        {"port": "eighty"},
        {"port": 0},
        {"resources": {"gpuu": "24GB"}},
        {"resources": {"memory": "24XB"}},
        {"resources": {"cpu": "arm64"}},
        {"replicas": "a"},
        {"replicas": [{"cout": 1}]},
        {"spot_policy": "ondemand"},
        {"backends": ["awss"]},
        {"model": {"name": "m"}},
        {"env": ["1A=x"]},
        {"env": {"A": True}},
        {"max_duration": "1h30m"},
        {"probes": [{"type": "tcp"}]},
        {"retry": "maybe"},
        {"commands": "serve"},
        {"registry_auth": {"username": "u", "password": "p", "x": 1}},
        {"nodes": 2},
    ],
    ids=str,
)
def test_mistakes_are_marked(properties: dict[str, Any]) -> None:
    assert not VALIDATOR.is_valid(service(**properties))


@pytest.mark.parametrize("missing", ["type", "port"])
def test_type_and_port_are_required(missing: str) -> None:
    properties = service()
    del properties[missing]
    assert not VALIDATOR.is_valid(properties)
