"""Changes of steps: what began before one goes on with the old steps, what begins takes the new.

```python
if patched(Patch.THE_CHANGE):
    ...  # what new runs do
else:
    ...  # what runs from before have done, or would have
```
"""

from enum import StrEnum

from temporalio import workflow


class Patch(StrEnum):
    """Each change, in the order in which they came, with what it changed.

    A value stands in histories and never changes. The old steps, and with them the patch, stay for
    as long as histories without it are in tests/histories: for ever, so far.
    """

    ELASTIC = "elastic"
    """Runs follow their load, retry, update by turns, and tell why."""


def patched(patch: Patch) -> bool:
    """Whether this run takes the new steps; its history remembers."""
    return workflow.patched(patch.value)
