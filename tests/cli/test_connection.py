"""Which server, project and token are used."""

import pytest

from cli.connection import resolve
from perdure.client_config import KnownProject, KnownProjects
from perdure.errors import ServerUnreachable, Unauthenticated

HERE = KnownProject(name="main", url="http://localhost:3000", token="here", default=True)
THERE = KnownProject(name="team", url="https://there.example/", token="there")
KNOWN = KnownProjects(projects=(HERE, THERE))
NOTHING = KnownProjects()


def seen(project: str | None, environment: dict[str, str], known: KnownProjects) -> tuple[str, ...]:
    found = resolve(project, environment, known)
    return found.project, found.url, found.token


def test_the_default_project_of_the_file_is_used() -> None:
    assert seen(None, {}, KNOWN) == ("main", "http://localhost:3000", "here")


def test_an_option_wins_over_the_environment_and_that_over_the_file() -> None:
    environment = {"PERDURE_PROJECT": "main", "DSTACK_PROJECT": "x"}
    assert seen("team", environment, KNOWN) == ("team", "https://there.example", "there")
    assert seen(None, {"PERDURE_PROJECT": "team"}, KNOWN)[2] == "there"
    assert seen(None, {"DSTACK_PROJECT": "team"}, KNOWN)[2] == "there"


def test_a_project_that_the_file_does_not_know_is_one_of_the_default_server() -> None:
    assert seen("new", {}, KNOWN) == ("new", "http://localhost:3000", "here")


def test_the_environment_alone_is_enough() -> None:
    environment = {"PERDURE_URL": "http://ci:3000/", "PERDURE_TOKEN": "t"}
    assert seen(None, environment, NOTHING) == ("main", "http://ci:3000", "t")
    environment = {"PERDURE_URL": "http://ci:3000", "DSTACK_TOKEN": "d", "DSTACK_PROJECT": "p"}
    assert seen(None, environment, NOTHING) == ("p", "http://ci:3000", "d")


def test_it_is_known_where_the_token_came_from() -> None:
    assert resolve(None, {}, KNOWN).variable == ""
    assert resolve(None, {"DSTACK_TOKEN": "d"}, KNOWN).variable == "DSTACK_TOKEN"
    both = {"PERDURE_TOKEN": "p", "DSTACK_TOKEN": "d"}
    assert resolve(None, both, KNOWN).variable == "PERDURE_TOKEN"


def test_the_files_token_goes_to_its_own_server_only() -> None:
    with pytest.raises(Unauthenticated, match="no token for http://evil"):
        resolve(None, {"PERDURE_URL": "http://evil.example"}, KNOWN)
    assert seen(None, {"PERDURE_URL": "https://there.example"}, KNOWN)[2] == "there"


def test_without_anything_no_server_is_known() -> None:
    with pytest.raises(ServerUnreachable) as told:
        resolve(None, {}, NOTHING)
    assert "perdure server" in told.value.hint
