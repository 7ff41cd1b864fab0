"""What a process counts, as it is at one moment: a thread may read it while requests go on."""

import time
from collections import Counter
from dataclasses import dataclass

from proxy.plane import Plane
from proxy.state import State
from proxy.stats import Durations, Outcome


@dataclass(frozen=True, slots=True)
class Figures:
    """By `project/run`: `arrived`, and what is named `run_…`. By replica: `in_flight`.

    `run_durations` has the runs for which something was counted. Ages are in seconds; what nobody
    asks for is None.
    """

    arrived: dict[str, int]
    in_flight: dict[str, int]
    run_durations: dict[str, Durations]
    run_in_flight: dict[str, int]
    run_held: dict[str, int]
    replies: list[int]
    durations: dict[int, Durations]
    holds: Counter[Outcome]
    wakes: Counter[bool]
    held: int
    held_bodies: int
    model_bodies: int
    clients: int
    table_age: float
    feed_age: float | None
    temporal_up: bool | None
    api_up: bool | None

    @classmethod
    def of(cls, plane: Plane, state: State) -> "Figures":
        """Copied in a millisecond for a thousand runs."""
        table, stats, now = plane.table, plane.stats, time.monotonic()
        return cls(
            arrived=table.arrived(),
            in_flight=table.in_flight(),
            run_durations={
                run: each.copy() for run, each in table.durations().items() if any(each.counts)
            },
            run_in_flight=table.run_in_flight(),
            run_held=table.held(),
            replies=stats.replies.copy(),
            durations={kind: each.copy() for kind, each in stats.durations.items()},
            holds=stats.holds.copy(),
            wakes=stats.wakes.copy(),
            held=plane.room.held,
            held_bodies=plane.room.bodies.taken,
            model_bodies=plane.bodies.taken,
            clients=len(plane.clients),
            table_age=now - state.heard_at,
            feed_age=None if state.api_up is None else now - state.fed_at,
            temporal_up=state.temporal_up,
            api_up=state.api_up,
        )
