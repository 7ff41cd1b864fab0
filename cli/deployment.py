"""`apply`: plan, ask, upload, submit, and stay: with a new run until it ends, or with an update."""

import os
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from cli.archive import Archive, packed
from cli.attachment import attach, is_ready, publish
from cli.client import Client, path
from cli.configuration import STDIN_NAME, Choice, load
from cli.connection import connect
from cli.environment import with_values
from cli.outcome import Outcome
from cli.persistence import persist
from cli.plan_view import properties_of, show_plan
from cli.repository import LocalRepository, find_repository
from cli.terminal import answers, confirm, interruptible, require_person, say
from cli.units import describe_size
from cli.updating import stay_updated
from cli.upload import upload
from cli.waiting import waiting
from perdure.errors import NoCapacity, PerdureError, Refused
from spec.offer import Refusal, RefusalKind
from spec.plan import Plan, PlanAction
from spec.run_spec import CodeArchive, Repository
from spec.server import Server
from spec.service import ServiceConfiguration
from spec.submission import Applied, ApplyCall, PlanCall, RunView, Submission

PLAN_TIME = 180.0
"""Seconds that a plan may take: every cloud is asked for its offers."""
APPLY_TIME = 900.0
"""Seconds that one request to apply may take: a stopping run of the name is waited for."""
NOTHING_SUBMITTED = "Nothing was submitted."
OTHER_OFFERS = "`perdure offer` shows what there is: ask for less, or for other backends."

QUESTIONS = {
    PlanAction.CREATE: "Submit the run",
    PlanAction.UPDATE: "Update the run",
    PlanAction.NOTHING: "Nothing changes. Apply again to the run",
}


@dataclass(frozen=True)
class Deployment:
    """What `apply` was asked to do. `max_offers` None shows all."""

    choice: Choice
    variables: tuple[str, ...] = ()
    project: str | None = None
    repository: str | None = None
    no_repository: bool = False
    max_offers: int | None = 3
    yes: bool = False
    detach: bool = False
    force: bool = False
    verbose: bool = False


@dataclass(frozen=True)
class Loaded:
    """The configuration with its values, the file that it is from, and where its code is."""

    configuration: ServiceConfiguration
    file: str
    repository: LocalRepository | None


@dataclass(frozen=True)
class Prepared:
    """What can be planned and submitted; `properties` is the head of the plan."""

    submission: Submission
    archive: Archive | None
    properties: list[tuple[str, str]]


def loaded(asked: Deployment) -> Loaded:
    """Read what was asked for. Raises `InvalidConfiguration`, `InvalidInput`."""
    repository = None if asked.no_repository else find_repository(Path(asked.repository or "."))
    configuration, file = load(asked.choice, repository.root if repository else Path.cwd())
    configuration = with_values(configuration, asked.variables, os.environ)
    return Loaded(configuration, file, repository)


@contextmanager
def prepared(client: Client, project: str, given: Loaded) -> Iterator[Prepared]:
    """Pack the code; it is there as long as the context lasts."""
    configuration, repository = given.configuration, given.repository
    with _packed(client, repository, given.file) as archive:
        submission = Submission(
            configuration=configuration,
            code=archive and _code_of(archive),
            repository=repository
            and Repository(id=repository.id, working_dir=repository.working_dir),
        )
        rows = properties_of(project, given.file, configuration, _describe_code(archive))
        yield Prepared(submission, archive, rows)


def deploy(asked: Deployment) -> int:
    """Do it, and return the exit code."""
    connection = connect(asked.project)
    given = loaded(asked)
    if not asked.yes:
        require_person(QUESTIONS[PlanAction.CREATE])
    with Client(connection) as client, prepared(client, connection.project, given) as ready:
        with interruptible(NOTHING_SUBMITTED):
            plan = plan_of(client, ready.submission, asked.max_offers)
            if not agree(plan, ready.properties, asked):
                say(NOTHING_SUBMITTED)
                return Outcome.FAILED
            if ready.archive is not None:
                upload(client, ready.archive)
        call = apply_call(ready.submission, plan, force=asked.force)
        applied = submit(client, client.in_project("runs"), call)
        if given.configuration.name is None:
            say(f"The run is called {applied.name}: `perdure stop {applied.name}` stops it.")
        if asked.detach:
            publish(applied, yet=is_published(client, plan, applied))
            return Outcome.OK
        if applied.action is PlanAction.UPDATE:
            return stay_updated(client, applied)
        return attach(client, applied)


