"""Every table of the store. A change here comes with a migration; a test compares the two."""

from datetime import UTC, datetime

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)

NAMING = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Instant(TypeDecorator[datetime]):
    """A time in UTC. SQLite forgets the zone; this puts it back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Everything is stored in UTC."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """What comes back knows its zone."""
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


# SQLite counts rows by themselves in a column of exactly this type only.
Serial = BigInteger().with_variant(Integer(), "sqlite")
Name = String(200)
Sha256 = String(64)
KeyId = String(12)

metadata = MetaData(naming_convention=NAMING)

installation = Table(
    "installation",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("created_at", Instant, nullable=False),
)

users = Table(
    "users",
    metadata,
    Column("name", Name, primary_key=True),
    Column("role", String(20), nullable=False),
    Column("created_at", Instant, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("user", Name, ForeignKey(users.c.name, ondelete="CASCADE"), nullable=False, index=True),
    Column("name", Name, nullable=False),
    Column("sha256", Sha256, nullable=False, unique=True),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=True, index=True),
    Column("scopes", Text, nullable=False, server_default="api"),
)

projects = Table(
    "projects",
    metadata,
    Column("name", Name, primary_key=True),
    Column("created_at", Instant, nullable=False),
    Column("deleted_at", Instant, nullable=True),
)

members = Table(
    "members",
    metadata,
    Column("project", Name, ForeignKey(projects.c.name, ondelete="CASCADE"), primary_key=True),
    Column("user", Name, ForeignKey(users.c.name, ondelete="CASCADE"), primary_key=True),
    Column("role", String(20), nullable=False),
)

secrets = Table(
    "secrets",
    metadata,
    Column("project", Name, ForeignKey(projects.c.name, ondelete="CASCADE"), primary_key=True),
    Column("name", Name, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("sealed_by", KeyId, nullable=False, server_default=""),
    Column("updated_at", Instant, nullable=False),
)

envelopes = Table(
    "envelopes",
    metadata,
    Column("id", String(36), primary_key=True),
    Column("project", Name, nullable=False),
    Column("run", Name, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("sealed_by", KeyId, nullable=False, server_default=""),
    Column("created_at", Instant, nullable=False),
)

kept_keys = Table(
    "kept_keys",
    metadata,
    Column("name", Name, primary_key=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("sealed_by", KeyId, nullable=False, server_default=""),
)

code = Table(
    "code",
    metadata,
    Column("project", Name, ForeignKey(projects.c.name, ondelete="CASCADE"), primary_key=True),
    Column("sha256", Sha256, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("created_at", Instant, nullable=False),
)

log_runs = Table(
    "log_runs",
    metadata,
    Column("project", Name, primary_key=True),
    Column("run", Name, primary_key=True),
    Column("last_id", BigInteger, nullable=False),
)

log_streams = Table(
    "log_streams",
    metadata,
    Column("key", String(300), primary_key=True),
    Column("project", Name, nullable=False),
    Column("run", Name, nullable=False),
    Column("incarnation", String(40), nullable=False),
    Column("replica", Integer, nullable=False),
    Column("cursor", Text, nullable=False),
    Column("entries", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("begun", LargeBinary, nullable=False),
    Index("ix_log_streams_run", "project", "run", "incarnation"),
)

log_chunks = Table(
    "log_chunks",
    metadata,
    Column("project", Name, primary_key=True),
    Column("run", Name, primary_key=True),
    Column("last_id", BigInteger, primary_key=True),
    Column("first_id", BigInteger, nullable=False),
    Column("incarnation", String(40), nullable=False),
    Column("replica", Integer, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    Column("lines", LargeBinary, nullable=False),
)

decisions = Table(
    "decisions",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("project", Name, nullable=False),
    Column("run", Name, nullable=False),
    Column("incarnation", String(40), nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("at", Instant, nullable=False, index=True),
    Column("rule", String(40), nullable=False),
    Column("outcome", Text, nullable=False),
    Column("inputs", Text, nullable=False),
    Column("rejected", Text, nullable=False),
    UniqueConstraint("project", "run", "incarnation", "number"),
    Index("ix_decisions_project", "project", "id"),
    Index("ix_decisions_run", "project", "run", "id"),
    # A number is never given twice, also after the newest were removed.
    sqlite_autoincrement=True,
)

statuses = Table(
    "statuses",
    metadata,
    Column("project", Name, primary_key=True),
    Column("run", Name, primary_key=True),
    Column("at", Instant, primary_key=True, index=True),
    Column("incarnation", String(40), primary_key=True),
    Column("status", Text, nullable=False),
)

load_history = Table(
    "load_history",
    metadata,
    Column("project", Name, primary_key=True),
    Column("run", Name, primary_key=True),
    Column("second", BigInteger, primary_key=True, autoincrement=False),
    Column("step", Integer, primary_key=True, autoincrement=False),
    Column("arrived", BigInteger, nullable=False),
    Column("busy_seconds", BigInteger, nullable=False),
    Index("ix_load_history_step", "step", "second"),
)

load_counts = Table(
    "load_counts",
    metadata,
    Column("boot", Name, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("counts", Text, nullable=False),
)

revisions = Table(
    "revisions",
    metadata,
    Column("project", Name, primary_key=True),
    Column("run", Name, primary_key=True),
    Column("incarnation", String(40), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("user", Name, nullable=False),
    Column("spec", Text, nullable=False),
    Column("at", Instant, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("boot", Name, primary_key=True),
    Column("stats", Text, nullable=False),
    Column("feed", BigInteger, nullable=False),
    Column("expires_at", Instant, nullable=False),
)

changes = Table(
    "changes",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=True),
    Column("kind", String(20), nullable=False),
    Column("subject", String(420), nullable=False),
    # A number is never given twice, also after the newest were removed.
    sqlite_autoincrement=True,
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("project", Name, primary_key=True),
    Column("user", Name, primary_key=True),
    Column("key", Name, primary_key=True),
    Column("fingerprint", Sha256, nullable=False),
    Column("request", String(36), nullable=False),
    Column("run", Name, nullable=False),
    Column("answer", Text, nullable=True),
    Column("created_at", Instant, nullable=False),
    Column("code", Sha256, nullable=True),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Serial, primary_key=True, autoincrement=True),
    Column("at", Instant, nullable=False, index=True),
    Column("user", Name, nullable=False),
    Column("token", String(36), nullable=False, server_default=""),
    Column("action", Name, nullable=False),
    Column("project", Name, nullable=True, index=True),
    Column("subject", Text, nullable=False),
    Column("outcome", String(20), nullable=False, server_default="done"),
)

gpus = Table(
    "gpus",
    metadata,
    Column("host", Name, primary_key=True),
    Column("gpu", Name, primary_key=True),
    Column("token", Name, nullable=False, index=True),
)

addresses = Table(
    "addresses",
    metadata,
    Column("network", Name, primary_key=True),
    Column("address", String(45), primary_key=True),
    Column("token", Name, nullable=True, unique=True),
    Column("turn", BigInteger, nullable=False),
    Column("released_at", Instant, nullable=True),
)
