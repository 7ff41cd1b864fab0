"""A line of any part's log as one JSON object in our form: the merged log has no other."""

import json
import time
from collections.abc import Mapping

from perdure.logs import as_json, rfc3339
from perdure.subject import of_workflow

OURS = frozenset({"time", "level", "process", "logger", "message"})
TEMPORALS = frozenset({"time", "level", "msg"})


def entry(process: str, line: str, *, level: str = "info") -> str:
    """The line itself when it is of ours; else one around it, or around what Temporal says."""
    given = _object(line)
    if given.keys() >= OURS:
        return line
    if given.keys() >= TEMPORALS:
        return _of_temporal(process, given)
    return as_json(
        {
            "time": rfc3339(time.time()),
            "level": level,
            "process": process,
            "logger": process,
            "message": line,
        }
    )


def _of_temporal(process: str, given: Mapping[str, object]) -> str:
    """Its fields go to `details`, but for those that we have."""
    about = of_workflow(str(given.get("wf-id", "")))
    known = TEMPORALS | {"error", "component"}
    error = given.get("error")
    return as_json(
        {
            "time": given["time"],
            "level": {"warn": "warning"}.get(name := str(given["level"]).lower(), name),
            "process": process,
            "logger": given.get("component") or process,
            "message": given["msg"],
            "run": about.run,
            "replica": about.replica,
            "error": error and {"type": "temporal", "message": str(error)},
            "details": {key: value for key, value in given.items() if key not in known},
        }
    )


def _object(line: str) -> dict[str, object]:
    try:
        found = json.loads(line) if line.startswith("{") else None
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {}
