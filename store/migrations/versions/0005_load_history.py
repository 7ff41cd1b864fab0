"""What the proxies counted of each service, and how far they were counted."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

NAME = sa.String(length=200)


def upgrade() -> None:
    op.create_table(
        "load_history",
        sa.Column("project", NAME, nullable=False),
        sa.Column("run", NAME, nullable=False),
        sa.Column("second", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("step", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("arrived", sa.BigInteger(), nullable=False),
        sa.Column("busy_seconds", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project", "run", "second", "step", name="pk_load_history"),
    )
    op.create_index("ix_load_history_step", "load_history", ["step", "second"], unique=False)
    op.create_table(
        "load_counts",
        sa.Column("boot", NAME, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("boot", name="pk_load_counts"),
    )


def downgrade() -> None:
    op.drop_table("load_counts")
    op.drop_table("load_history")
