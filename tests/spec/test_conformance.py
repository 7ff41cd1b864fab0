"""The reference's verdict on 333 values, case by case.

`grammar.json` holds the field, the input, whether the reference takes it, and its normal form. We
give the same verdict and the same meaning, but for the exceptions listed here with their reasons.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from perdure.errors import InvalidConfiguration
from spec.service import ServiceConfiguration
from tests.spec.reference import translated
from tests.spec.writing import read, service

Case = dict[str, Any]

CASES: list[Case] = json.loads(Path(__file__).with_name("grammar.json").read_text())

WE_REFUSE = {
    ("resources.gpu", '"A100:-1"'): "a count cannot be negative",
    ("resources.gpu", "true"): "the reference asks for a GPU called `True`",
    ("resources.memory", '"-1GB"'): "a size cannot be negative",
    ("scaling.scale_up_delay", "-5"): "a delay cannot be negative",
    ("scaling.scale_up_delay", "true"): "a delay is not a switch; the reference takes it for 1 s",
    ("scaling.scale_up_delay", "false"): "a delay is not a switch; the reference takes it for 0 s",
    ("retry", '{"duration": -1}'): "the reference's server refuses it later",
    ("replicas+scaling", "null"): "one replica, the default, leaves nothing to scale",
    ("name", '"svc_1"'): "the reference's server refuses it later: it becomes a host name",
}

RPS = {"metric": "rps", "target": 1}


def file_of(field: str, value: Any) -> dict[str, Any]:
    """The file that the case is about."""
    combinations = {
        "replicas+scaling": {"replicas": value, "scaling": RPS},
        "replicas(list)": {"replicas": value, "commands": []},
        "groups": {"groups": value, "commands": []},
        "image+python": {"image": "ubuntu", "python": value},
        "python+docker": {"python": "3.11", "docker": value},
        "scaling": {"replicas": "1..2", "scaling": value},
        "scaling.scale_up_delay": {
            "replicas": "1..2",
            "scaling": RPS | {"scale_up_delay": value},
        },
    }
    section, _, name = field.partition(".")
    return service(**combinations.get(field, {section: {name: value} if name else value}))


def our_value(field: str, configuration: ServiceConfiguration) -> Any:
    """Our canonical form of the case's field."""
    name = {"replicas+scaling": "replicas", "replicas(list)": "groups"}.get(field, field)
    value: Any = configuration.model_dump(mode="json")
    for step in name.split("."):
        value = value[step]
    return value


def meaning(case: Case) -> Any:
    """What we are to make of the case; null is the reference's way to say that nobody set it."""
    if case["value"] is None:
        field = case["field"]
        return None if field == "resources.disk" else our_value(field, read(service()))
    return translated(case["field"], case["input"], case["value"])


def key(case: Case) -> tuple[str, str]:
    return case["field"], json.dumps(case["input"])


def name(case: Case) -> str:
    return " ".join(key(case))


@pytest.mark.parametrize("case", [case for case in CASES if case["ok"]], ids=name)
def test_what_the_reference_takes_means_the_same_here(case: Case) -> None:
    content = file_of(case["field"], case["input"])
    if key(case) in WE_REFUSE:
        with pytest.raises(InvalidConfiguration):
            read(content)
        return
    assert our_value(case["field"], read(content)) == meaning(case)


@pytest.mark.parametrize("case", [case for case in CASES if not case["ok"]], ids=name)
def test_what_the_reference_refuses_is_refused_here(case: Case) -> None:
    with pytest.raises(InvalidConfiguration):
        read(file_of(case["field"], case["input"]))


def test_each_exception_is_about_a_case_of_the_table() -> None:
    assert set(WE_REFUSE) <= {key(case) for case in CASES if case["ok"]}
