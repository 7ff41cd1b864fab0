"""Against the real thing: a workflow that is stuck, what a replica left, a Docker engine."""

from pathlib import Path

import pytest

from doctor.cluster import judge_stuck, look_for_stuck
from doctor.leftovers import judge_leftovers, look_for_leftovers
from doctor.machine import judge_engine, look_at_engine
from perdure.settings import RuntimeChoice, Settings
from policy import reconcile
from store.applies import Applies
from tests.doctor.finding import found_by, problems, warnings
from tests.testbed.deadline import eventually
from tests.testbed.engine import Engine
from tests.workflows.bug import Bug
from tests.workflows.conftest import at_work as at_work
from tests.workflows.conftest import recorder as recorder
from tests.workflows.conftest import stage as stage
from tests.workflows.stage import Stage


@pytest.mark.impatient
async def test_a_run_whose_workflow_fails_is_named(
    at_work: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = at_work.settings
    await at_work.apply("web")
    await at_work.until_ready("web", 1)
    assert problems(judge_stuck(await look_for_stuck(settings))) == []
    with monkeypatch.context() as patched:
        patched.setattr(reconcile, "route_table", Bug())
        await at_work.runs.handle("main", "web").cancel()

        async def named() -> bool:
            told = problems(judge_stuck(await look_for_stuck(settings)))
            return any("`run/main/web` is stuck" in each for each in told)

        await eventually(named, "its task has failed three times", seconds=60)
    await at_work.until_ended("web")


async def test_what_nobody_owns_is_named_and_what_a_replica_has_is_not(
    at_work: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What other servers left on this machine is not this test's.
    monkeypatch.setattr("doctor.leftovers.SHARED_HOMES", tmp_path / "homes")
    settings = at_work.settings.model_copy(update={"runtime": RuntimeChoice.PROCESS})
    await at_work.apply("web")
    await at_work.until_ready("web", 1)
    (mine,) = at_work.runtime.containers
    await at_work.store.gpus.claim("local", mine, ["GPU-1"])
    assert warnings(judge_leftovers(await look_for_leftovers(settings))) == []
    await at_work.store.gpus.claim("local", "somebody", ["GPU-2"])
    folder = settings.data.replicas / ("f" * 20)
    folder.mkdir(parents=True)
    server = await at_work.store.installation.id()
    (folder / "job.json").write_text(
        f'{{"token": "somebody", "server": "{server}", "port": 1, "uid": null}}'
    )
    told = warnings(judge_leftovers(await look_for_leftovers(settings)))
    assert told == [
        f"Folders of replicas that have ended: `{folder}`.",
        "GPUs that belong to replicas that have ended: `GPU-2`.",
    ]
    await at_work.stop("web", abort=True)


async def test_a_service_that_outlived_its_project_is_named(at_work: Stage) -> None:
    settings = at_work.settings.model_copy(update={"runtime": RuntimeChoice.PROCESS})
    named = "Services whose project is gone: `run/main/web`."
    await at_work.apply("web")
    await at_work.until_ready("web", 1)
    assert named not in warnings(judge_leftovers(await look_for_leftovers(settings)))
    await at_work.store.projects.delete("main", Applies())
    assert named in warnings(judge_leftovers(await look_for_leftovers(settings)))
    await at_work.stop("web", abort=True)


async def test_the_namespace_of_a_server_has_what_is_needed(stage: Stage) -> None:
    assert problems(await found_by("temporal", stage.settings)) == []


async def test_an_engine_that_answers(engine: Engine, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, runtime=RuntimeChoice.DOCKER, docker_host=engine.url)
    seen = await look_at_engine(settings)
    assert seen.error == ""
    assert seen.version
    assert seen.log_driver
    assert problems(judge_engine(seen)) == []
