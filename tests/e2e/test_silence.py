"""A registry that says nothing: Docker waits for minutes, and one test does, beside all others."""

import pytest

from tests.e2e.bad_input.line import example
from tests.e2e.bad_input.lines import image as lines
from tests.e2e.bad_input.unpulled import has_failed
from tests.e2e.conftest import Silence
from tests.testbed.engine import Engine


@example(lines.SILENT)
@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_silent_registry_is_told_after_some_minutes(silence: Silence, engine: Engine) -> None:
    done = silence.done.result()
    has_failed(done, silence.place, engine, silence.folder, lines.SILENT, silence.registry)
