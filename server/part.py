"""What the supervisor is given: long-running parts, and steps that are run once at the start."""

import hashlib
import json
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field

from perdure import __version__

Probe = Callable[[], Coroutine[None, None, bool]]

LISTENER = "{listener}"
"""Stands in a command for the descriptor of the public listening socket."""


async def at_once() -> bool:
    """The probe of a part that is ready when it runs."""
    return True


@dataclass(frozen=True)
class Step:
    """A process that is run to its end, once, when all those named by `after` are ready or done."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    after: tuple[str, ...] = ()


@dataclass(frozen=True)
class Part:
    """A process that is kept running. `grace`: seconds between SIGTERM and SIGKILL."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    after: tuple[str, ...] = ()
    probe: Probe = field(default=at_once, compare=False)
    grace: float = 5.0

    @property
    def fingerprint(self) -> str:
        """Differs when the process would be started in another way. Tells nothing of secrets."""
        ours = sorted(
            (name, value)
            for name, value in self.environment.items()
            if name.startswith(("PERDURE_", "TEMPORAL_"))
        )
        text = json.dumps([__version__, self.command, ours])
        return hashlib.sha256(text.encode()).hexdigest()[:16]
