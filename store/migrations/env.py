"""How Alembic runs here: inside the transaction of the connection that it is given."""

from alembic import context

from store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite changes a column by making the table anew.
    render_as_batch=True,
)
context.run_migrations()
