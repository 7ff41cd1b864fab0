"""`python -P -m worker`: runs workflows and activities until it is told to stop."""

import sys

from perdure.program import serve

if __name__ == "__main__":
    sys.exit(serve("worker.process", "worker"))
