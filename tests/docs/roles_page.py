"""The reference of roles, from the table that the tests of the API go through."""

from tests.api.role_table import TABLE, Caller, Row
from tests.docs.table import MADE, code, table

INTRODUCTION = f"""# Who may call what

{MADE} A test calls each cell, and sees that a refused
call changes nothing, and that each change is in the audit log.

A number is the status of a refusal: 401 says nothing but that there is no valid token, 403 that
this caller may not. *user*, *manager* and *admin* are roles in the project of the path, *outsider*
is a member of another one; the *services token* belongs to a user of the project. Routes are those
of the [HTTP API](api.md). What may be called through the proxy is told under
[tokens](../concepts/people.md#tokens)."""

HEADER = ("Route", "On what", *(each.value for each in Caller))


def page() -> str:
    """The whole page."""
    rows = [(code(row.route), row.case, *(_cell(row, each) for each in Caller)) for row in TABLE]
    return f"{INTRODUCTION}\n\n{table(HEADER, rows)}\n"


def _cell(row: Row, caller: Caller) -> str:
    status = row.status(caller)
    return "yes" if status < 400 else str(status)
