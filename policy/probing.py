"""Probes: which a service has, and what their answers say of a replica's health."""

import json
from datetime import datetime, timedelta

from spec.deeds import ReplicaStart
from spec.model_endpoint import OpenAIModel
from spec.probe import Probe, ProbeHeader, ProbeMethod, ProbeType
from spec.public import Model
from spec.service import ServiceConfiguration
from spec.status import Health

FAILURES = 3
"""Of one probe in a row that make a replica unhealthy, as in Kubernetes: one or two may be a pause
of a busy application, and taking a replica out sends its load to the others."""

UNHEALTHY_LIMIT = timedelta(minutes=5)
"""How long a replica may be unhealthy: longer than most disturbances of what an application needs
itself, and shorter than people take to see to it."""

MOST_LAPSES = 500
"""How often in its life a replica may become unhealthy. Each time stays in its workflow's history,
which is bounded, and one that comes and goes all the time serves nobody well."""

HISTORY = 25_000_000
"""Bytes of a replica's history that its lapses may take: Temporal ends a workflow at 50 MB, and the
container of that one would be left."""

CHANGE = 8_192
"""Bytes of all that is in the history of one change of health, but for the probes."""

CHAT_TIMEOUT = 30
"""Seconds for the default probe, as in the reference: a model answers after what is before it."""


class ProbeResult(Model):
    """Whether a probe passed, and what came of it: `answered 503`."""

    passed: bool
    outcome: str


class Streak(Model):
    """Answers of one probe in a row: of `passed` and `failed` one is 0; `outcome` is the last."""

    passed: int = 0
    failed: int = 0
    outcome: str = ""


class Probed(Model):
    """A replica, as its probes see it.

    `health` is so since `since`; `lapses` counts how often it became unhealthy. One that `is_lost`
    was so for longer, or became so more often, than it may.
    """

    probes: tuple[Probe, ...]
    streaks: tuple[Streak, ...]
    health: Health
    since: datetime
    lapses: int = 0
    is_lost: bool = False

    @property
    def detail(self) -> str:
        """A sentence for people: what the worst probe says; empty when none says anything bad."""
        seen = [*zip(self.probes, self.streaks, strict=True)]
        probe, streak = max(seen, key=lambda pair: pair[1].failed)
        if streak.failed:
            return f"The probe `{probe}` {streak.outcome}."
        short = [(probe, streak) for probe, streak in seen if streak.passed < probe.ready_after]
        if not short:
            return ""
        probe, streak = short[0]
        if not streak.passed:
            return f"The probe `{probe}` has no answer yet."
        return f"The probe `{probe}` passed {streak.passed} of {probe.ready_after} times."

    @property
    def loss(self) -> str:
        """Why a lost replica ends, for people."""
        minutes = UNHEALTHY_LIMIT.total_seconds() / 60
        long = f"It was unhealthy for {minutes:.0f} minutes."
        most = most_lapses(self.probes)
        often = f"It became unhealthy more than {most} times."
        return f"{often if self.lapses > most else long} {self.detail}"


def most_lapses(probes: tuple[Probe, ...]) -> int:
    """How often a replica with these probes may become unhealthy.

    Each time its history holds them twice: in the order to watch on, and in that after it is well.
    """
    size = sum(len(probe.model_dump_json().encode()) for probe in probes)
    return min(MOST_LAPSES, HISTORY // (2 * (size + CHANGE)))


def probes_of(start: ReplicaStart) -> tuple[Probe, ...]:
    """Those of a replica; one that began before there were probes has no default one.

    It has none of its own, either: these were refused then.
    """
    asked = start.spec.configuration
    return asked_probes(asked) if start.elastic else asked.probes or ()


def asked_probes(asked: ServiceConfiguration) -> tuple[Probe, ...]:
    """The configuration's own; without any word of it, the default one of an OpenAI model."""
    if asked.probes is not None:
        return asked.probes
    return (chat_probe(asked.model),) if isinstance(asked.model, OpenAIModel) else ()


def chat_probe(model: OpenAIModel) -> Probe:
    """The default probe: the model says one token."""
    asked = {
        "model": model.name,
        "messages": [{"role": "user", "content": "hi"}],
        "max_tokens": 1,
    }
    return Probe(
        type=ProbeType.HTTP,
        url=f"{model.prefix.rstrip('/')}/chat/completions",
        method=ProbeMethod.POST,
        headers=(ProbeHeader(name="Content-Type", value="application/json"),),
        body=json.dumps(asked),
        timeout=CHAT_TIMEOUT,
    )


def lasting(probes: tuple[Probe, ...]) -> tuple[Probe, ...]:
    """Those that go on once the replica was ready."""
    return tuple(probe for probe in probes if not probe.until_ready)


def begun(probes: tuple[Probe, ...], health: Health, since: datetime, lapses: int = 0) -> Probed:
    """What is known before the first answer: a healthy replica has had its successes."""
    healthy = health is Health.HEALTHY
    streaks = tuple(Streak(passed=probe.ready_after if healthy else 0) for probe in probes)
    return Probed(probes=probes, streaks=streaks, health=health, since=since, lapses=lapses)


def heard(known: Probed, number: int, result: ProbeResult, now: datetime) -> Probed:
    """What is known after an answer of the probe `number`.

    Healthy: each probe has passed `ready_after` times in a row. Unhealthy, once it was healthy: one
    has failed `FAILURES` times in a row. Lost: one still fails after `UNHEALTHY_LIMIT` of that, or
    that was once more than `most_lapses` times.
    """
    before = known.streaks[number]
    streak = Streak(
        passed=before.passed + 1 if result.passed else 0,
        failed=0 if result.passed else before.failed + 1,
        outcome=result.outcome,
    )
    streaks = (*known.streaks[:number], streak, *known.streaks[number + 1 :])
    known = known.model_copy(update={"streaks": streaks})
    health = _health(known, streak)
    if health is not known.health:
        lapses = known.lapses + (health is Health.UNHEALTHY)
        lost = lapses > most_lapses(known.probes)
        changed = {"health": health, "since": now, "lapses": lapses, "is_lost": lost}
        return known.model_copy(update=changed)
    unhealthy = health is Health.UNHEALTHY and not result.passed
    is_lost = unhealthy and now - known.since >= UNHEALTHY_LIMIT
    return known.model_copy(update={"is_lost": known.is_lost or is_lost})


def _health(known: Probed, latest: Streak) -> Health:
    if known.health is Health.HEALTHY:
        return Health.UNHEALTHY if latest.failed >= FAILURES else Health.HEALTHY
    seen = zip(known.probes, known.streaks, strict=True)
    passed = all(streak.passed >= probe.ready_after for probe, streak in seen)
    return Health.HEALTHY if passed else known.health
