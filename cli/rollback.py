"""`rollback`: a run becomes again what it was before."""

from datetime import UTC, datetime

from cli.attachment import publish
from cli.client import Client, patience
from cli.deployment import NOTHING_SUBMITTED, PLAN_TIME, check_plan, is_published, submit
from cli.near_name import telling_near_names
from cli.outcome import Outcome
from cli.past import shown
from cli.persistence import persist
from cli.plan_view import show_plan
from cli.terminal import answers, confirm, interruptible, require_person, say
from cli.updating import stay_updated
from cli.waiting import waiting
from spec.plan import PlanAction
from spec.submission import RollbackCall, RollbackPlan


def roll_back(client: Client, name: str, *, to: int | None, yes: bool, detach: bool) -> int:
    """Show what going back changes, ask, do it, and stay until it is done; the exit code.

    Raises `NotFound` for an unknown run or revision, `Conflict` when there is nothing to go back
    to, and what the plan refuses.
    """
    if not yes:
        require_person(f"Roll the run {name} back")
    with interruptible(NOTHING_SUBMITTED):
        found = _plan(client, name, to)
        _show(client, name, found)
        check_plan(found.plan)
        if found.plan.action is PlanAction.NOTHING:
            say(f"The run {name} is as it was in revision {found.revision}: nothing changes.")
            return Outcome.OK
        if not yes and not confirm(f"Roll the run {name} back to revision {found.revision}?"):
            say(NOTHING_SUBMITTED)
            return Outcome.FAILED
    call = RollbackCall(to=found.revision, check=found.plan.check)
    applied = submit(client, client.in_project("runs", name, "rollback"), call)
    if detach:
        publish(applied, yet=is_published(client, found.plan, applied))
        return Outcome.OK
    return stay_updated(client, applied)


def _plan(client: Client, name: str, to: int | None) -> RollbackPlan:
    where = client.in_project("runs", name, "rollback")
    options = {"params": {} if to is None else {"to": to}, "timeout": patience(PLAN_TIME)}
    with telling_near_names(client, name), waiting("Getting the plan …"):
        return persist(lambda: client.call(RollbackPlan, "GET", where, **options))


def _show(client: Client, name: str, found: RollbackPlan) -> None:
    rows = [
        ("Project", client.connection.project),
        ("Run", name),
        ("Back to", f"revision {found.revision}"),
        ("Applied", f"{shown(found.at, datetime.now(UTC))} by {found.user}"),
    ]
    show_plan(answers(), found.plan, rows)
