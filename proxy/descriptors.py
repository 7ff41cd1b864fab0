"""Open files: as many as the system lets this process have, and whom they are for."""

import resource

RESERVED = 128
"""For all else: listening sockets, Temporal, the API, files."""

ENOUGH = 1024 * 1024
"""Linux's own bound (`fs.nr_open`); elsewhere the hard limit may be none."""


def claim() -> int:
    """Raise the soft limit, which is 1024 on many systems, to the hard one; the limit now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH if hard == resource.RLIM_INFINITY else min(hard, ENOUGH)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(soft, wanted)


def for_clients(descriptors: int) -> int:
    """Of so many: a third, for each client may need a connection, and may leave one parked."""
    return max(1, (descriptors - RESERVED) // 3)
