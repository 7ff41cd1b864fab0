"""The API's own health: apart from its address, to which the front door leads."""

from prometheus_client import REGISTRY
from temporalio.client import Client

from api.run_metrics import RunMetrics
from api.services import Services
from engine.client import is_there
from perdure.health import Health, Readiness, health_address
from perdure.metrics import Build, exposition


def api_health(services: Services, client: Client) -> Health:
    """Ready while store and Temporal answer."""
    REGISTRY.register(Build("api"))
    figures = RunMetrics(services.runs)

    async def look() -> Readiness:
        missing = {
            "store": await services.store.problem(),
            "temporal": "" if await is_there(client) else "Temporal does not answer.",
        }
        return Readiness({name: problem for name, problem in missing.items() if problem})

    async def metrics() -> bytes:
        await figures.look()
        return await exposition()

    settings = services.settings
    health = Health(
        settings.data.api_health_socket,
        address=health_address(settings, "api"),
        look=look,
        metrics=metrics,
    )
    health.started = True
    return health
