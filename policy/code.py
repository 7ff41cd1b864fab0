"""Code that must be kept: a replica that starts needs it, however long ago it was applied."""

from collections.abc import Collection

from spec.run import RunState
from spec.run_status import RunStatus


def is_noted(status: RunStatus | None, revisions: Collection[int]) -> bool:
    """Whether these numbers are all revisions that the run's life has had.

    One that the run took in is missing where the API was killed before it noted it, or the store
    is an older backup. One that the run undid by itself is missing, too: nobody asked for it.
    """
    return status is not None and {*range(1, status.revision + 1)} <= {*revisions}


def code_in_use(state: RunState | None) -> frozenset[str]:
    """The SHA-256 (hex) of what the run's replicas are made of, or would be if it went back."""
    good = state and state.good
    specs = (state and state.spec, good and good.spec)
    return frozenset(spec.code.sha256 for spec in specs if spec and spec.code)
