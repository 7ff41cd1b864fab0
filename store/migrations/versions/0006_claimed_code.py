"""The code that a request to apply came with stays until the request has its answer."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("idempotency", sa.Column("code", sa.String(length=64), nullable=True))


def downgrade() -> None:
    op.drop_column("idempotency", "code")
