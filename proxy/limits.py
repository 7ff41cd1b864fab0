"""Every bound of the data plane, with its reason."""

from dataclasses import dataclass, field

from perdure.settings import Settings


def _bound(value: float, why: str) -> float:
    bound: float = field(default=value, metadata={"why": why})
    return bound


def _setting(name: str) -> float:
    """One that is also a setting, which has its default and its reason."""
    known = Settings.model_fields[name]
    bound: float = field(
        default=known.default, metadata={"why": known.description, "setting": name}
    )
    return bound


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds unless the name says another unit. There is no limit on a request's whole time."""

    client_connections: float = _bound(
        16384, "of clients at a time; at most a third of the files that may be open"
    )
    head_seconds: float = _bound(10, "for the whole head of a request; a slow client ties us up")
    idle_seconds: float = _bound(75, "a client's connection without a request (nginx: 75)")
    silent_seconds: float = _bound(300, "a request in which no byte moves; a long prefill fits in")
    tunnel_seconds: float = _bound(3600, "a WebSocket on which no byte moves")
    connect_seconds: float = _bound(
        0.5, "to reach a replica while there is another: one that is gone is silent"
    )
    last_connect_seconds: float = _bound(
        4, "to reach the last one left: a full queue of its port lets in after 1 s or 3 s"
    )
    parked_seconds: float = _bound(3, "a kept connection to a replica; below uvicorn's own 5")
    linger_seconds: float = _bound(10, "reading on after an early answer, so that it arrives")
    grace_seconds: float = _setting("websocket_grace")
    closing_seconds: float = _bound(5, "for the answer to a close frame")
    stop_seconds: float = _bound(30, "for requests in flight when the proxy is told to stop")
    retry_seconds: float = _bound(5, "what `Retry-After` says of a service without a replica")
    held_per_service: float = _setting("held_per_service")
    held_in_all: float = _setting("held_in_all")
    held_share: float = _bound(
        0.5, "of a service's places for one client's address; those on this machine may have all"
    )
    held_seconds: float = _setting("held_seconds")
    held_bodies_bytes: float = _bound(
        256 * 1024 * 1024, "of bodies of all held requests, past 16 KiB of each"
    )
    standing_seconds: float = _bound(
        1, "until a connection for a request that was held lets others follow without a reply"
    )
    sweep_seconds: float = _bound(1, "between two looks at all these; no request has a timer")
    model_body_bytes: float = _bound(
        64 * 1024 * 1024, "of a model's request: it is read as a whole"
    )
    model_bodies_bytes: float = _bound(
        256 * 1024 * 1024, "of all these at a time, past 256 KiB of each: four of the largest"
    )
