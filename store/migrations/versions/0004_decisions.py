"""Decisions as they are told, each once, and how the run was then."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

NAME, LIFE = sa.String(length=200), sa.String(length=40)
INSTANT = sa.DateTime(timezone=True)
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    # Nothing was ever written to the one of before.
    op.drop_table("decisions")
    op.create_table(
        "decisions",
        sa.Column("id", SERIAL, autoincrement=True, nullable=False),
        sa.Column("project", NAME, nullable=False),
        sa.Column("run", NAME, nullable=False),
        sa.Column("incarnation", LIFE, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("rule", sa.String(length=40), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("inputs", sa.Text(), nullable=False),
        sa.Column("rejected", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_decisions"),
        sa.UniqueConstraint("project", "run", "incarnation", "number", name="uq_decisions_project"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_decisions_at", "decisions", ["at"], unique=False)
    op.create_index("ix_decisions_project", "decisions", ["project", "id"], unique=False)
    op.create_index("ix_decisions_run", "decisions", ["project", "run", "id"], unique=False)
    op.create_table(
        "statuses",
        sa.Column("project", NAME, nullable=False),
        sa.Column("run", NAME, nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("incarnation", LIFE, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("project", "run", "at", "incarnation", name="pk_statuses"),
    )
    op.create_index("ix_statuses_at", "statuses", ["at"], unique=False)


def downgrade() -> None:
    op.drop_table("statuses")
    op.drop_table("decisions")
    op.create_table(
        "decisions",
        sa.Column("id", SERIAL, autoincrement=True, nullable=False),
        sa.Column("project", NAME, nullable=False),
        sa.Column("run", NAME, nullable=False),
        sa.Column("incarnation", LIFE, nullable=False),
        sa.Column("rule", NAME, nullable=False),
        sa.Column("inputs", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("rejected", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_decisions"),
    )
    op.create_index("ix_decisions_run", "decisions", ["project", "run"], unique=False)
