"""The API answers as its OpenAPI document says, whatever it is sent and by whom."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings

from api.app import public_app
from api.services import Services
from tests.api.hosted import HostedApi, settings_in
from tests.store.conftest import first_start

__all__ = ["first_start"]

CONFIG: dict[str, Any] = {"generation": {"mode": "all"}}
BOUNDED = settings(
    max_examples=6,
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


def _document() -> dict[str, Any]:
    """What the app says of itself; it asks no service for that."""
    nobody = SimpleNamespace(tokens=SimpleNamespace(caller=None))
    return public_app(cast("Services", SimpleNamespace(store=nobody))).openapi()


public = schemathesis.openapi.from_dict(_document(), config=schemathesis.Config.from_dict(CONFIG))


@pytest.mark.parametrize("who", ["admin", "alice", "eve", "anonymous"])
@public.parametrize()
@BOUNDED
def test_every_answer_is_one_that_the_document_knows(
    case: schemathesis.Case, hosted: HostedApi, who: str
) -> None:
    case.call_and_validate(base_url=hosted.url, headers=hosted.headers(who))
