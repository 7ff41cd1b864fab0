"""What somebody found who looked whether all is well."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Self

from spec.public import Model


class Verdict(StrEnum):
    """What a finding means. Only a `problem` needs something to be done."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


class Finding(Model):
    """What was found by `check`, and how to mend it (`fix`, empty where nothing is wrong)."""

    check: str = ""
    verdict: Verdict
    what: str
    fix: str = ""


class Diagnosis(Model):
    """All findings, in the order in which they are best read."""

    findings: tuple[Finding, ...]

    @property
    def is_well(self) -> bool:
        """Whether there is no problem."""
        return all(each.verdict is not Verdict.PROBLEM for each in self.findings)

    @classmethod
    def of(cls, findings: Iterable[Finding]) -> Self:
        """From what was found one after the other."""
        return cls(findings=tuple(findings))


def fine(what: str) -> Finding:
    """Nothing is wrong here."""
    return Finding(verdict=Verdict.OK, what=what)


def warning(what: str, fix: str) -> Finding:
    """It works, and might not for long, or not as somebody expects."""
    return Finding(verdict=Verdict.WARNING, what=what, fix=fix)


def problem(what: str, fix: str) -> Finding:
    """Something does not work."""
    return Finding(verdict=Verdict.PROBLEM, what=what, fix=fix)
