"""What to keep, and what to do next for one machine. Pure: time comes in as seconds."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from hosts.tunnels.address import Tunnel

GRACE = 60.0
"""Seconds for which a tunnel outlives its last route: a proxy that has just been started may not
know all of its table yet, and a replica that moved has answers under way."""

LONGEST_PAUSE = 30.0
"""Seconds between two attempts at most: a machine that was restarted is back within a minute."""


@dataclass(frozen=True)
class Connect:
    """Adopt the connection that lives, else make one."""


@dataclass(frozen=True)
class Open:
    """Add this tunnel to the connection."""

    tunnel: Tunnel


@dataclass(frozen=True)
class Close:
    """Take this tunnel away from the connection."""

    tunnel: Tunnel


@dataclass(frozen=True)
class Leave:
    """End the connection: nothing wants it."""


@dataclass(frozen=True)
class Rest:
    """There is nothing to do before `until`, unless something changes."""

    until: float = math.inf


Step = Connect | Open | Close | Leave | Rest


@dataclass(frozen=True)
class View:
    """One machine: what is wanted there, and what is. `failures` were in a row, the last `at`."""

    wanted: frozenset[Tunnel]
    opened: frozenset[Tunnel] = field(default_factory=frozenset)
    connected: bool = False
    failures: int = 0
    at: float = 0.0


def decide(view: View, now: float) -> Step:
    """The next step. Each changes the view, so that repeated ones come to rest."""
    if not view.wanted:
        return Leave()
    retry = view.at + pause(view.failures)
    if now < retry:
        return Rest(retry)
    if not view.connected:
        return Connect()
    if surplus := view.opened - view.wanted:
        return Close(min(surplus))
    if missing := view.wanted - view.opened:
        return Open(min(missing))
    return Rest()


def pause(failures: int) -> float:
    """Seconds to wait after so many failures in a row: 0, 0.5, 1, 2, and so on, up to a bound."""
    return min(0.5 * 2.0 ** min(failures - 1, 10), LONGEST_PAUSE) if failures else 0.0


def kept(
    wanted_at: Mapping[Tunnel, float],
    wanted: Iterable[Tunnel] | None,
    now: float,
    grace: float = GRACE,
) -> dict[Tunnel, float]:
    """Which tunnels to keep, each with the time at which it was last wanted.

    `wanted` is None when nobody could say: then all stay, and their grace begins anew.
    """
    if wanted is None:
        return dict.fromkeys(wanted_at, now)
    recent = {tunnel: at for tunnel, at in wanted_at.items() if now - at < grace}
    return recent | dict.fromkeys(wanted, now)
