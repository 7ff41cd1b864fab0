"""Which part of the server a path belongs to. Pure."""

import re
from enum import Enum
from urllib.parse import unquote_to_bytes


class Zone(Enum):
    """Whose request it is."""

    SERVICE = "service"
    MODEL = "model"
    FRONT = "front"
    NOWHERE = "nowhere"


# Globals, since `Zone.SERVICE` is slow in Python 3.11, and asked for with every request.
SERVICE, MODEL, FRONT, NOWHERE = Zone.SERVICE, Zone.MODEL, Zone.FRONT, Zone.NOWHERE

SERVICES = b"/proxy/services/"
MODELS = b"/proxy/models/"
_AFTER = len(SERVICES)

LONGEST_ENCODED = 4096
"""Bytes of a path for the API with something encoded in it: reading it takes time from others."""

MOST_DECODINGS = 5
"""Until nothing is encoded any more."""

Place = tuple[Zone, bytes, bytes, bytes]
"""Zone, project, run (services only), and the rest: path and query as sent, from its `/`.

The rest is empty, or begins with `?`, where no slash follows the name."""


def locate(target: bytes) -> Place:
    """Split the target of a request. Nothing in it is decoded."""
    if target.startswith(SERVICES):
        at = target.find(b"?")
        path, query = (target, b"") if at < 0 else (target[:at], target[at:])
        parts = path[_AFTER:].split(b"/", 2)
        if len(parts) == 3:
            return SERVICE, parts[0], parts[1], b"/" + parts[2] + query
        if len(parts) == 2 and parts[1]:
            return SERVICE, parts[0], parts[1], query
        return NOWHERE, b"", b"", b""
    if target.startswith(MODELS):
        path, query = _cut(target)
        project, slash, rest = path[len(MODELS) :].partition(b"/")
        return MODEL, project, b"", slash + rest + query
    if target.startswith(b"/proxy/") or _is_internal(target):
        return NOWHERE, b"", b"", b""
    return FRONT, b"", b"", target


def _cut(target: bytes) -> tuple[bytes, bytes]:
    at = target.find(b"?")
    return (target, b"") if at < 0 else (target[:at], target[at:])


def _is_internal(target: bytes) -> bool:
    """Whether any reading of the path, however often decoded, lands in `/internal`.

    One that is encoded more often, or is longer, than any of the API's may land anywhere.
    """
    path = _cut(target)[0]
    if b"internal" not in path.lower() and b"%" not in path:
        return False
    if len(path) > LONGEST_ENCODED:
        return True
    for _ in range(MOST_DECODINGS):
        path, encoded = unquote_to_bytes(path), path
        if path == encoded:
            break
    else:
        return True
    kept: list[bytes] = []
    for segment in re.split(rb"[/\\]+", path.lower()):
        name = segment.partition(b";")[0].strip()
        if name == b"..":
            del kept[-1:]
        elif name not in (b"", b"."):
            kept.append(name)
        if kept[:1] == [b"internal"]:
            return True
    return False
