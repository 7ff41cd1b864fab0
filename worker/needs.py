"""What a worker needs to do its work, and whether it has it."""

from functools import partial

from temporalio.client import Client

from backends.base import Backend
from backends.local import HOST
from engine import client as temporal
from perdure.errors import PerdureError
from perdure.health import Readiness, ask
from store.store import Store


class Needs:
    """Nothing is missed before `have`: then the process has not started."""

    def __init__(self) -> None:
        self._had: tuple[Store, Client, Backend] | None = None

    def have(self, store: Store, client: Client, backend: Backend) -> None:
        """Look at these from now on."""
        self._had = store, client, backend

    async def look(self) -> Readiness:
        """Ask each."""
        if self._had is None:
            return Readiness()
        store, client, backend = self._had
        return await ask(
            {
                "store": store.problem,
                "temporal": partial(temporal.problem, client),
                "runtime": partial(_runtime_problem, backend),
            }
        )


async def _runtime_problem(backend: Backend) -> str:
    try:
        await (await backend.runtime(HOST)).machine()
    except PerdureError as error:
        return error.message
    return ""
