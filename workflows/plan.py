"""A plan: what would be done, or why not. Short; its worker holds the clouds' credentials."""

from temporalio import workflow

from engine import deeds
from policy.plan import make_plan
from spec.offer import OfferQuery
from spec.plan import Plan, PlanOrder


@workflow.defn
class PlanWorkflow:
    """Offers, refusals and differences, for `apply` and `offer`."""

    @workflow.run
    async def run(self, order: PlanOrder) -> Plan:
        """Search and judge."""
        spec = order.spec
        query = OfferQuery.of(spec)
        found = await deeds.search_offers(query, summary=str(spec.configuration.resources))
        return make_plan(order, found)
