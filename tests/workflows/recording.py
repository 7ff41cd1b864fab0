"""Histories of scenarios, kept in the repository so that later versions replay them.

Those of a release are frozen, a folder for each; those since then are in `next`.
"""

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowHistory

HISTORIES = Path(__file__).parents[1] / "histories"
NEXT = HISTORIES / "next"
"""What no release has made yet; `make histories` writes it anew."""

_OF_THE_MACHINE = frozenset({"identity", "workerInstanceKey"})
_NAMES = ("activityType", "workflowType", "signalName", "timerId")


LARGEST = 400_000
"""Characters of a history: what is large by its values has the course of a small one, too."""


class Recorder:
    """Writes one file per scenario, with the courses of events that no earlier one had."""

    def __init__(self, folder: Path = NEXT, frozen: Path = HISTORIES) -> None:
        self._folder = folder
        known = (file for file in frozen.glob("*/*.json") if file.parent != folder)
        self._courses = {course_of(events) for file in known for events in raw(file).values()}

    async def record(self, scenario: str, histories: AsyncIterator[WorkflowHistory]) -> None:
        """Keep what is new in this scenario; nothing is written when nothing is."""
        kept = []
        async for history in histories:
            events = _anonymous(json.loads(history.to_json())["events"])
            course = course_of(events)
            if course in self._courses:
                continue
            found = {"id": history.workflow_id, "events": events}
            line = json.dumps(found, separators=(",", ":"))
            if len(line) < LARGEST:
                self._courses.add(course)
                kept.append(line)
        if kept:
            self._folder.mkdir(exist_ok=True)
            lines = ",\n".join(kept)
            (self._folder / f"{scenario}.json").write_text(f"[\n{lines}\n]\n")

    def knows(self, events: list[dict[str, Any]]) -> bool:
        """Whether such a course was recorded before."""
        return course_of(events) in self._courses

    def forget(self) -> None:
        """Remove what was recorded before, and is not frozen."""
        for file in self._folder.glob("*.json"):
            file.unlink()


def files() -> list[Path]:
    """Every scenario that was ever recorded."""
    return sorted(HISTORIES.glob("*/*.json"))


def read(file: Path) -> list[WorkflowHistory]:
    """The histories of a scenario."""
    return [
        WorkflowHistory.from_json(each["id"], {"events": each["events"]})
        for each in json.loads(file.read_text())
    ]


def raw(file: Path) -> dict[str, list[dict[str, Any]]]:
    """Its events as they are written, by the id of the workflow and its number in the file."""
    return {
        f"{number} {each['id']}": each["events"]
        for number, each in enumerate(json.loads(file.read_text()))
    }


def course_of(events: list[dict[str, Any]]) -> tuple[str, ...]:
    """What happened, without values and times."""
    return tuple(_step(event) for event in events)


def patches_of(history: WorkflowHistory) -> set[str]:
    """The patches that its run has met, and so takes the new steps of."""
    return {
        json.loads(payload.data)["id"]
        for event in history.events
        for payload in event.marker_recorded_event_attributes.details["patch-data"].payloads
    }


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
