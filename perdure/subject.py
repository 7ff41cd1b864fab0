"""What a line of a log is about: a run, one of its replicas, a request."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Subject:
    """`run` is `PROJECT/NAME`, `replica` the id of its workflow; both as metrics name them.

    `request` is the id of a request to the API. Empty: none.
    """

    run: str = ""
    replica: str = ""
    request: str = ""


NOTHING = Subject()

_current: ContextVar[Subject] = ContextVar("subject", default=NOTHING)


def of_workflow(workflow: str) -> Subject:
    """What the workflow of this id is about: a run, a replica (see `spec.names`), or neither."""
    kind, *parts = workflow.split("/")
    if kind != "run" or len(parts) < 2:
        return NOTHING
    return Subject(run="/".join(parts[:2]), replica=workflow if len(parts) > 2 else "")


@contextmanager
def about(subject: Subject) -> Iterator[None]:
    """What is logged meanwhile, here and in tasks and threads that begin here, is about this."""
    token = _current.set(subject)
    try:
        yield
    finally:
        _current.reset(token)


def now_about_run(project: str, run: str) -> None:
    """The rest of this task is about a run; the request stays."""
    _current.set(replace(_current.get(), run=f"{project}/{run}"))


def of_record(record: logging.LogRecord) -> Subject:
    """What a line says itself (by `extra={"workflow": ID}`, or the SDK), else where it began."""
    workflow = getattr(record, "workflow", None) or _of_sdk(record)
    return of_workflow(workflow) if isinstance(workflow, str) else _current.get()


def _of_sdk(record: logging.LogRecord) -> object:
    for name in ("temporal_workflow", "temporal_activity"):
        details = getattr(record, name, None)
        if isinstance(details, Mapping) and "workflow_id" in details:
            return details["workflow_id"]
    fields = getattr(getattr(record, "temporal_log", None), "fields", None)
    return fields.get("workflow_id") if isinstance(fields, Mapping) else None
