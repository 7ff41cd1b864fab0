"""The API answers as its OpenAPI document says, whatever it is sent and by whom."""

import contextlib
import shutil
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.errors import FlakyStrategyDefinition
from schemathesis import Case, GenerationMode
from schemathesis.core.parameters import ParameterLocation
from schemathesis.schemas import BaseSchema

from api.app import PREFIX, public_app
from api.internal import PREFIX as INTERNAL_PREFIX
from api.internal import internal_app
from api.services import Services
from tests.api.hosted import CODE, INTERNAL_KEY, HostedApi, settings_in
from tests.proxy.running import RunningProxy
from tests.store.conftest import first_start

__all__ = ["first_start"]

CONFIGURED = [
    f"{PREFIX}/projects/{{project}}/{what}" for what in ("plans", "plans/replay", "offers", "runs")
]
UNSAID = (
    f"{PREFIX}/users/{{name}}/tokens",
    f"{PREFIX}/projects/{{project}}/code/{{sha256}}",
    f"{PREFIX}/projects/{{project}}/runs/{{name}}",
    f"{PREFIX}/projects/{{project}}/runs/{{name}}/logs",
    f"{PREFIX}/projects/{{project}}/runs/{{name}}/scale",
    f"{PREFIX}/projects/{{project}}/runs/{{name}}/decisions",
    f"{PREFIX}/projects/{{project}}/events",
    f"{PREFIX}/projects/{{project}}/audit",
    f"{PREFIX}/audit",
    f"{INTERNAL_PREFIX}/proxies/{{boot}}",
)
"""What is right there a document cannot say: a time to come; the content of a hash; a time or a
duration; that a time is for a number of replicas; that 7.0, an integer for JSON Schema, is none for
us."""

OFF = {"enabled": False}
EXCEPTIONS = [
    *({"include-path": path, "checks": {"positive_data_acceptance": OFF}} for path in UNSAID),
    *(
        {
            # Shorthands such as `gpu: A100` are taken here as in files; the document has long
            # forms, and does not say which properties fit together.
            "include-path": path,
            "checks": {"positive_data_acceptance": OFF, "negative_data_rejection": OFF},
            # A configuration has hundreds of properties: each with each takes minutes.
            "phases": {"coverage": OFF},
        }
        for path in CONFIGURED
    ),
]
KNOWN: dict[str, dict[str, str]] = {
    "users": {"name": "bob"},
    "tokens": {"name": "carol"},
    "projects": {"project": "main"},
    "members": {"project": "main", "user": "carol"},
    "secrets": {"project": "main", "name": "KEY"},
    "code": {"project": "main", "sha256": sha256(CODE).hexdigest()},
    "runs": {"project": "main", "name": "app"},
}
"""What is there, by the last of these that a path has. Bob and Carol may be lost."""


