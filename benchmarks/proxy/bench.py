"""Our proxy beside nginx, on one machine, in one run: only the ratios travel.

The load and the application share core 0, the proxy under load has core 1. Rounds go A B B A, so
that a machine that slows down or speeds up favours nobody. Needs `nginx` and `wrk` (Debian:
`nginx-light`, `wrk`). `--rounds N` (2), `--json FILE`.
"""

import argparse
import json
import os
import socket
import statistics
import sys
import tempfile
import time
from pathlib import Path

import loads
from contestants import Contestant, nginx, perdure, running

from tests.ports import free_port


def answers(port: int) -> None:
    deadline = time.monotonic() + 10
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert time.monotonic() < deadline
        time.sleep(0.05)


def compare(ours: Contestant, theirs: Contestant, rounds: int) -> dict[str, dict[str, float]]:
    """Medians of each figure and of the ratios within one round, and the range of these."""
    work = (
        loads.requests(16, 2),
        loads.requests(64, 2),
        loads.streams,
        loads.sockets,
        loads.bodies,
    )
    seen: dict[str, list[tuple[float, float]]] = {}
    for load in work:
        for number in range(2 * rounds):
            order = (ours, theirs) if number % 2 == 0 else (theirs, ours)
            figures = {proxy.name: load(proxy) for proxy in order}
            for name, value in figures[ours.name].items():
                seen.setdefault(name, []).append((value, figures[theirs.name][name]))
    results = {}
    for name, pairs in seen.items():
        ratios = [mine / other for mine, other in pairs]
        results[name] = {
            ours.name: statistics.median(mine for mine, _ in pairs),
            theirs.name: statistics.median(other for _, other in pairs),
            "ratio": statistics.median(ratios),
            "lowest": min(ratios),
            "highest": max(ratios),
        }
    return results


def show(results: dict[str, dict[str, float]]) -> None:
    print(f"{'':22}{'perdure':>12}{'nginx':>12}{'ratio':>8}{'range':>12}")
    for name, figures in results.items():
        mine, other, ratio = figures["perdure"], figures["nginx"], figures["ratio"]
        better = "lower" if name.startswith("CPU") else "higher"
        digits = 0 if max(mine, other) > 100 else 3
        spread = f"{figures['lowest']:.2f}-{figures['highest']:.2f}"
        print(
            f"{name:22}{mine:12,.{digits}f}{other:12,.{digits}f}{ratio:8.2f}{spread:>12}"
            f"  {better} is better"
        )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--rounds", type=int, default=2, help="of A B B A (default: 2)")
    arguments.add_argument("--json", type=Path, help="write the figures to this file, too")
    given = arguments.parse_args()
    os.sched_setaffinity(0, {0})
    upstream, first, second = free_port(), free_port(), free_port()
    application = [sys.executable, str(Path(__file__).parent / "upstream.py"), str(upstream)]
    with (
        tempfile.TemporaryDirectory() as folder,
        running(application, "0"),
        perdure(Path(folder), first, upstream, "1") as ours,
        nginx(Path(folder), second, upstream, "1") as theirs,
    ):
        for port in (upstream, first, second):
            answers(port)
        results = compare(ours, theirs, given.rounds)
    show(results)
    if given.json:
        given.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
