"""What survives what: the table is the one that the crash suite holds."""

from collections.abc import Iterator

from tests.crash.losses import CASES, CHANGE_CASES, Case, Fault, Host, Loss, Part, Phase
from tests.crash.points import POINTS
from tests.docs.table import MADE, code, table

INTRODUCTION = f"""# Durability

{MADE}

Every run is a workflow that Temporal remembers, every step is safe to repeat, and replicas depend
on no process of perdure. So a process may die, or hang, at any moment. The tests in `tests/crash`
do that while one service starts, one serves and one stops, and this is what they hold.

## What a crash costs

A process that died is started again by `perdure server`, and the supervisor itself by you or your
service manager: it finds the others and goes on with them. `SIGSTOP` lasts for a minute. A cell
says "{Loss.NOTHING}" when every request of every kind (short ones, streams, uploads, WebSockets)
got its right answer, the service came to its end or into service, no container or process was
left or doubled, and each line of its log is there once."""

AFTER = """A proxy that dies breaks what it carries, once for each client: WebSockets, and
answers under way. New connections wait in the listening socket, which outlives it. A proxy that
hangs loses its lease after `PERDURE_LEASE`: what a replica that stops still answers through that
proxy may be cut.

What waits: commands, while the API or Temporal is away; starts, stops and updates, while the
worker, Temporal or the Docker engine is. The work of a dead worker is taken up after
`PERDURE_HEARTBEAT` (30 s) at most.

## What Docker must be told

With `"live-restore": true` in `/etc/docker/daemon.json`, containers go on while their engine is
away, and the table holds for Docker with it. Without it the engine ends them when it comes back.
Their runs fail then, and say so. Lines are whole where the application writes them whole: of one
that it writes in pieces, an engine that dies between two of them takes the first with it.

A container whose engine is away can write 64 KiB of log; after that its writes wait for the
engine. The engine takes this up when it is back, unless the container has ended meanwhile: then
it is lost."""

CHANGES = """## While services change

The same is done while services change: one is updated, one wakes, one comes to none, and one that
failed is tried again; with Docker one is updated by turns, one gets a second replica, and one gives
its second one back. Each becomes what it was to become, and has no replica more. Its requests are
answered, also those that wait for a replica, and each of its decisions is kept, once. A proxy that
dies breaks what it carries, and what waits in it."""

CALLS = """## Between a call and its answer

The worst moment for a crash is the one after something was done and before anybody knows. So
processes are killed, one by one, right before and right after each of these calls, and the
service must come up, answer, change, stop, leave nothing, and have its whole log:"""

REST = """## What does not survive

* The machine: after its restart runs are still known, their containers are gone, and so those
  replicas have failed.
* A power failure can cost the last moments of the embedded Temporal's database. Where that
  matters, use a Temporal server of your own.
* The data directory: back it up. The databases in it have a `-wal` file each, which belongs to
  them."""

NAMES = {
    Part.API: "API",
    Part.TEMPORAL: "Temporal",
    Part.SUPERVISOR: "`perdure server`",
    Part.ENGINE: "Docker engine",
}
FAULTS = {Fault.KILL: "dies (`kill -9`)", Fault.HANG: "hangs (`SIGSTOP`)"}


def page() -> str:
    """The whole page."""
    header = (
        "Process",
        "Fault",
        "Replicas",
        *(f"A service that is {phase} loses" for phase in Phase),
    )
    changes = ("Process", "Fault", "Replicas")
    calls = ("Process", "Calls")
    parts = (
        INTRODUCTION,
        table(header, _rows()),
        AFTER,
        CHANGES,
        table(changes, _changes()),
        CALLS,
        table(calls, _calls()),
        REST,
    )
    return "\n\n".join(parts) + "\n"


def _rows() -> Iterator[tuple[str, ...]]:
    for case in CASES:
        yield (*_struck(case), *(case.loss(phase) for phase in Phase))


def _changes() -> Iterator[tuple[str, ...]]:
    return map(_struck, CHANGE_CASES)


def _struck(case: Case) -> tuple[str, ...]:
    return NAMES.get(case.part, case.part), FAULTS[case.fault], _hosts(case)


def _hosts(case: Case) -> str:
    return ", ".join(host for host in Host if host in case.hosts)


def _calls() -> Iterator[tuple[str, str]]:
    for process in dict.fromkeys(point.process for point in POINTS):
        calls = dict.fromkeys(point.call for point in POINTS if point.process == process)
        yield process, ", ".join(code(call) for call in calls)
