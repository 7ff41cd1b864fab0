"""Pages of the documentation: their blocks of code, their links, their headings."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"

_FENCE = re.compile(r"^```(?P<language>\w*)$")
_REMARK = re.compile(r"^<!-- (?P<remark>.+) -->$")
_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")
_HEADING = re.compile(r"^#+ (?P<words>.+)$")
_NOT_EXECUTED = "not executed: "


@dataclass(frozen=True)
class Block:
    """Code between fences. `remark` is the HTML comment on the line before."""

    page: Path
    line: int
    language: str
    text: str
    remark: str = ""

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def why_not_executed(self) -> str | None:
        """The reason that its author gives; None for one that is executed."""
        if not self.remark.startswith(_NOT_EXECUTED):
            return None
        return self.remark.removeprefix(_NOT_EXECUTED)


def pages() -> list[Path]:
    """All pages that people read."""
    return [*user_pages(), ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]


def user_pages() -> list[Path]:
    """Those for users. The others speak of this repository, not of an installation."""
    folders = (ROOT / "docs", ROOT / "examples")
    return [ROOT / "README.md", *(page for each in folders for page in sorted(each.rglob("*.md")))]


def blocks(page: Path) -> Iterator[Block]:
    """The page's blocks, in order."""
    language, began, inside, remark = "", 0, list[str](), ""
    for number, line in enumerate(page.read_text().splitlines(), 1):
        if began and line == "```":
            yield Block(page, began, language, "".join(inside), remark)
            began, remark = 0, ""
        elif began:
            inside.append(f"{line}\n")
        elif fence := _FENCE.match(line):
            language, began, inside = fence["language"], number, []
        elif line.strip():
            comment = _REMARK.match(line)
            remark = comment["remark"] if comment else ""
    assert not began, f"{page}:{began}: the block is never closed"


def links(page: Path) -> list[str]:
    """What the page's text points at; what looks like a link in code is none."""
    return [match["target"] for match in _LINK.finditer(_prose(page))]


def anchors(page: Path) -> set[str]:
    """What a link may name after `#`, made from headings as GitHub does."""
    headings = (_HEADING.match(line) for line in _prose(page).splitlines())
    kept = (re.sub(r"[^\w\- ]", "", found["words"].lower()) for found in headings if found)
    return {words.replace(" ", "-") for words in kept}


def _prose(page: Path) -> str:
    return re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
