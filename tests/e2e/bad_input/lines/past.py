"""Times of the past."""

from perdure.errors import InvalidInput
from tests.e2e.bad_input.line import Line

NO_TIME = Line(
    "a time that is none",
    "`--at` or `--since` is no time.",
    "perdure why hello --at 25:00",
    shown=(
        "error: `25:00` is no time. [invalid_input]\n"
        "hint: Write it as in `03:12`, `2026-11-29 03:12`, `2026-11-29T03:12:00+01:00` or `1h`.\n"
    ),
    ends=2,
    error=InvalidInput,
)
LINES = (NO_TIME,)
