"""`plan`: what `apply` would do, without doing it."""

from cli.client import Client
from cli.connection import connect
from cli.deployment import Deployment, check_plan, loaded, plan_of, prepared
from cli.plan_view import show_plan
from cli.terminal import answers, say
from spec.plan import PlanAction


def print_plan(asked: Deployment, *, as_json: bool) -> None:
    """Print the plan. Raises what it refuses, after it was printed."""
    connection = connect(asked.project)
    given = loaded(asked)
    with Client(connection) as client, prepared(client, connection.project, given) as ready:
        plan = plan_of(client, ready.submission, asked.max_offers)
    if as_json:
        answers().print(plan.model_dump_json(indent=2), soft_wrap=True)
    else:
        show_plan(answers(), plan, ready.properties, verbose=asked.verbose)
    check_plan(plan)
    if plan.action is PlanAction.NOTHING and not as_json:
        say("Nothing changes.")
