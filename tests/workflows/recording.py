"""Histories of scenarios, kept in the repository so that later versions replay them."""

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowHistory

FOLDER = Path(__file__).parents[1] / "histories"

_OF_THE_MACHINE = frozenset({"identity", "workerInstanceKey"})
_NAMES = ("activityType", "workflowType", "signalName", "timerId")


class Recorder:
    """Writes one file per scenario, with the courses of events that no earlier one had."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder
        self._courses: set[tuple[str, ...]] = set()

    async def record(self, scenario: str, histories: AsyncIterator[WorkflowHistory]) -> None:
        """Keep what is new in this scenario; nothing is written when nothing is."""
        kept = []
        async for history in histories:
            events = _anonymous(json.loads(history.to_json())["events"])
            course = tuple(_step(event) for event in events)
            if course not in self._courses:
                self._courses.add(course)
                found = {"id": history.workflow_id, "events": events}
                kept.append(json.dumps(found, separators=(",", ":")))
        if kept:
            self._folder.mkdir(exist_ok=True)
            lines = ",\n".join(kept)
            (self._folder / f"{scenario}.json").write_text(f"[\n{lines}\n]\n")

    def forget(self) -> None:
        """Remove what was recorded before."""
        for file in self._folder.glob("*.json"):
            file.unlink()


def read(file: Path) -> list[WorkflowHistory]:
    """The histories of a scenario."""
    return [
        WorkflowHistory.from_json(each["id"], {"events": each["events"]})
        for each in json.loads(file.read_text())
    ]


def _anonymous(value: Any) -> Any:
    """Without what tells on which machine it was recorded."""
    if isinstance(value, list):
        return [_anonymous(each) for each in value]
    if isinstance(value, dict):
        return {key: _anonymous(each) for key, each in value.items() if key not in _OF_THE_MACHINE}
    return value


def _step(event: Mapping[str, Any]) -> str:
    """An event by its type, and by the name of what it is about."""
    named = [
        each[key]["name"] if isinstance(each[key], dict) else each[key]
        for each in event.values()
        if isinstance(each, dict)
        for key in _NAMES
        if key in each
    ]
    return " ".join([event["eventType"], *named])
