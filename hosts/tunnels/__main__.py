"""`python -P -m hosts.tunnels`: keeps tunnels to other machines until it is told to stop."""

import sys

from perdure.program import serve

if __name__ == "__main__":
    sys.exit(serve("hosts.tunnels.process", "tunnels"))
