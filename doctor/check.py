"""A check: one look at the world, and one judgement of what was seen."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from perdure.errors import PerdureError, sentence
from perdure.settings import Settings
from spec.finding import Diagnosis, Finding, Verdict, problem, warning

LOOK_SECONDS = 15.0
"""In which one look must come to its end: an engine that hangs must not hang us."""

Seen = TypeVar("Seen")


@dataclass(frozen=True)
class Check(Generic[Seen]):
    """`judge` is pure; `look` changes nothing, and may raise our errors.

    It is not made when one of the checks in `after` found a problem: that one says enough.
    """

    name: str
    look: Callable[[Settings], Awaitable[Seen]]
    judge: Callable[[Seen], Iterable[Finding]]
    after: tuple[str, ...] = ()

    async def examine(self, settings: Settings) -> tuple[Finding, ...]:
        """Look and judge."""
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                found = tuple(self.judge(await self.look(settings)))
        except PerdureError as error:
            found = (problem(error.message, error.hint or NO_HINT),)
        except TimeoutError:
            found = (problem("What is asked does not answer in time.", NO_HINT),)
        except OSError as error:
            found = (warning(sentence(f"It cannot be looked at: {error}"), NO_HINT),)
        return tuple(each.model_copy(update={"check": self.name}) for each in found)


NO_HINT = "See the processes' logs in the data directory."


async def diagnose(checks: Sequence[Check[Any]], settings: Settings) -> Diagnosis:
    """Make all checks, one after the other."""
    findings: list[Finding] = []
    ill: set[str] = set()
    for check in checks:
        if reasons := sorted(ill.intersection(check.after)):
            found: tuple[Finding, ...] = (_not_made(check.name, reasons),)
        else:
            found = await check.examine(settings)
        if any(each.verdict is Verdict.PROBLEM for each in found):
            ill.add(check.name)
        findings += found
    return Diagnosis.of(findings)


def _not_made(name: str, reasons: Sequence[str]) -> Finding:
    first = " and ".join(f"`{reason}`" for reason in reasons)
    return warning(f"Not looked at: {first} comes first.", "Mend that, then ask again.").model_copy(
        update={"check": name}
    )
