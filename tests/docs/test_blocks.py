"""What README and documentation show is what happens."""

from pathlib import Path

import pytest

from tests.docs.desk import Desk
from tests.docs.page import ROOT, blocks, user_pages
from tests.docs.transcript import Step, steps
from tests.e2e.installation import Installation

EXECUTED = [
    page
    for page in user_pages()
    if any(block.language and block.why_not_executed is None for block in blocks(page))
]

NOT_EXECUTED = {
    "docs/concepts/proxy.md": ["it serves until it is stopped"],
    "docs/installation.md": [
        "it installs packages from an index",
        "it serves until it is stopped",
        "it is for a second server",
    ],
    "docs/performance.md": [
        "it takes minutes, and needs nginx and wrk",
        "it computes for half a minute",
        "it takes minutes, and makes a Docker engine of its own",
        "it takes half an hour, and starts servers of its own",
        "it takes a minute, and starts servers of its own",
    ],
    "docs/postgresql.md": [
        "it needs a PostgreSQL server",
        "it needs the server of above",
        "it needs the server of above",
        "there is one version so far",
    ],
}
"""Blocks that no test executes: the page, and the reason that it gives."""


@pytest.mark.parametrize("page", EXECUTED, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_does_what_it_shows(page: Path, running: Installation, tmp_path: Path) -> None:
    desk = Desk(running, tmp_path)
    try:
        for block in blocks(page):
            desk.follow(block)
    finally:
        clear(running)


def clear(running: Installation) -> None:
    """Stop what a page has left."""
    with running.client() as client:
        for run in client.get("/api/v1/projects/main/runs").json():
            running.perdure("stop", "-x", "-y", run["name"])


def test_what_is_not_executed_is_known_with_its_reason() -> None:
    found: dict[str, list[str]] = {}
    for page in user_pages():
        reasons = [block.why_not_executed for block in blocks(page)]
        given = [reason for reason in reasons if reason is not None]
        if given:
            found[str(page.relative_to(ROOT))] = given
    assert found == NOT_EXECUTED


def test_each_block_names_its_language() -> None:
    nameless = [str(block) for page in user_pages() for block in blocks(page) if not block.language]
    assert not nameless


def test_three_dots_stand_for_any_text_and_any_lines() -> None:
    (step,) = steps("$ perdure ps\nNAME ... STATUS\n...\nhello ...\n")
    assert step.explains("NAME  BACKEND  STATUS\nother\nhello running\n")
    assert step.explains("NAME  STATUS\nhello  running\n") is False
    assert not step.explains("NAME  BACKEND  STATUS\n")
    assert not Step("true").explains("a word\n")
