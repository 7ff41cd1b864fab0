"""What must hold of a world as a whole: looked at now and then."""

from typing import TYPE_CHECKING

from tests.simulation.proxy import LATE
from tests.simulation.violation import ensure

if TYPE_CHECKING:
    from tests.simulation.run import Run
    from tests.simulation.world import World

EACH = 60.0
"""Seconds between two looks."""

ORPHAN = 2_400.0
"""Seconds for which a replica may outlive its run: a slow boot, an owner check, a release."""


class Rounds:
    """Of one world; they begin with it. Each raises `Violation`."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._gone: dict[str, int] = {}
        self.look()

    def look(self) -> None:
        """At machines, replicas and those that are held."""
        world = self._world
        now = world.clock.now
        world.clock.after(EACH, self.look)
        for machine in world.cloud.machines.values():
            owner = world.replicas.get(machine.replica)
            ensure(
                owner is not None and not owner.ended,
                "no machine outlives its replica",
                machine,
            )
        run = world.run
        for replica in world.living.values():
            own = run is not None and run.incarnation == replica.start.incarnation
            if own or world.worker.away:
                self._gone.pop(replica.id, None)
                continue
            since = self._gone.setdefault(replica.id, now)
            ensure(
                now - since <= ORPHAN * 1000,
                "no replica outlives its run for long",
                replica.id,
            )
        if run is not None and not world.worker.away:
            self._records_are_true(run)
            self._it_ends_in_time(run)
        self._nobody_waits_for_nothing()

    def _it_ends_in_time(self, run: "Run") -> None:
        """What has a limit ends by it: `max_duration` counts from when it was ready first."""
        state, now = run.state, self._world.clock.moment
        until = state.override.until if state.override else None
        ensure(
            until is None or (now - until).total_seconds() < EACH,
            "a number that is set for a time counts no longer",
            until,
        )
        limit = state.spec.configuration.max_duration if state.spec else None
        if limit is None or state.ready_at is None or state.stop is not None:
            return
        over = (now - state.ready_at).total_seconds() - limit
        ensure(over < EACH, "a run with a limit ends by it", f"{over:.0f} s too late")

    def _records_are_true(self, run: "Run") -> None:
        for record in run.state.records:
            replica = self._world.replicas.get(record.id)
            if record.phase.is_final or replica is None:
                continue
            late = self._world.clock.now - replica.ended_at if replica.ended else 0
            ensure(late < EACH * 1000, "a replica that has ended is known to have", record.id)

    def _nobody_waits_for_nothing(self) -> None:
        proxies = self._world.proxies
        if not proxies.serves_since(self._world.clock.now - LATE):
            return
        for proxy in proxies.living:
            waiting = [each for each in proxy.held if not each.tries]
            ensure(
                proxy.cut_off or not waiting,
                "nobody is held while a replica is ready",
                f"{len(waiting)} at {proxy.boot}",
            )
