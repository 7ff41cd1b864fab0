"""What replicas cost together."""

import pytest

from spec.cost import cost_per_hour
from spec.replica import ReplicaStatus
from spec.status import ReplicaPhase


def replica(price: float | None, **values: object) -> ReplicaStatus:
    told = {"num": 0, "status": "running", "deployment": 1, "backend": "local", "price": price}
    return ReplicaStatus.model_validate(told | values)


@pytest.mark.parametrize(
    ("replicas", "cost"),
    [
        ([], 0),
        ([replica(0.25), replica(1.0)], 1.25),
        ([replica(0.25), replica(None)], None),
        ([replica(0.25), replica(None, backend=None)], 0.25),
        ([replica(0.25), replica(2.0, status=ReplicaPhase.FAILED)], 0.25),
    ],
)
def test_it_is_the_sum_of_all_that_live_and_have_a_machine_or_unknown(
    replicas: list[ReplicaStatus], cost: float | None
) -> None:
    assert cost_per_hour(replicas) == cost