def agree(plan: Plan, properties: list[tuple[str, str]], asked: Deployment) -> bool:
    """Show the plan, and whether to go on. Raises what the plan refuses."""
    show_plan(answers(), plan, properties, verbose=asked.verbose)
    check_plan(plan)
    if not asked.yes:
        return confirm(f"{QUESTIONS[plan.action]} {plan.name}?")
    if plan.action is PlanAction.NOTHING:
        say("Nothing changes.")
    return True


def is_published(client: Client, plan: Plan, applied: Applied) -> bool:
    """Whether the run answers already: one that was updated may."""
    if plan.action is PlanAction.CREATE:
        return False
    run = persist(lambda: client.get(RunView, client.in_project("runs", applied.name)))
    return is_ready(run, applied)


def apply_call(submission: Submission, plan: Plan, *, force: bool) -> ApplyCall:
    """What was planned, under the plan's name; `force` applies to whatever runs by now."""
    named = submission.configuration.model_copy(update={"name": plan.name})
    return ApplyCall(
        configuration=named,
        code=submission.code,
        repository=submission.repository,
        check=None if force else plan.check,
    )


def submit(client: Client, where: str, call: BaseModel) -> Applied:
    """Apply exactly once: an answer that was lost is asked for again under the same key."""
    key = str(uuid.uuid4())
    try:
        with waiting("Submitting …"):
            return persist(lambda: client.post(Applied, where, call, seconds=APPLY_TIME, key=key))
    except KeyboardInterrupt:
        say("The run may have been submitted: `perdure ps` shows it.")
        raise


@contextmanager
def _packed(
    client: Client, repository: LocalRepository | None, file: str
) -> Iterator[Archive | None]:
    if repository is None:
        yield None
        return
    limit_mb = persist(lambda: client.get(Server, path("server"))).code_limit_mb
    own = None if file == STDIN_NAME else Path(file).resolve()
    with packed(repository, limit_mb, own) as archive:
        yield archive


def _code_of(archive: Archive) -> CodeArchive:
    return CodeArchive(sha256=archive.sha256, size=archive.size, identity=archive.identity)


def plan_of(client: Client, submission: Submission, max_offers: int | None) -> Plan:
    """What applying would do; nothing is changed."""
    where, call = client.in_project("plans"), PlanCall(**dict(submission), max_offers=max_offers)
    with waiting("Getting the plan …"):
        return persist(lambda: client.post(Plan, where, call, seconds=PLAN_TIME))


def check_plan(plan: Plan) -> None:
    """Show what the plan warns of; raise what it refuses."""
    for warning in plan.warnings:
        say(f"warning: {warning}")
    if plan.refusals:
        raise refusal_of(plan)
    if not plan.total_offers and plan.action is PlanAction.CREATE:
        raise NoCapacity(
            "No offer fits the configuration.",
            hint=OTHER_OFFERS,
        )


def refusal_of(plan: Plan) -> PerdureError:
    """The plan's refusals as one error: nothing to be had, or not possible."""
    last = plan.refusals[-1]
    reasons = "\n".join(_reasons(plan.refusals))
    kinds = {refusal.kind for refusal in plan.refusals}
    if kinds == {RefusalKind.CAPACITY}:
        return NoCapacity(f"No offer fits.\n{reasons}", hint=last.hint or OTHER_OFFERS)
    return Refused(f"The run cannot be submitted.\n{reasons}", hint=last.hint)


def _reasons(refusals: Sequence[Refusal]) -> Iterator[str]:
    """Each refusal, and each hint once, below the last it belongs to; the last one's is left."""
    for number, refusal in enumerate(refusals, start=1):
        yield _about(refusal)
        told_below = {later.hint for later in refusals[number:]}
        if number < len(refusals) and refusal.hint and refusal.hint not in told_below:
            yield f"  hint: {refusal.hint}"


def _about(refusal: Refusal) -> str:
    named = refusal.subject in refusal.message
    return f"  {refusal.message}" if named else f"  {refusal.subject}: {refusal.message}"


def _describe_code(archive: Archive | None) -> str:
    if archive is None:
        return "-"
    noun = "file" if archive.files == 1 else "files"
    return f"{archive.files} {noun}, {describe_size(archive.size)}"
