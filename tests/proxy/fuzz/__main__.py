"""`make fuzz`: hostile bytes for as long as told; ends with 1 at the first failure."""

import argparse
import asyncio
import secrets
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.proxy.fuzz.campaign import FLAT, Campaign, CaseFailed

EACH_SECONDS = 30


def main() -> int:
    """Run, and print seed, counts and memory."""
    parser = argparse.ArgumentParser(prog="python -m tests.proxy.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600, help="how long (600)")
    parser.add_argument("--seed", default="", help="of all cases; made up when there is none")
    parser.add_argument("--case", type=int, help="only this one, with a seed of before")
    given = parser.parse_args()
    seed = given.seed or secrets.token_hex(4)
    print(f"seed {seed}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        campaign = Campaign(Path(folder), seed, first=given.case or 0)
        cases = None if given.case is None else 1
        try:
            report = asyncio.run(campaign.run(given.seconds, cases=cases, tell=_telling()))
        except CaseFailed as failed:
            print(failed)
            return 1
    print(report)
    if cases is None and report.end - report.warm > FLAT:
        print(f"Memory grew by {(report.end - report.warm) / 2**20:.1f} MiB.")
        return 1
    return 0


def _telling() -> Callable[[str], None]:
    """Prints what it is told, not more often than each `EACH_SECONDS`."""
    spoken = time.monotonic()

    def tell(line: str) -> None:
        nonlocal spoken
        if time.monotonic() - spoken >= EACH_SECONDS:
            spoken = time.monotonic()
            print(line, flush=True)

    return tell


if __name__ == "__main__":
    sys.exit(main())
