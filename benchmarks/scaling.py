"""Our rule of scaling beside the reference's: `python -m benchmarks.scaling` prints the table.

It is the one of `docs/performance.md`, by the backtest of both traces. The traces and the requests
come of seeds, so the figures are the same on each machine: 1 when the page has other ones.
"""

import sys
from pathlib import Path

from spec.backtest import Conditions, Outcome
from tests.policy.backtesting import asked, both, trace

PAGE = Path(__file__).parent.parent / "docs/performance.md"

TRACES = ("smooth", "bursty")
REPLICAS = (1, 30)
TARGET = 0.35
"""Requests per second: seven of the eight slots of a replica are taken, at 20 s a request."""
CONDITIONS = Conditions(slots=8, cold_start=120, service_time=20)

HEAD = "| day | rule | replica hours | wait P50 | P95 | P99 | longest | waited at all | up, down |"


def row(day: str, rule: str, outcome: Outcome) -> str:
    waits = outcome.waits
    cells = [day, rule, f"{outcome.replica_hours:.1f}"]
    cells += [seconds(each) for each in (waits.p50, waits.p95, waits.p99, waits.longest)]
    cells += [f"{waits.share_held:.1%}".replace("%", " %"), f"{outcome.ups}, {outcome.downs}"]
    return f"| {' | '.join(cells)} |"


def seconds(value: float) -> str:
    """Three figures, as the page has them."""
    if not value:
        return "0 s"
    return f"{value:.0f} s" if value >= 100 else f"{value:.1f} s"


def main() -> int:
    """1 when a row is not on the page."""
    known = PAGE.read_text(encoding="utf-8").splitlines()
    rows = []
    print(HEAD, "|" + "---|" * HEAD.count(" | ") + "---|", sep="\n", flush=True)
    for day in TRACES:
        ours, reference = both(trace(day), asked(*REPLICAS, target=TARGET), CONDITIONS)
        for rule, outcome in (("ours", ours), ("dstack's", reference)):
            rows.append(row(day, rule, outcome))
            print(rows[-1], flush=True)
    others = [each for each in rows if each not in known]
    for each in others:
        print(f"Not in {PAGE.name}: {each}", file=sys.stderr)
    return 1 if others else 0


if __name__ == "__main__":
    sys.exit(main())
