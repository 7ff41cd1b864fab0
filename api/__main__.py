"""`python -P -m api`: the public API, the internal API, and the Temporal UI's sign-in."""

import sys

from perdure.program import serve

if __name__ == "__main__":
    sys.exit(serve("api.process", "api"))
