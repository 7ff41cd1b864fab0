"""The API's own health: apart from its address, to which the front door leads."""

from prometheus_client import REGISTRY

from api.run_gauges import RunGauges
from api.services import Services
from perdure.health import Health, health_address
from perdure.metrics import Build, exposition


def api_health(services: Services) -> Health:
    """Ready while store and Temporal answer."""
    REGISTRY.register(Build("api"))
    figures = RunGauges(services.runs)

    async def metrics() -> bytes:
        await figures.look()
        return await exposition()

    settings = services.settings
    health = Health(
        settings.data.api_health_socket,
        address=health_address(settings, "api"),
        look=services.look,
        metrics=metrics,
    )
    health.started = True
    return health
