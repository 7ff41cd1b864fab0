"""What a fault costs at most: the tests hold it, and `docs/durability.md` is made from it."""

from dataclasses import dataclass
from enum import StrEnum


class Fault(StrEnum):
    """Of one process."""

    KILL = "kill -9"
    HANG = "SIGSTOP"


class Part(StrEnum):
    """Processes of ours, by the supervisor's names for them, and Docker's."""

    WORKER = "worker"
    API = "api"
    PROXY = "proxy"
    TUNNELS = "tunnels"
    TEMPORAL = "temporal"
    HOLDER = "holder"
    SUPERVISOR = "supervisor"
    ENGINE = "dockerd"


OURS = tuple(Part)[: tuple(Part).index(Part.ENGINE)]


class Host(StrEnum):
    """What runs the replicas."""

    PROCESSES = "processes"
    DOCKER = "Docker"


class Phase(StrEnum):
    """Where a service is when the fault strikes."""

    STARTING = "starting"
    SERVING = "serving"
    STOPPING = "stopping"


class Loss(StrEnum):
    """What does not survive."""

    NOTHING = "nothing"
    CONNECTIONS = "the requests that are open at that moment"
    LAST_LINES = "the end of its log, when it ends before the engine is back"


@dataclass(frozen=True)
class Case:
    """A fault, and what it costs in the phases in which it costs something."""

    fault: Fault
    part: Part
    hosts: tuple[Host, ...] = tuple(Host)
    losses: tuple[tuple[Phase, Loss], ...] = ()

    def loss(self, phase: Phase) -> Loss:
        """Nothing, unless told otherwise."""
        return dict(self.losses).get(phase, Loss.NOTHING)

    def __str__(self) -> str:
        return f"{self.fault} {self.part}"


_LOSSES = {
    (Fault.KILL, Part.PROXY): (
        (Phase.SERVING, Loss.CONNECTIONS),
        (Phase.STOPPING, Loss.CONNECTIONS),
    ),
    # Its lease runs out: a replica that leaves does not wait for a proxy that may be gone.
    (Fault.HANG, Part.PROXY): ((Phase.STOPPING, Loss.CONNECTIONS),),
    # An engine that comes back takes up the output of what still runs, and of nothing else.
    (Fault.KILL, Part.ENGINE): ((Phase.STOPPING, Loss.LAST_LINES),),
}
_ON_DOCKER = {
    Fault.KILL: (Part.WORKER, Part.TEMPORAL, Part.SUPERVISOR),
    Fault.HANG: (Part.WORKER,),
}
"""Where it matters to a part of ours that the replicas are containers."""

CASES = (
    *(
        Case(
            fault,
            part,
            hosts=tuple(Host) if part in _ON_DOCKER[fault] else (Host.PROCESSES,),
            losses=_LOSSES.get((fault, part), ()),
        )
        for fault in Fault
        for part in OURS
    ),
    *(
        Case(fault, Part.ENGINE, (Host.DOCKER,), _LOSSES.get((fault, Part.ENGINE), ()))
        for fault in Fault
    ),
)
"""All that is tried, on each of its hosts."""

_HANGS_AMONG_CHANGES = (Part.WORKER, Part.API, Part.TEMPORAL)

CHANGE_CASES = tuple(
    case
    for case in CASES
    if case.part in OURS and (case.fault is Fault.KILL or case.part in _HANGS_AMONG_CHANGES)
)
"""Those that are tried while services change."""
