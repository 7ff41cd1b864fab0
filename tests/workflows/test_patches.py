"""Changes of steps are declared once, and each has its histories: with it, and from before it."""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from enum import StrEnum
from pathlib import Path

import workflows
from tests.workflows.later import LaterPatch
from tests.workflows.recording import files, patches_of, read
from workflows.patches import Patch

FOLDER = Path(workflows.__path__[0])
DECLARED_IN = "patches.py"
WORDS = ("workflow.patched", "deprecate_patch")


def undeclared(texts: dict[str, str]) -> list[str]:
    """Files that ask Temporal for a patch past the declaration."""
    return [
        name
        for name, text in texts.items()
        if name != DECLARED_IN and any(word in text for word in WORDS)
    ]


def unproven(patches: Iterable[StrEnum], code: str, recorded: AbstractSet[str]) -> list[str]:
    """Patches that no workflow asks for, or of which there is no history."""
    return [
        patch.name
        for patch in patches
        if f"patched(Patch.{patch.name})" not in code or patch.value not in recorded
    ]


def texts() -> dict[str, str]:
    return {file.name: file.read_text() for file in FOLDER.glob("*.py")}


def test_patches_are_asked_for_by_their_declaration() -> None:
    assert undeclared(texts()) == []
    assert undeclared({"run.py": 'if workflow.patched("x"): ...', DECLARED_IN: WORDS[0]}) == [
        "run.py"
    ]


def test_each_patch_is_used_and_has_a_recorded_history() -> None:
    recorded = {patch for file in files() for each in read(file) for patch in patches_of(each)}
    assert unproven(Patch, "\n".join(texts().values()), recorded) == []
    used = "if patched(Patch.ASK_TWICE):"
    assert unproven(LaterPatch, used, {"ask-twice"}) == []
    for code, histories in (("", {"ask-twice"}), (used, set[str]())):
        assert unproven(LaterPatch, code, histories) == ["ASK_TWICE"]
