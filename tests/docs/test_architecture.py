"""The page on the architecture speaks of this code."""

import re
import tomllib

from tests.docs.page import DOCS, ROOT

PAGE = (DOCS / "architecture.md").read_text()


def test_it_names_every_room() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    rooms = settings["tool"]["importlinter"]["root_packages"]
    drawn = re.search(r"## Rooms.*?```text\n(.*?)```", PAGE, re.DOTALL)
    assert drawn is not None
    assert set(rooms) <= set(drawn.group(1).split())


def test_each_place_that_it_names_exists() -> None:
    places = re.findall(r"`([a-z_]+/(?:[a-z_]+\.(?:py|md))?)`", PAGE)
    assert len(places) > 10
    assert [place for place in places if not (ROOT / place).exists()] == []
