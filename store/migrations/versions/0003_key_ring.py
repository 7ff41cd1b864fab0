"""Sealed rows say by which master key, and the key of digests is kept."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    for table in ("secrets", "envelopes"):
        op.add_column(
            table, sa.Column("sealed_by", sa.String(length=12), server_default="", nullable=False)
        )
    op.create_table(
        "kept_keys",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_by", sa.String(length=12), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_kept_keys"),
    )


def downgrade() -> None:
    op.drop_table("kept_keys")
    for table in ("envelopes", "secrets"):
        op.drop_column(table, "sealed_by")
