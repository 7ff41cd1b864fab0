"""What a worker needs to do its work, and whether it has it."""

from temporalio.client import Client

from backends.base import Backend
from backends.local import HOST
from engine.client import is_there
from perdure.errors import PerdureError
from perdure.health import Readiness
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
        missing = {
            "store": await store.problem(),
            "temporal": "" if await is_there(client) else "Temporal does not answer.",
            "runtime": await _runtime_problem(backend),
        }
        return Readiness({name: problem for name, problem in missing.items() if problem})


async def _runtime_problem(backend: Backend) -> str:
    try:
        await (await backend.runtime(HOST)).machine()
    except PerdureError as error:
        return error.message
    return ""
