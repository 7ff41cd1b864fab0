"""Bugs that are put in on purpose: each breaks one rule, and the simulation has to find it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import policy.autoscale
import policy.drain
import policy.failures
import policy.load
import policy.reconcile
import policy.views
import tests.simulation.run
import tests.simulation.watch
from policy.retry import RetryVerdict
from policy.rollout import is_living
from spec.load import Figures
from spec.replica import ReplicaRecord
from spec.route import RouteTable
from spec.run import RunState
from spec.status import ReplicaPhase, RunPhase
from tests.simulation.cloud import Cloud, Machine, Place


@dataclass(frozen=True)
class Mutant:
    """In `where`, `name` is replaced by what `bug` makes of it; `found_by` are invariants."""

    where: Any
    name: str
    bug: Callable[[Any], Any]
    found_by: tuple[str, ...]


def never_release(_: Any) -> Any:
    """What is too much goes on, and costs."""
    return lambda state: []


def retry_at_once(judge: Any) -> Any:
    """No pause before another try."""

    def judged(*given: Any) -> RetryVerdict:
        verdict: RetryVerdict = judge(*given)
        if verdict.retrial is None:
            return verdict
        at_once = verdict.retrial.model_copy(update={"at": given[3]})
        return verdict.model_copy(update={"retrial": at_once})

    return judged


def never_undo(_: Any) -> Any:
    """A bad update stays."""
    return lambda *_, **__: False


def ignore_what_is_busy(need: Any) -> Any:
    """Only what arrives counts, and what takes long is scaled away."""
    return lambda rps, busy, scaling: need(rps, 0, scaling)


def ignore_the_delay(ruled: Any) -> Any:
    """Down as soon as fewer would do."""
    return lambda need, highest, current, within, *, is_recent: ruled(
        need, need, current, within, is_recent=is_recent
    )


def believe_a_part(found: Any) -> Any:
    """One proxy is silent, and what the others tell is taken for all."""

    def blind(memory: Any, figures: Figures, order: Any) -> Any:
        return found(memory, figures.model_copy(update={"is_whole": True}), order)

    return blind


def stop_without_draining(_: Any) -> Any:
    """Whatever proxies have in flight."""
    return lambda order, stats: True


def forget_the_block(_: Any) -> Any:
    """One more at once, although the last one failed."""
    return lambda state, now: False


def start_twice(missing: Any) -> Any:
    """Two for each slot."""

    def doubled(*given: Any) -> tuple[ReplicaRecord, ...]:
        fresh = missing(*given)
        return (*fresh, *(each.model_copy(update={"id": f"{each.id}x"}) for each in fresh))

    return doubled


def old_ones_first(too_many: Any) -> Any:
    """An update begins with stopping what serves."""

    def hasty(state: RunState) -> list[ReplicaRecord]:
        old = [
            each
            for each in state.records
            if each.deployment != state.deployment and is_living(each)
        ]
        return [*{each.id: each for each in (*old, *too_many(state))}.values()]

    return hasty


def end_by_one(ended: Any) -> Any:
    """One replica that failed ends a run that serves."""

    def hasty(state: RunState) -> RunPhase | None:
        if any(record.phase is ReplicaPhase.FAILED for record in state.records):
            return RunPhase.FAILED
        phase: RunPhase | None = ended(state)
        return phase

    return hasty


def forget_what_is_due(_: Any) -> Any:
    """Nobody looks at the clock."""
    return lambda state, now: None


def keep_the_version(route_table: Any) -> Any:
    """Another table, and proxies take it for the one that they have."""

    def same(state: RunState, now: datetime) -> RouteTable:
        table: RouteTable = route_table(state, now)
        return table.model_copy(update={"version": state.route.version})

    return same


def forget_decisions(kept: Any) -> Any:
    """Those that came while others were being kept go with them."""
    return lambda state, number: kept(state, number + 1)


def give_up_soon(_: Any) -> Any:
    """While one that failed is stopped, nobody remembers that it will be tried again."""
    return lambda state, ending, now: False


def always_the_first(judge: Any) -> Any:
    """What failed before is forgotten: no pause grows, and no window ends."""
    return lambda asked, failed, earlier, now, pauses: judge(asked, failed, None, now, pauses)


def keep_the_state(_: Any) -> Any:
    """What should end at its time goes on."""
    return lambda state, now: state


def keep_the_dead(_: Any) -> Any:
    """What has ended stays in the books."""
    return lambda state, record, missing, now: False


def leave_it_running(_: Any) -> Any:
    """A machine that nobody needs any more is not released."""
    return lambda cloud, token: False


def ask_anew(create: Any) -> Any:
    """An answer that was lost is asked for by another token."""

    def created(cloud: Cloud, token: str, replica: str, place: Place) -> Machine | None:
        machine: Machine | None = create(cloud, f"{token}/{cloud.created}", replica, place)
        return machine

    return created


MUTANTS = {
    "never release": Mutant(
        policy.reconcile,
        "_too_many",
        never_release,
        ("no more live than are wanted, and one for an update",),
    ),
    "retry at once": Mutant(
        policy.failures,
        "judge",
        retry_at_once,
        ("there is a pause before another try",),
    ),
    "never undo": Mutant(
        policy.failures,
        "undoes",
        never_undo,
        (
            "a bad update is undone",
            "left alone, a bad update is undone",
            "left alone, an update comes to its end",
            "left alone, it has what it wants",
        ),
    ),
    "ignore what is busy": Mutant(
        policy.autoscale, "_need", ignore_what_is_busy, ("what is used is not scaled away",)
    ),
    "ignore the delay": Mutant(
        policy.autoscale,
        "_ruled",
        ignore_the_delay,
        ("fewer are wanted only when fewer were enough for the whole delay",),
    ),
    "believe a part": Mutant(
        tests.simulation.watch,
        "found",
        believe_a_part,
        ("fewer are wanted only when all proxies tell", "what is used is not scaled away"),
    ),
    "stop without draining": Mutant(
        policy.drain,
        "has_let_go",
        stop_without_draining,
        (
            "a replica is stopped only once it has drained, or at its deadline",
            "nothing is sent to a replica that all proxies have let go of",
        ),
    ),
    "forget the block": Mutant(
        policy.reconcile,
        "is_blocked",
        forget_the_block,
        (
            "none is added as long as the last one that failed blocks that",
            "there is a pause before another try",
        ),
    ),
    "start twice": Mutant(
        policy.reconcile,
        "_missing",
        start_twice,
        ("no more live than are wanted, and one for an update", "no slot has two replicas"),
    ),
    "old ones first": Mutant(
        policy.reconcile,
        "_too_many",
        old_ones_first,
        ("what serves goes only when fewer are wanted, or a newer one is ready",),
    ),
    "end by one": Mutant(
        policy.reconcile,
        "_ended",
        end_by_one,
        (
            "no run ends with a replica that is ready",
            "no run ends before its replicas",
            "a run that sleeps does not end",
        ),
    ),
    "forget what is due": Mutant(
        policy.reconcile,
        "_next_due",
        forget_what_is_due,
        ("something goes on, or is waited for",),
    ),
    "keep the version": Mutant(
        policy.reconcile,
        "route_table",
        keep_the_version,
        ("the version of the routes grows with each change",),
    ),
    "give up soon": Mutant(
        policy.views,
        "comes_again",
        give_up_soon,
        ("requests are held while a replica is to come",),
    ),
    "always the first": Mutant(
        policy.failures,
        "judge",
        always_the_first,
        ("there is a pause before another try", "left alone, it does not go on trying"),
    ),
    "no limit": Mutant(
        policy.reconcile, "limited", keep_the_state, ("a run with a limit ends by it",)
    ),
    "no time": Mutant(
        policy.reconcile,
        "expired",
        keep_the_state,
        ("a number that is set for a time counts no longer",),
    ),
    "keep the dead": Mutant(
        policy.reconcile,
        "_is_forgotten",
        keep_the_dead,
        (
            "left alone, it does not go on trying",
            "it has nothing else",
            "no slot has two replicas",
        ),
    ),
    "leave it running": Mutant(
        Cloud, "release", leave_it_running, ("no machine outlives its replica",)
    ),
    "ask anew": Mutant(
        Cloud,
        "create",
        ask_anew,
        ("no replica has two machines", "no machine outlives its replica"),
    ),
    "forget decisions": Mutant(
        tests.simulation.run,
        "kept",
        forget_decisions,
        ("the numbers of decisions have no gap", "all decisions are kept"),
    ),
}
