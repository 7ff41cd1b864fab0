"""`make bench`: every benchmark, one after the other; figures go to `docs/performance.md`."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
BENCHMARKS = (
    ("-m", "benchmarks.startup"),
    ("benchmarks/proxy/bench.py",),
    ("-m", "benchmarks.elastic"),
    ("-m", "benchmarks.idle"),
    ("-m", "benchmarks.scaling"),
)


def main() -> int:
    """The first exit status that is not 0."""
    for arguments in BENCHMARKS:
        print(f"── python {' '.join(arguments)}", flush=True)
        done = subprocess.run([sys.executable, *arguments], cwd=ROOT, check=False)
        if done.returncode:
            return done.returncode
    return 0


if __name__ == "__main__":
    sys.exit(main())
