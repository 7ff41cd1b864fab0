"""Scopes of tokens; token, project and outcome of what is audited."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

OF_PROJECTS = ("project.", "member.", "secret.", "run.")
"""Actions of before whose subject begins with a project's name."""


def upgrade() -> None:
    op.add_column("tokens", sa.Column("scopes", sa.Text(), nullable=False, server_default="api"))
    op.add_column(
        "audit", sa.Column("token", sa.String(length=36), nullable=False, server_default="")
    )
    op.add_column("audit", sa.Column("project", sa.String(length=200), nullable=True))
    op.add_column(
        "audit", sa.Column("outcome", sa.String(length=20), nullable=False, server_default="done")
    )
    op.create_index("ix_audit_at", "audit", ["at"], unique=False)
    op.create_index("ix_audit_project", "audit", ["project"], unique=False)
    _name_projects()


def _name_projects() -> None:
    columns = ("id", "action", "subject", "project")
    audit = sa.table("audit", *(sa.column(name) for name in columns))
    connection = op.get_bind()
    for event in connection.execute(sa.select(audit)).all():
        if event.action.startswith(OF_PROJECTS):
            project = event.subject.partition("/")[0]
            connection.execute(
                sa.update(audit).where(audit.c.id == event.id).values(project=project)
            )


def downgrade() -> None:
    # Without its scopes a token opens all that its user may do: narrower ones must not become that.
    tokens = sa.table("tokens", sa.column("scopes"))
    op.execute(sa.delete(tokens).where(tokens.c.scopes != "api"))
    op.drop_index("ix_audit_project", table_name="audit")
    op.drop_index("ix_audit_at", table_name="audit")
    for table, column in (
        ("audit", "outcome"),
        ("audit", "project"),
        ("audit", "token"),
        ("tokens", "scopes"),
    ):
        op.drop_column(table, column)
