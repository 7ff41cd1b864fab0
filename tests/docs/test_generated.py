"""Pages made from the code say what it says, and leave nothing out."""

from collections.abc import Iterator

import pytest
import typer

from cli.main import app
from perdure.settings import Settings
from policy import admission
from tests.docs import error_page
from tests.docs.configuration_page import refused
from tests.docs.generate import PAGES
from tests.docs.page import DOCS, REFERENCE
from tests.docs.properties import PARTS, Part


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_up_to_date(name: str) -> None:
    assert (DOCS / name).read_text() == PAGES[name](), "write it anew: make docs"


def test_every_setting_has_a_reason() -> None:
    silent = [name for name, field in Settings.model_fields.items() if not field.description]
    assert not silent


def test_every_error_has_a_meaning() -> None:
    silent = [error.__name__ for error in error_page.errors() if not error.__doc__]
    assert not silent
    page = (REFERENCE / "errors.md").read_text()
    assert not [error for error in error_page.errors() if f"`{error.code()}`" not in page]


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.title)
def test_every_property_is_explained(part: Part) -> None:
    assert set(part.properties) == set(part.model.model_fields)


def test_everything_that_the_plan_refuses_is_told() -> None:
    told = {
        subject
        for part in PARTS
        for name, (_, *ways) in part.properties.items()
        for written in ways
        for subject in refused(part, name, written)
    }
    assert {name for name, _ in admission.NOT_BUILT} <= told


def test_every_command_is_in_the_reference() -> None:
    page = (REFERENCE / "cli.md").read_text()
    missing = [path for path in commands() if f"## `{path}`" not in page]
    assert not missing


def commands() -> Iterator[str]:
    """Every command, as it is typed."""
    waiting = [typer.Context(typer.main.get_command(app), info_name="perdure")]
    while waiting:
        context = waiting.pop()
        yield context.command_path
        for name, command in getattr(context.command, "commands", {}).items():
            waiting.append(typer.Context(command, info_name=name, parent=context))
