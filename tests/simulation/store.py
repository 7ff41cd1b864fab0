"""What a simulated world keeps of decisions."""

from spec.decision import Decision
from tests.simulation.violation import ensure


class Store:
    """By the life of the run: what is told again has to be the same."""

    def __init__(self) -> None:
        self._kept: dict[str, list[Decision]] = {}

    def keep(self, incarnation: str, decisions: tuple[Decision, ...]) -> None:
        """Those that are new, after those that there are."""
        known = self._kept.setdefault(incarnation, [])
        for decision in decisions:
            if decision.number <= len(known):
                ensure(
                    known[decision.number - 1] == decision,
                    "a decision that is told again is the same",
                    decision,
                )
                continue
            ensure(
                decision.number == len(known) + 1,
                "the numbers of decisions have no gap",
                f"{decision.number} after {len(known)}",
            )
            known.append(decision)

    def count(self, incarnation: str) -> int:
        """How many there are."""
        return len(self._kept.get(incarnation, ()))
