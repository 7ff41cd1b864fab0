"""Watches: each looks at the load of one run, until another number of replicas is right for it."""

from datetime import UTC, datetime

from activities.load_board import LoadBoard
from engine import deeds
from engine.memory import recalled, remember
from policy.load import begun, found, is_quiet, taken_in
from spec.load import WatchMemory
from spec.scale import WatchOrder, WatchReport


class Watches:
    """All watches of this process, at one board."""

    def __init__(self, board: LoadBoard) -> None:
        self._board = board

    @deeds.load_watch.implemented
    async def load_watch(self, order: WatchOrder) -> WatchReport:
        """Complete only when the number changes. What was seen, the next attempt knows."""
        service = f"{order.project}/{order.run}"
        memory = recalled(WatchMemory) or begun(order, datetime.now(UTC))
        figures = None
        while True:
            figures = await self._board.next(service, figures)
            memory = taken_in(memory, figures, order)
            remember(memory)
            verdict = found(memory, figures, order)
            if verdict is not None:
                return WatchReport(
                    number=order.number,
                    at=figures.at,
                    verdict=verdict,
                    memory=memory,
                    in_flight=figures.in_flight,
                )
            if not is_quiet(memory, figures, order):
                figures = None
