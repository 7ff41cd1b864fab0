"""`make simulate`: so many seeds, one after the other; ends with 1 at the first that fails."""

import argparse
import sys
import time

from tests.simulation.course import HOURS, Failed, simulated


def main() -> int:
    """Run, and print what each seed had."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=100, help="how many, from 1 on (100)")
    parser.add_argument("--seed", type=int, help="only this one")
    parser.add_argument("--hours", type=float, default=HOURS, help=f"of each ({HOURS:g})")
    given = parser.parse_args()
    seeds = range(1, given.seeds + 1) if given.seed is None else (given.seed,)
    began = time.monotonic()
    replicas = requests = 0
    for seed in seeds:
        try:
            report = simulated(seed, given.hours)
        except Failed as failed:
            print(failed)
            return 1
        replicas += report.replicas
        requests += report.counts.arrived
        print(
            f"seed {seed}: {report.events} events, {report.checks} checks, {report.lives} lives, "
            f"{report.replicas} replicas; {report.counts}",
            flush=True,
        )
    seconds = time.monotonic() - began
    print(
        f"{len(seeds)} seeds of {given.hours:g} h in {seconds:.0f} s: {replicas} replicas, "
        f"{requests} requests, and nothing that does not hold."
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
