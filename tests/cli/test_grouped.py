"""Options written down once are those of each command that has them."""

from dataclasses import dataclass, fields
from typing import Annotated

import typer
from typer.testing import CliRunner

from cli.commands.grouped import grouped
from cli.commands.request import Life, Machine
from cli.overrides import Overrides


@dataclass(frozen=True, kw_only=True)
class Size:
    width: Annotated[int, typer.Option("-w", "--width", help="How wide.")]
    color: Annotated[str, typer.Option("--color")] = "red"


def made() -> tuple[typer.Typer, list[tuple[str, Size, bool]]]:
    app, seen = typer.Typer(rich_markup_mode=None), []

    @app.command()
    @grouped
    def paint(
        *,
        name: Annotated[str, typer.Option("--name")] = "it",
        size: Size,
        twice: Annotated[bool, typer.Option("--twice")] = False,
    ) -> None:
        """Paint it."""
        seen.append((name, size, twice))

    return app, seen


def test_a_command_gets_its_group_filled() -> None:
    app, seen = made()
    assert CliRunner().invoke(app, ["-w", "3", "--twice"]).exit_code == 0
    assert (
        CliRunner().invoke(app, ["--name", "x", "--color", "blue", "--width", "4"]).exit_code == 0
    )
    assert seen == [("it", Size(width=3), True), ("x", Size(width=4, color="blue"), False)]


def test_a_field_without_a_default_is_required() -> None:
    app, seen = made()
    refused = CliRunner().invoke(app, [])
    assert (refused.exit_code, seen) == (2, [])
    assert "--width" in refused.output


def test_the_help_has_the_options_where_the_group_stands() -> None:
    app, _ = made()
    told = CliRunner().invoke(app, ["--help"]).output
    places = [told.index(option) for option in ("Paint it.", "--name", "--width", "--color")]
    assert places == sorted(places)
    assert places[-1] < told.index("--twice")


def test_the_options_of_apply_are_all_that_can_be_overridden() -> None:
    given = {"name", *Machine().overrides(), *Life().overrides()}
    assert given == {each.name for each in fields(Overrides)}
