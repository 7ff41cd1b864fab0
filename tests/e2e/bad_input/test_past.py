"""Who asks for a time that is none is told how one is written."""

from tests.e2e.bad_input.line import example
from tests.e2e.bad_input.lines import past as lines
from tests.e2e.installation import Installation


@example(lines.NO_TIME)
def test_a_time_that_is_none_is_told_with_examples(running: Installation) -> None:
    done = running.run("why", "hello", "--at", "25:00")
    lines.NO_TIME.check(done.returncode, done.stderr)
