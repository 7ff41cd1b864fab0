"""Small files, written down and read."""

import json
from typing import Any

import pytest

from perdure.errors import InvalidConfiguration
from spec.reader import read_configuration
from spec.service import ServiceConfiguration

SMALLEST: dict[str, Any] = {"type": "service", "port": 8000, "commands": ["python app.py"]}
SERVICE = "type: service\nport: 8000\ncommands: [serve]\n"


def service(**properties: Any) -> dict[str, Any]:
    """The smallest service, with these properties in place of or besides its own."""
    return SMALLEST | properties


def read(properties: dict[str, Any]) -> ServiceConfiguration:
    """What the reader makes of a file with these properties; JSON is YAML too."""
    return read_configuration(json.dumps(properties), "service.dstack.yml")


def refused(text: str) -> InvalidConfiguration:
    """What is wrong with a file of this text."""
    with pytest.raises(InvalidConfiguration) as caught:
        read_configuration(text, "service.dstack.yml")
    assert caught.value.file == "service.dstack.yml"
    return caught.value
