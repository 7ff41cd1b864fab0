"""The reference's normal form of a value, translated into our canonical form."""

import json
from collections.abc import Callable
from typing import Any

Form = dict[str, Any]

_EVERY_EVENT = ["no-capacity", "interruption", "error"]
_PROBE_DEFAULTS: Form = {
    "url": "/",
    "method": "get",
    "timeout": 10,
    "interval": 15,
    "ready_after": 1,
    "until_ready": False,
}


def _gpu(given: Any, value: Form) -> Form:
    """The count that nobody wrote is one, not one or more."""
    if value["count"] == {"min": 1, "max": None} and '"1.."' not in json.dumps(given):
        return value | {"count": {"min": 1, "max": 1}}
    return value


def _disk(_: Any, value: Form) -> Any:
    return value["size"]


def _port(_: Any, value: Form) -> Any:
    return value["container_port"]


def _duration(_: Any, value: Any) -> int | None:
    """Off is null."""
    return None if value == "off" or value < 0 else int(value)


def _scaling(given: Form, value: Form) -> Form:
    """Scaling up waits for nothing unless told so; the window is 60 seconds."""
    delay = value["scale_up_delay"] if "scale_up_delay" in given else 0
    return value | {"scale_up_delay": delay, "window": value["window"] or 60}


def _env(_: Any, value: Form) -> Form:
    """A variable that must still be given is null."""
    return {name: item if isinstance(item, str) else None for name, item in value.items()}


def _retry(_: Any, value: Form) -> Form:
    """All events, for an hour."""
    duration = 3600 if value["duration"] is None else value["duration"]
    return {"on_events": value["on_events"] or _EVERY_EVENT, "duration": duration}


def _probes(_: Any, value: list[Form]) -> list[Form]:
    """The defaults, which the reference fills in later."""
    return [
        {key: _PROBE_DEFAULTS.get(key) if item is None else item for key, item in probe.items()}
        for probe in value
    ]


def _groups(given: list[Form], value: list[Form]) -> list[Form]:
    return [_group(*both) for both in zip(given, value, strict=True)]


def _group(given: Form, value: Form) -> Form:
    """No GPU is no request; a list of commands is never null."""
    disk = value["resources"]["disk"]["size"]
    return value | {
        "resources": value["resources"] | {"gpu": None, "disk": disk},
        "scaling": value["scaling"] and _scaling(given["scaling"], value["scaling"]),
        "commands": value["commands"] or [],
    }


def _restriction(_: Any, value: list[Any]) -> list[Any] | None:
    """An empty list restricts nothing."""
    return value or None


_TRANSLATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "resources.gpu": _gpu,
    "resources.disk": _disk,
    "port": _port,
    "max_duration": _duration,
    "stop_duration": _duration,
    "idle_duration": _duration,
    "scaling": _scaling,
    "env": _env,
    "retry": _retry,
    "probes": _probes,
    "replicas(list)": _groups,
    "groups": _groups,
    "regions": _restriction,
}


def translated(field: str, given: Any, value: Any) -> Any:
    """What `value`, the reference's reading of `given`, is in our canonical form."""
    translation = _TRANSLATIONS.get(field)
    return value if translation is None else translation(given, value)
