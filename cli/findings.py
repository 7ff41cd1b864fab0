"""Findings as people read them: what is wrong stands out, with its remedy below it."""

import textwrap

from rich.text import Text

from cli.terminal import UNBOUNDED, answers
from spec.finding import Diagnosis, Verdict

STYLES = {Verdict.OK: "green", Verdict.WARNING: "yellow", Verdict.PROBLEM: "bold red"}
INDENT = 10


def show_findings(diagnosis: Diagnosis, *, as_json: bool) -> None:
    """Print them, and in a last line what they come to."""
    console = answers()
    if as_json:
        console.print(diagnosis.model_dump_json(indent=2), soft_wrap=True)
        return
    width = console.width if console.is_terminal else UNBOUNDED
    for each in diagnosis.findings:
        told = f"{each.check.replace('_', ' ')}: {each.what}"
        first, *rest = _lines(told, width)
        line = Text(f"{each.verdict:<{INDENT}}", style=STYLES[each.verdict])
        console.print(line + Text(first, style="default"), soft_wrap=True)
        fix = _lines(f"fix: {each.fix}", width) if each.fix else []
        for more in (*rest, *fix):
            console.print(Text(" " * INDENT + more), soft_wrap=True)
    console.print(Text(_sum(diagnosis)), soft_wrap=True)


def _lines(text: str, width: int) -> list[str]:
    return textwrap.wrap(
        text, max(width - INDENT, 20), break_long_words=False, break_on_hyphens=False
    )


def _sum(diagnosis: Diagnosis) -> str:
    verdicts = [each.verdict for each in diagnosis.findings]
    problems, warnings = verdicts.count(Verdict.PROBLEM), verdicts.count(Verdict.WARNING)
    if not problems and not warnings:
        return "All is well."
    return f"Problems: {problems}, warnings: {warnings}."
