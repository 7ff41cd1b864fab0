"""Parts of an installation that are killed, and come back."""

import asyncio
import time

from perdure.data_dir import DataDir
from tests.e2e.installation import Installation
from tests.health import answers
from tests.testbed.deadline import wait_until
from tests.testbed.kill import kill


def kill_part(place: Installation, part: str) -> float:
    """`kill -9`, and wait until all parts are ready again; the seconds that this took."""
    before, began = place.pid(part), time.monotonic()
    kill(before)
    wait_until(lambda: _is_followed(place, part, before), f"{part} runs again", 90)
    wait_until(lambda: _is_ready(place), f"{part} is ready again", 90)
    return time.monotonic() - began


def _is_followed(place: Installation, part: str, before: int) -> bool:
    try:
        return place.pid(part) != before
    except (IndexError, ValueError):  # it is just being written
        return False


def _is_ready(place: Installation) -> bool:
    return asyncio.run(answers(DataDir(place.data).server_socket, "/readyz")) == 200
