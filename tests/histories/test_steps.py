"""The steps of the workflows are what `steps.txt` says: who changes one is told what that means."""

import difflib
from pathlib import Path

import pytest

from tests.workflows import steps

WHAT_TO_DO = """
The steps of a workflow have changed:

{difference}

Runs began with the steps of before, may live for months, and are replayed by this code. So:
1. Where a living run can meet the change, keep the old steps for it. Name the change in
   workflows/patches.py, and write `if patched(Patch.THE_CHANGE): (new) else: (old)`.
   A new step on a path that no old history can have taken needs none; tests/histories shows them.
2. Let a scenario in tests/workflows take the new path.
3. `make histories` records it, and writes down the steps of now. Commit what it wrote.
"""

BEFORE = """
class SomeWorkflow:
    @workflow.signal(name="hello")
    def hello(self): ...

    async def run(self):
        await self._first()
        self._look()
        await uncancelled(deeds.release(order, summary="x"))

    async def _first(self):
        await workflow.wait_condition(lambda: self._done, timeout=SOON)
        await handle.signal(Other.leave, order)

    def _look(self):
        return self._order
"""


def require_same(known: str, now: str) -> None:
    if known != now:
        lines = difflib.unified_diff(
            known.splitlines(), now.splitlines(), "steps.txt", "the code", lineterm="", n=1
        )
        pytest.fail(WHAT_TO_DO.format(difference="\n".join(lines)), pytrace=False)


def test_the_steps_are_those_that_were_written_down() -> None:
    require_same(steps.FILE.read_text(), steps.render())


def rendered(folder: Path, source: str) -> str:
    (folder / "some.py").write_text(source)
    return steps.render(folder)


def test_steps_are_told_in_their_order_and_what_has_none_is_left_out(tmp_path: Path) -> None:
    assert rendered(tmp_path, BEFORE).split("\n") == [
        "SomeWorkflow",
        "    run: _first, deed release",
        "    _first: timer, signal Other.leave",
        "",
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("deeds.release", "deeds.halt"),
        (", timeout=SOON", ""),
        ("        self._look()\n", "        workflow.upsert_memo({})\n"),
        ("        await self._first()\n", ""),
        ("return self._order", "return workflow.patched('x')"),
        ("Other.leave", "Other.stay"),
    ],
)
def test_each_change_of_steps_is_told_with_what_to_do(tmp_path: Path, old: str, new: str) -> None:
    assert old in BEFORE
    before, after = rendered(tmp_path, BEFORE), rendered(tmp_path, BEFORE.replace(old, new))
    require_same(before, before)
    with pytest.raises(
        pytest.fail.Exception, match=r"(?s)have changed.*\n[-+] .*patched\(Patch.*make histories"
    ):
        require_same(before, after)
