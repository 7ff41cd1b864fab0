"""Runs as the API shows them: their status, with the addresses at which they answer."""

from policy.repetition import action_of
from spec.run import Accepted
from spec.run_status import RunStatus
from spec.submission import Applied, ReplicaView, RunView


def service_url(base_url: str, project: str, run: str) -> str:
    """Where a service answers."""
    return f"{base_url}/proxy/services/{project}/{run}/"


def model_url(base_url: str, project: str) -> str:
    """The base URL of a project's models, for OpenAI's clients."""
    return f"{base_url}/proxy/models/{project}/"


def run_view(status: RunStatus, base_url: str) -> RunView:
    """A run's line in `ps`."""
    return RunView(
        name=status.name,
        project=status.project,
        status=status.status,
        status_message=status.status_message,
        submitted_at=status.submitted_at,
        url=service_url(base_url, status.project, status.name),
        model_url=model_url(base_url, status.project) if status.model else None,
        replicas=tuple(ReplicaView.model_validate(r.model_dump()) for r in status.replicas),
        incarnation=status.incarnation,
        model=status.model,
        reason=status.reason,
        failed_replica=status.failed_replica,
        revision=status.revision,
        desired=status.desired,
        deployment=status.deployment,
        updating=status.updating,
        reverted=status.reverted,
        override=status.override,
        asleep=status.asleep,
        retrying=status.retrying,
        starts_at=status.starts_at,
    )


def applied_view(base_url: str, project: str, accepted: Accepted, model: str | None) -> Applied:
    """The answer to an apply. Where the sealed values lie is between the run and the API."""
    return Applied(
        project=project,
        name=accepted.run,
        action=action_of(accepted),
        accepted=accepted.model_copy(update={"sealed": ""}),
        url=service_url(base_url, project, accepted.run),
        model=model,
        model_url=model_url(base_url, project) if model else None,
    )
