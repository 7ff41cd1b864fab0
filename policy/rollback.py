"""Rollbacks: to which of a run's revisions one goes back."""

from collections.abc import Collection, Sequence
from typing import Protocol, TypeVar

from perdure.errors import Conflict, NotFound
from policy.diff import changes
from spec.run import RunState
from spec.run_spec import RunSpec


class Revision(Protocol):
    """What a run was asked to be, by its number in the run's life."""

    @property
    def number(self) -> int:
        """From 1 on."""
        ...

    @property
    def spec(self) -> RunSpec:
        """What was asked."""
        ...


AnyRevision = TypeVar("AnyRevision", bound=Revision)


def previous(
    revisions: Sequence[AnyRevision], state: RunState, undone: Collection[int] = ()
) -> AnyRevision:
    """Of revisions, the newest first, the last before the present one that asked for another thing.

    The present one is the newest that asked for what the run is now: one that was undone since, and
    what followed it, are not gone back to, nor are those that were `undone` before. Raises
    `Conflict` when there is none.
    """
    assert state.spec is not None
    alike = {each.number: not changes(each.spec, state.spec) for each in revisions}
    present = next((number for number, same in alike.items() if same), state.revision)
    for revision in revisions:
        number = revision.number
        if number < present and number not in undone and not alike[number]:
            return revision
    raise Conflict(
        f"The run `{state.name}` has nothing to go back to.",
        hint="It has had no other configuration. Apply the one that you want.",
    )


def numbered(revisions: Sequence[AnyRevision], run: str, number: int) -> AnyRevision:
    """The revision of that number. Raises `NotFound`, which names those that there are."""
    found = next((each for each in revisions if each.number == number), None)
    if found is not None:
        return found
    known = ", ".join(str(each.number) for each in reversed(revisions))
    raise NotFound(
        f"The run `{run}` has no revision {number} to go back to.",
        hint=f"It has {known}." if known else "",
    )
