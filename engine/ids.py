"""Names that Temporal knows: workflow types, task queues, attributes, memos, tokens.

The ids of runs and replicas are in `spec.names`.
"""

import uuid
from enum import StrEnum

from temporalio.common import SearchAttributeKey

from perdure.search_attributes import SearchAttribute
from spec.names import run_id

PROJECT = SearchAttributeKey.for_keyword(SearchAttribute.PROJECT.value)
RUN_NAME = SearchAttributeKey.for_keyword(SearchAttribute.RUN_NAME.value)
RUN_STATUS = SearchAttributeKey.for_keyword(SearchAttribute.RUN_STATUS.value)
MODEL = SearchAttributeKey.for_keyword(SearchAttribute.MODEL.value)
SEARCH_ATTRIBUTES = (PROJECT, RUN_NAME, RUN_STATUS, MODEL)

ROUTE_MEMO = "route"
STATUS_MEMO = "status"

_TOKENS = uuid.UUID("2f1c5a1e-6a3b-5d4e-9a0c-7d2a5b8e4c11")


class Queue(StrEnum):
    """Task queues, by what their work waits for."""

    CONTROL = "control"
    CLOUD = "cloud"
    HOST = "host"
    WATCH = "watch"


class WorkflowType(StrEnum):
    """Workflows by name: only the worker imports their classes."""

    PLAN = "PlanWorkflow"
    RUN = "RunWorkflow"
    REPLICA = "ReplicaWorkflow"


class Message(StrEnum):
    """Updates, signals and queries by name."""

    APPLY = "apply"
    STOP = "stop"
    SCALE = "scale"
    WAKE = "wake"
    LEAVE = "leave"
    REPLICA_EVENT = "replica_event"
    GET_STATE = "get_state"
    GET_ROUTE = "get_route"


def plan_id(request: str) -> str:
    """The workflow id of a plan."""
    return f"plan/{request}"


def incarnation(first_execution_run_id: str) -> str:
    """One life of a run's name: constant across continue-as-new, new after a stop.

    It comes from Temporal's own first run id, so a `describe` tells which life is running. It is
    the tail, for these ids are UUIDv7: their heads are clocks.
    """
    return first_execution_run_id.rsplit("-", 1)[-1]


def token(replica: str, place: str, attempt: int) -> str:
    """The idempotency token of one attempt at one place. EC2 honours tokens per region."""
    return str(uuid.uuid5(_TOKENS, f"{replica}/{place}/{attempt}"))


def run_uuid(project: str, run: str, incarnation: str) -> str:
    """A UUID for one life of a run, as applications see it in `DSTACK_RUN_ID`."""
    return str(uuid.uuid5(_TOKENS, f"{run_id(project, run)}/{incarnation}"))
