"""`/metrics` of a run: requests, replicas and cost, now."""

from fastapi import APIRouter

from api.access import MemberHere, ServicesHere
from api.document import told
from engine.absence import no_run
from perdure.errors import Forbidden, NotFound
from policy.run_metrics import run_metrics
from spec.run_metrics import RunMetrics
from store.proxies import Proxies

router = APIRouter(tags=["runs"], responses=told(Forbidden, NotFound))

MINUTE = 60
FIVE_MINUTES = 300


@router.get("/projects/{project}/runs/{name}/metrics")
async def metrics(name: str, access: MemberHere, services: ServicesHere) -> RunMetrics:
    """How many requests a run has, on how many replicas, at what cost."""
    project, store = access.project, services.store
    published = await services.runs.published(project, name)
    if published is None:
        raise no_run(project, name)
    status, route = published
    proxies = await Proxies(store.leases).stats()
    one = await store.load_history.rate(project, name, MINUTE)
    five = await store.load_history.rate(project, name, FIVE_MINUTES)
    return run_metrics(status, route, proxies, (one, five), store.now())
