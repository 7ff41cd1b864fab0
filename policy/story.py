"""What the Temporal UI tells of a run and its replicas: Markdown, readable without any key."""

from spec.replica import Placement, ReplicaStatus
from spec.run_status import RunStatus
from spec.units import format_price


def run_story(status: RunStatus) -> str:
    """The run's headline and a table of its replicas."""
    head = f"**{status.status}**: {status.status_message}, {status.ready}/{status.desired} ready"
    if not status.replicas:
        return head
    rows = [_row(replica) for replica in status.replicas]
    table = ["| replica | status | ready | where | $/h | |", "|---|---|---|---|---|---|", *rows]
    return "\n".join([head, "", *table])


def place_text(placement: Placement) -> str:
    """Where a replica is, and for how much."""
    return f"{placement.backend}/{placement.region} at {format_price(placement.price)}/h"


def _row(replica: ReplicaStatus) -> str:
    where = f"{replica.backend}/{replica.region}" if replica.backend else "-"
    cells = [
        str(replica.num),
        replica.status.value,
        "yes" if replica.ready else "no",
        where,
        format_price(replica.price),
        replica.message,
    ]
    return f"| {' | '.join(cells)} |"
