"""Links between pages lead somewhere."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.docs.page import ROOT, anchors, links, pages


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_no_link_is_dead(page: Path) -> None:
    dead = [link for link in links(page) if not leads_somewhere(page, link)]
    assert not dead


def test_every_page_of_the_documentation_is_in_its_table_of_contents() -> None:
    contents = ROOT / "docs" / "README.md"
    named = {(contents.parent / link).resolve() for link in links(contents)}
    listed = [page for page in pages() if ROOT / "docs" in page.parents and page != contents]
    missing = [
        page
        for page in listed
        if page.resolve() not in named and page.parent.resolve() not in named
    ]
    assert not missing


def leads_somewhere(page: Path, link: str) -> bool:
    """Addresses of other places are not asked for."""
    parts = urlsplit(link)
    if parts.scheme:
        return True
    target = page if not parts.path else page.parent / parts.path
    known = target.is_file() or (target.is_dir() and any(target.iterdir()))
    return known and (not parts.fragment or parts.fragment in anchors(target))
