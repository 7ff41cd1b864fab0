"""Staying with a run: until it is ready, then with its logs, until its end or Ctrl-C."""

from contextlib import suppress

from cli.client import Client
from cli.failure import failure_of
from cli.outcome import Outcome, outcome_of
from cli.printed_logs import follow_logs
from cli.progress import watch
from cli.report import report
from cli.stopping import stop_run, tell_end, until_end
from cli.terminal import answers, confirm, is_interactive, say
from spec.status import RunPhase
from spec.submission import Applied, RunView


def attach(client: Client, applied: Applied) -> int:
    """Stay with the run and return the exit code that its end, or the person, decides."""
    try:
        return stay(client, applied)
    except KeyboardInterrupt:
        return _leave(client, applied.name)


def stay(client: Client, applied: Applied) -> int:
    """Show the way to readiness, where the service is, and its logs until it has ended."""
    run = watch(client, applied.name, until=lambda run: is_ready(run, applied) or waits(run))
    if waits(run):
        publish(applied, yet=False)
        say(f"It starts at {run.starts_at:%Y-%m-%d %H:%M} UTC, as its schedule says.")
        return Outcome.OK
    if not run.status.is_final:
        publish(applied)
    follow_logs(client, applied.name)
    if not run.status.is_final:
        run = until_end(client, applied.name)
    if run.status is RunPhase.FAILED:
        report(failure_of(run))
    else:
        tell_end(run)
    return outcome_of(run)


def is_ready(run: RunView, applied: Applied) -> bool:
    """Whether a replica of what was applied answers, and of that life of the name."""
    same_life = not run.incarnation or run.incarnation == applied.accepted.incarnation
    return same_life and any(replica.ready for replica in run.replicas)


def waits(run: RunView) -> bool:
    """Whether it will begin by itself, when its schedule says so."""
    return run.starts_at is not None and not run.status.is_final


def publish(applied: Applied, *, yet: bool = True) -> None:
    """Print where the service, and its model, answer, or will answer when it is not ready yet."""
    out = answers()
    verb = "is" if yet else "will be"
    out.print(f"Service {verb} published at:\n  {applied.url}", soft_wrap=True)
    if applied.model and applied.model_url:
        text = f"Model {applied.model} {verb} published at:\n  {applied.model_url}"
        out.print(text, soft_wrap=True)


def _leave(client: Client, name: str) -> int:
    with suppress(KeyboardInterrupt):
        say("")
        if is_interactive() and confirm(f"Stop the run {name}?"):
            stop_run(client, name)
            return Outcome.INTERRUPTED
    say(f"Detached: the run {name} goes on. `perdure logs -f {name}` follows it.")
    return Outcome.INTERRUPTED
