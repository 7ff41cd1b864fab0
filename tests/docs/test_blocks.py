"""What README and documentation show is what happens."""

from pathlib import Path

import pytest

from tests.docs.desk import Desk
from tests.docs.page import ROOT, blocks, pages
from tests.docs.transcript import Step, steps
from tests.e2e.installation import Installation

STILL = {"text", "json", "yaml"}
"""Languages that need no server."""
EXECUTED = [page for page in pages() if {block.language for block in blocks(page)} - STILL]

NOT_EXECUTED: dict[str, list[str]] = {}
"""Blocks that no test executes: the page, and the reason that it gives."""


@pytest.mark.parametrize("page", EXECUTED, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_does_what_it_shows(page: Path, running: Installation, tmp_path: Path) -> None:
    desk = Desk(running, tmp_path)
    try:
        for block in blocks(page):
            desk.follow(block)
    finally:
        for run in running.runs():
            running.perdure("stop", "-x", "-y", run["name"])


def test_what_is_not_executed_is_known_with_its_reason() -> None:
    found: dict[str, list[str]] = {}
    for page in pages():
        reasons = [block.why_not_executed for block in blocks(page)]
        given = [reason for reason in reasons if reason is not None]
        if given:
            found[str(page.relative_to(ROOT))] = given
    assert found == NOT_EXECUTED


def test_each_block_names_its_language() -> None:
    nameless = [str(block) for page in pages() for block in blocks(page) if not block.language]
    assert not nameless


def test_three_dots_stand_for_any_text_and_any_lines() -> None:
    (step,) = steps("$ perdure ps\nNAME ... STATUS\n...\nhello ...\n")
    assert step.explains("NAME  BACKEND  STATUS\nother\nhello running\n")
    assert step.explains("NAME  STATUS\nhello  running\n") is False
    assert not step.explains("NAME  BACKEND  STATUS\n")
    assert not Step("true").explains("a word\n")
