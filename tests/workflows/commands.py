"""The commands of recorded histories, as text: what the code of then asked of Temporal, in order.

A replay compares each of them, by type, name and id, with what the code of now asks for.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.workflows.recording import raw

NAME = "commands.txt"

_COMMANDS = {
    "ACTIVITY_TASK_SCHEDULED": "deed {activityType[name]} #{activityId} on {taskQueue[name]}",
    "ACTIVITY_TASK_CANCEL_REQUESTED": "cancel the deed of event {scheduledEventId}",
    "START_CHILD_WORKFLOW_EXECUTION_INITIATED": "child {workflowType[name]} {workflowId}",
    "SIGNAL_EXTERNAL_WORKFLOW_EXECUTION_INITIATED": "signal {signalName} to {to}",
    "TIMER_STARTED": "timer {startToFireTimeout} #{timerId}",
    "TIMER_CANCELED": "cancel timer #{timerId}",
    "MARKER_RECORDED": "marker {markerName}",
    "UPSERT_WORKFLOW_SEARCH_ATTRIBUTES": "search attributes {attributes}",
    "WORKFLOW_PROPERTIES_MODIFIED": "memo {memo}",
    "WORKFLOW_EXECUTION_COMPLETED": "complete",
    "WORKFLOW_EXECUTION_FAILED": "fail",
    "WORKFLOW_EXECUTION_CONTINUED_AS_NEW": "continue as new",
}


def render(folder: Path) -> str:
    """The commands of all scenarios of a folder."""
    return "\n".join(line for file in sorted(folder.glob("*.json")) for line in _scenario(file))


def _scenario(file: Path) -> Iterator[str]:
    yield file.stem
    for key, events in raw(file).items():
        started = events[0]["workflowExecutionStartedEventAttributes"]
        yield f"    {started['workflowType']['name']} {key.split(' ', 1)[1]}"
        yield from (f"        {line}" for event in events if (line := _command(event)))
    yield ""


def _command(event: Mapping[str, Any]) -> str:
    kind = str(event["eventType"]).removeprefix("EVENT_TYPE_")
    if kind not in _COMMANDS:
        return ""
    (told,) = (value for key, value in event.items() if key.endswith("EventAttributes"))
    more = {
        "to": told.get("workflowExecution", {}).get("workflowId"),
        "memo": ", ".join(sorted(told.get("upsertedMemo", {}).get("fields", ()))),
        "attributes": ", ".join(sorted(_indexed(told))),
    }
    return _COMMANDS[kind].format(**{**more, **{k: v for k, v in told.items() if k not in more}})


def _indexed(told: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = told.get("searchAttributes", {}).get("indexedFields", {})
    return found