def bounded(examples: int, **more: Any) -> settings:
    """So many, and always the same."""
    return settings(
        **more,
        max_examples=examples,
        derandomize=True,
        deadline=None,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture(scope="module")
def hosted(first_start: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostedApi]:
    folder = tmp_path_factory.mktemp("hosted") / "data"
    shutil.copytree(first_start, folder)
    api = HostedApi(settings_in(folder))
    api.start()
    yield api
    api.stop()


@pytest.fixture(scope="module")
def front_door(
    hosted: HostedApi, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningProxy]:
    """A proxy in front of the API."""
    address = f"127.0.0.1:{hosted.port}"
    proxy = RunningProxy(tmp_path_factory.mktemp("front"), "--front", address)
    yield proxy
    assert proxy.stop() == 0


def nobody() -> Services:
    """A document asks no service."""
    store = SimpleNamespace(tokens=SimpleNamespace(caller=None), audit=None)
    return cast("Services", SimpleNamespace(store=store))


def read(
    document: dict[str, Any], *, coverage: bool = True, base_url: str = "http://localhost"
) -> BaseSchema:
    """What is generated: right and wrong requests, at the edges of each field if `coverage`."""
    config: dict[str, Any] = {
        "base-url": base_url,
        "generation": {"mode": "all", "with-security-parameters": False},
        "phases": {"coverage": {"enabled": coverage}},
        "operations": EXCEPTIONS,
    }
    return schemathesis.openapi.from_dict(document, config=schemathesis.Config.from_dict(config))


def aim(case: Case[Any]) -> None:
    """Right requests go to what exists: made-up names would hear 404 only.

    Other projects, and the end of one, are left to chance.
    """
    if case.path == f"{PREFIX}/projects/{{project}}" or not is_right(case):
        return
    rooms = [each for each in KNOWN if f"/{each}" in case.path]
    for name, value in case.path_parameters.items():
        known = KNOWN[rooms[-1]].get(name) if rooms else None
        if known and (name == "project" or len(set(value)) == 1):
            case.path_parameters[name] = known


def is_right(case: Case[Any]) -> bool:
    """Whether its path was not made wrong on purpose."""
    component = case.meta and case.meta.components.get(ParameterLocation.PATH)
    return not component or component.mode is GenerationMode.POSITIVE


DOCUMENT = public_app(nobody()).openapi()
public, outside = read(DOCUMENT), read(DOCUMENT, coverage=False)
internal = read(internal_app(nobody(), lambda: (INTERNAL_KEY,)).openapi())


@pytest.mark.parametrize("who", ["admin", "alice"])
@public.parametrize()
@bounded(4)
def test_every_answer_is_one_that_the_document_knows(
    case: Case[Any], hosted: HostedApi, who: str
) -> None:
    aim(case)
    case.call_and_validate(base_url=hosted.url, headers=hosted.headers(who))


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("who", ["admin", "alice"])
@public.parametrize()
@bounded(100)
def test_many_answers_are_ones_that_the_document_knows(
    case: Case[Any], hosted: HostedApi, who: str
) -> None:
    aim(case)
    case.call_and_validate(base_url=hosted.url, headers=hosted.headers(who))


@pytest.mark.parametrize("who", ["eve", "anonymous"])
@outside.parametrize()
@bounded(1)
def test_who_is_outside_hears_nothing_but_no(case: Case[Any], hosted: HostedApi, who: str) -> None:
    answer = case.call_and_validate(base_url=hosted.url, headers=hosted.headers(who))
    if who == "anonymous":
        assert answer.status_code == 401
    elif "{project}" in case.path:
        assert answer.status_code in (403, 422)


@outside.parametrize()
@bounded(1)
def test_the_front_door_answers_as_the_document_says(
    case: Case[Any], hosted: HostedApi, front_door: RunningProxy
) -> None:
    aim(case)
    url = f"http://127.0.0.1:{front_door.port}"
    case.call_and_validate(base_url=url, headers=hosted.headers("admin"))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("lives", [5, pytest.param(80, marks=pytest.mark.long)])
def test_what_was_made_is_found_and_gone_after_its_end(hosted: HostedApi, lives: int) -> None:
    linked = read(DOCUMENT, coverage=False, base_url=hosted.url)

    class Life(linked.as_state_machine()):  # type: ignore[misc]
        def get_call_kwargs(self, case: Case[Any]) -> dict[str, Any]:
            return {"headers": hosted.headers("admin")}

    for number in range(lives):
        # Each by itself: what is drawn follows what was answered, which a repetition changes.
        with contextlib.suppress(FlakyStrategyDefinition):
            seed(number)(Life).run(settings=bounded(2, stateful_step_count=8))


@internal.parametrize()
@bounded(10)
def test_the_internal_api_answers_as_its_document_says(case: Case[Any], hosted: HostedApi) -> None:
    if "wait" in case.query and is_right(case):
        case.query["wait"] = 0
    url = f"http://127.0.0.1:{hosted.internal_port}"
    case.call_and_validate(base_url=url, headers={"Authorization": f"Bearer {INTERNAL_KEY}"})
