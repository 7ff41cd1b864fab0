"""Pages made from the code say what it says, and leave nothing out."""

from collections.abc import Iterator

import pytest
import typer

from cli.main import app
from perdure.settings import Settings
from policy.properties import NOT_BUILT, Treatment, treatment_of
from spec.service import ServiceConfiguration
from tests.docs import error_page
from tests.docs.configuration_page import ignored, refused
from tests.docs.generate import PAGES
from tests.docs.page import DOCS
from tests.docs.properties import PARTS, Part

(SERVICE,) = (part for part in PARTS if part.model is ServiceConfiguration)
RULED = {"backends", "image"}
"""Built properties that are refused with some values, or beside some."""


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_up_to_date(name: str) -> None:
    assert (DOCS / name).read_text() == PAGES[name](), "write it anew: make docs"


def test_every_setting_has_a_reason() -> None:
    silent = [name for name, field in Settings.model_fields.items() if not field.description]
    assert not silent


def test_every_error_has_a_meaning() -> None:
    silent = [error.__name__ for error in error_page.errors() if not error.__doc__]
    assert not silent
    page = (DOCS / "errors.md").read_text()
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
    assert told == {*(name for _, name, _ in NOT_BUILT), *RULED}


@pytest.mark.parametrize("name", SERVICE.properties)
def test_what_a_property_is_marked_with_is_what_becomes_of_it(name: str) -> None:
    _, *ways = SERVICE.properties[name]
    marked = {
        Treatment.NOT_BUILT: any(refused(SERVICE, name, written) for written in ways),
        Treatment.NO_EFFECT: all(ignored(SERVICE, name, written) for written in ways),
    }
    treatment = treatment_of(name)
    assert marked.get(treatment, True)
    assert marked[Treatment.NO_EFFECT] is (treatment is Treatment.NO_EFFECT)


def test_every_command_is_in_the_reference() -> None:
    page = (DOCS / "reference" / "cli.md").read_text()
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
