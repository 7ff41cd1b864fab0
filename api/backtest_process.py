"""`python -m api.backtest_process`: one backtest, from an order on stdin to its outcomes on stdout.

A process of its own: it takes a core for seconds, and is killed when it takes too many.
"""

import sys

from pydantic import TypeAdapter

from policy.backtest import backtest
from spec.backtest import BacktestOrder, RuledOutcome

OUTCOMES = TypeAdapter(tuple[RuledOutcome, ...])


def main() -> None:
    """Carry out the order."""
    order = BacktestOrder.model_validate_json(sys.stdin.buffer.read())
    sys.stdout.buffer.write(OUTCOMES.dump_json(backtest(order)))


if __name__ == "__main__":
    main()
