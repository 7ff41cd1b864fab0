"""The reference of the settings, from where they are declared."""

from enum import StrEnum
from pathlib import Path

from perdure.settings import Settings
from tests.docs.table import MADE, code, table

CLIENT = (
    ("PERDURE_URL", "The server's address; else that of the project in the client's file."),
    ("PERDURE_TOKEN", "The token; `DSTACK_TOKEN` is understood, too."),
    ("PERDURE_PROJECT", "The project; `DSTACK_PROJECT` is understood, too. `--project` wins."),
    (
        "PERDURE_CONFIG",
        "The client's file. Default: `~/.perdure/config.yml`. The first start of `perdure server` "
        "writes its project there, unless it has one of another server.",
    ),
)

INTRODUCTION = f"""# Settings

{MADE}

## The server

Each setting is an environment variable, read once when a process starts. `perdure server` also
takes `--host`, `--port` and `--data-dir`, which win. One that cannot be used stops the start with
an error that names it.

Temporal's client reads `TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`, `TEMPORAL_PROFILE` and the rest of
its own environment configuration. `perdure server` sets them for its parts and ignores yours."""

CLIENTS = """## The client

Commands other than the server's processes read these. An option wins over the environment, the
environment over the client's file."""


def page() -> str:
    """The whole page."""
    rows = [
        (code(f"PERDURE_{name.upper()}"), code(_shown(field.default)), field.description or "")
        for name, field in Settings.model_fields.items()
    ]
    parts = (
        INTRODUCTION,
        table(("Variable", "Default", "Meaning"), rows),
        CLIENTS,
        table(("Variable", "Meaning"), [(code(name), meaning) for name, meaning in CLIENT]),
    )
    return "\n\n".join(parts) + "\n"


def _shown(default: object) -> str:
    if default is None:
        return ""
    if isinstance(default, StrEnum | Path):
        return str(default)
    if isinstance(default, tuple):
        return ", ".join(map(str, default))
    return f"{default:g}" if isinstance(default, float) else str(default)
