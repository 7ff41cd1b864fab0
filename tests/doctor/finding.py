"""What checks find, in few words."""

from collections.abc import Iterable

from doctor.check import diagnose
from doctor.checks import ALL
from perdure.settings import Settings
from spec.finding import Finding, Verdict


def problems(findings: Iterable[Finding]) -> list[str]:
    """What is wrong; each problem has a remedy."""
    found = [each for each in findings if each.verdict is Verdict.PROBLEM]
    assert all(each.fix for each in found)
    return [each.what for each in found]


def warnings(findings: Iterable[Finding]) -> list[str]:
    """What might go wrong; each warning has a remedy, too."""
    found = [each for each in findings if each.verdict is Verdict.WARNING]
    assert all(each.fix for each in found)
    return [each.what for each in found]


async def found_by(name: str, settings: Settings) -> tuple[Finding, ...]:
    """The findings of one check, made alone."""
    (check,) = (each for each in ALL if each.name == name)
    return (await diagnose([check], settings)).findings
