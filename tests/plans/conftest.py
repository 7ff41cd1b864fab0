"""A planner: what the API and the worker do between a file and its plan, without Temporal."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from temporalio.testing import ActivityEnvironment

from activities.offers import Offers
from api.submissions import strip
from backends.local import LocalBackend
from cli.environment import with_values
from perdure.settings import Settings
from policy.image import DefaultImage
from policy.plan import make_plan
from spec.machine import Gpu
from spec.offer import OfferQuery
from spec.plan import Plan, PlanOrder
from spec.reader import read_configuration
from spec.submission import Submission
from store.setup import set_up
from store.store import Store, open_store
from tests.plans.machine import SizedRuntime

PROJECT = "main"

Planner = Callable[[str, tuple[Gpu, ...]], Awaitable[Plan]]


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Those of an installation that nobody has changed."""
    folder: Path = tmp_path_factory.mktemp("planner")
    settings = Settings(data_dir=folder / "data")
    set_up(settings, folder / "config.yml")
    return settings


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[Store]:
    async with open_store(settings) as store:
        yield store


@pytest.fixture
def plan(settings: Settings, store: Store) -> Planner:
    """The plan of a configuration's text on a machine with these GPUs."""
    image = DefaultImage(
        template=settings.image,
        nvcc_suffix=settings.image_nvcc_suffix,
        pythons=settings.image_pythons,
    )

    async def planned(text: str, gpus: tuple[Gpu, ...]) -> Plan:
        asked = with_values(read_configuration(text, "file"), ["HF_TOKEN=hf_x"], {})
        name = asked.name or "unnamed"
        spec = strip(Submission(configuration=asked), PROJECT, name, bytes(32)).spec
        backend = LocalBackend(SizedRuntime(gpus), store.gpus)
        offers = Offers({backend.name: backend}, image)
        query = OfferQuery.of(spec)
        found = await ActivityEnvironment().run(offers.search_offers, query)
        return make_plan(PlanOrder(project=PROJECT, name=name, spec=spec), found)

    return planned
