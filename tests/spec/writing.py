"""Small files, written down and read."""

import json
from typing import Any

from spec.reader import read_configuration
from spec.service import ServiceConfiguration

SMALLEST: dict[str, Any] = {"type": "service", "port": 8000, "commands": ["python app.py"]}


def service(**properties: Any) -> dict[str, Any]:
    """The smallest service, with these properties in place of or besides its own."""
    return SMALLEST | properties


def read(properties: dict[str, Any]) -> ServiceConfiguration:
    """What the reader makes of a file with these properties; JSON is YAML too."""
    return read_configuration(json.dumps(properties), "service.dstack.yml")
