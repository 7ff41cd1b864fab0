"""Scopes: how much a token opens of what its user may do."""

import re
from collections.abc import Collection, Iterable
from typing import Annotated

from pydantic import AfterValidator

from spec.section import problem

API = "api"
_FORM = re.compile(r"api|services:[a-z][a-z0-9-]{0,49}(/[a-z][a-z0-9-]{1,40})?")


def _checked(text: str) -> str:
    if _FORM.fullmatch(text) is None:
        raise problem(
            "This is no scope.",
            hint="Write `api`, `services:PROJECT` or `services:PROJECT/RUN`.",
        )
    return text


Scope = Annotated[str, AfterValidator(_checked)]
"""`api`: all that the user may do; `services:PROJECT` or `services:PROJECT/RUN`: to call those."""

FULL: tuple[Scope, ...] = (API,)


def allow_api(scopes: Collection[Scope]) -> bool:
    """Whether a token with these may use the API."""
    return API in scopes


def canonical(scopes: Iterable[Scope]) -> tuple[Scope, ...]:
    """In order, each once; `api` covers all others."""
    each = tuple(sorted(set(scopes)))
    return FULL if allow_api(each) else each


def projects_named(scopes: Iterable[Scope]) -> tuple[str, ...]:
    """The projects of which the scopes name services."""
    return tuple(sorted({_place(scope)[0] for scope in scopes if scope != API}))


def narrowed(
    scopes: Collection[Scope], projects: Collection[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What the scopes open of a user's `projects`: some as a whole, and `PROJECT/RUN` of others."""
    if allow_api(scopes):
        return tuple(projects), ()
    places = [_place(scope) for scope in scopes]
    whole = {project for project, run in places if not run and project in projects}
    single = {
        f"{project}/{run}"
        for project, run in places
        if run and project in projects and project not in whole
    }
    return tuple(sorted(whole)), tuple(sorted(single))


def _place(scope: Scope) -> tuple[str, str]:
    project, _, run = scope.removeprefix("services:").partition("/")
    return project, run
