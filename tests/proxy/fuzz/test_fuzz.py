"""Short rounds out of fixed seeds; `make fuzz` makes long ones out of new seeds."""

from pathlib import Path

import pytest

from tests.proxy.fuzz.campaign import FLAT, Campaign

CASES = 450


async def test_cut_requests_get_the_same_answers_and_wrong_bytes_harm_nobody(
    tmp_path: Path,
) -> None:
    report = await Campaign(tmp_path, "perdure").run(60, cases=CASES)
    assert report.cases == CASES
    assert {"conversations", "hostile requests", "hostile replies"} <= report.counts.keys()


@pytest.mark.long
@pytest.mark.timeout(240)
async def test_a_minute_of_hostile_bytes_leaves_the_memory_flat(tmp_path: Path) -> None:
    report = await Campaign(tmp_path, "lasting").run(60)
    assert report.end - report.warm < FLAT, report
