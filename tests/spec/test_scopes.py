import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from spec.scopes import FULL, Scope, allow_api, canonical, narrowed, projects_named

SCOPE = TypeAdapter(Scope)
names = st.sampled_from(["main", "team", "api", "services"])
scopes = st.one_of(
    st.just("api"),
    names.map("services:{}".format),
    st.tuples(names, names).map("services:{0[0]}/{0[1]}".format),
)


@pytest.mark.parametrize("text", ["api", "services:main", "services:main/llama31", "services:a"])
def test_three_forms_are_understood(text: str) -> None:
    assert SCOPE.validate_python(text) == text


@pytest.mark.parametrize(
    "text",
    [
        *("", "API", "admin", "services", "services:", "services:*", "services:main/"),
        *("services:main/a/b", "services:Main", "services:main/*", "services:main/x", "api\n"),
        *("services:main services:team", "services:m\u00e4in"),
    ],
)
def test_nothing_else_is(text: str) -> None:
    with pytest.raises(ValidationError, match="This is no scope"):
        SCOPE.validate_python(text)


def test_api_opens_all_projects_of_the_user_as_a_whole() -> None:
    assert narrowed(FULL, ("main", "team")) == (("main", "team"), ())


def test_a_project_and_a_run_of_another_are_opened_together() -> None:
    given = ("services:main", "services:team/llm", "services:team/web")
    assert narrowed(given, ("main", "team")) == (("main",), ("team/llm", "team/web"))
    assert narrowed(given, ("main",)) == (("main",), ())
    assert projects_named(given) == ("main", "team")


@given(st.lists(scopes, min_size=1), st.sets(names))
def test_scopes_never_open_more_than_the_user_may(chosen: list[str], open_to: set[str]) -> None:
    whole, single = narrowed(canonical(chosen), open_to)
    assert set(whole) <= open_to
    assert {each.split("/")[0] for each in single} <= open_to - set(whole)
    if not allow_api(chosen):
        assert {f"services:{each}" for each in (*whole, *single)} <= set(chosen)


@given(st.lists(scopes, min_size=1))
def test_the_canonical_form_opens_the_same(chosen: list[str]) -> None:
    everywhere = ("api", "main", "services", "team")
    assert narrowed(canonical(chosen), everywhere) == narrowed(chosen, everywhere)
    assert canonical(canonical(chosen)) == canonical(chosen)
