"""The store as a whole: one object with a repository per noun."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from perdure.errors import Unavailable
from perdure.key_ring import KeyRing
from perdure.settings import Settings
from store.addresses import Addresses
from store.audit import Audit
from store.changes import Changes
from store.code import MEGABYTE, Code, FolderBlobs
from store.database import Clock, Database, utc_now
from store.decisions import Decisions
from store.envelopes import Envelopes
from store.gpus import Gpus
from store.idempotency import Idempotency
from store.installation import Installation
from store.kept_keys import KeptKeys
from store.leases import Leases
from store.load_history import LoadHistory
from store.logs import Logs
from store.master_keys import MasterKeys
from store.projects import Projects
from store.resealing import Resealing
from store.revisions import Revisions
from store.schema import require_head
from store.sealing import Seal
from store.secrets import Secrets
from store.tokens import Tokens
from store.users import Users


class Store:
    """Everything that is kept. Each call is a transaction of its own."""

    def __init__(self, database: Database, settings: Settings, ring: KeyRing) -> None:
        seal = Seal(ring)
        self.kept_keys = KeptKeys(database, seal, ring)
        self.master_keys = MasterKeys(ring, settings.data, Resealing(database, seal, ring))
        self.installation = Installation(database)
        self.users = Users(database)
        self.tokens = Tokens(database)
        self.projects = Projects(database)
        self.secrets = Secrets(database, seal)
        self.envelopes = Envelopes(database, seal)
        self.code = Code(
            database,
            FolderBlobs(settings.data.code),
            limit=settings.code_limit_mb * MEGABYTE,
            quota=settings.code_quota_mb * MEGABYTE,
        )
        self.logs = Logs(database, settings.log_quota_mb * MEGABYTE)
        self.decisions = Decisions(database, timedelta(days=settings.decision_days))
        self.load_history = LoadHistory(database, timedelta(days=settings.load_days))
        self.revisions = Revisions(database)
        self.leases = Leases(database, settings.lease)
        self.changes = Changes(database)
        self.idempotency = Idempotency(database)
        self.audit = Audit(database, timedelta(days=settings.audit_days))
        self.gpus = Gpus(database)
        self.addresses = Addresses(database)
        self.now = database.clock

    async def problem(self) -> str:
        """Why nothing can be read now; empty when all is well."""
        try:
            await self.changes.latest()
        except Unavailable as error:
            return error.message
        return ""


@asynccontextmanager
async def open_store(settings: Settings, *, clock: Clock = utc_now) -> AsyncIterator[Store]:
    """The store of these settings, for as long as the context lasts.

    Raises `CannotStart` when it was not set up, or by another version of perdure, or when the
    master key cannot be read.
    """
    ring = KeyRing(settings.master_key_path)
    database = Database(settings.store_url, clock)
    try:
        await require_head(database)
        yield Store(database, settings, ring)
    finally:
        await database.close()
