"""What a deed remembers from one attempt to the next: the details of its heartbeats."""

from contextvars import ContextVar
from typing import TypeVar

from temporalio import activity

from spec.public import Model

Kind = TypeVar("Kind", bound=Model)


class Memory:
    """Of one attempt; empty until something is remembered."""

    def __init__(self) -> None:
        self.details: tuple[Model, ...] = ()


_MEMORY: ContextVar[Memory] = ContextVar("memory")


def opened() -> Memory:
    """The memory of the deed that begins in this context."""
    memory = Memory()
    _MEMORY.set(memory)
    return memory


def remember(value: Model) -> None:
    """Beat with this from now on, in place of what was remembered before."""
    _MEMORY.get().details = (value,)


def recalled(kind: type[Kind]) -> Kind | None:
    """What the attempt before remembered, as its last heartbeat had it; None of a first one."""
    details = activity.info().heartbeat_details
    if not details:
        return None
    remember(value := kind.model_validate(details[0]))
    return value
