"""The numbers of a run: how many requests it has, on how many replicas, at what cost."""

from datetime import datetime

from spec.public import Model
from spec.status import Health, ReplicaPhase, RunPhase


class ReplicaMetrics(Model):
    """A replica that lives; `price` in USD per hour, None where nobody knows it.

    `in_flight` are requests that it has now, `finished` those that it has had since the proxies
    were started. None: no proxy answers.
    """

    num: int
    status: ReplicaPhase
    ready: bool
    health: Health | None = None
    in_flight: int | None = None
    finished: int | None = None
    price: float | None = None


class RunMetrics(Model):
    """The numbers of a run at one moment.

    `requests_per_second_1m` and `_5m` are averages over the last minute and five minutes, which end
    with the last whole step of 10 s. `in_flight` are requests on a replica now, with WebSockets and
    calls of its model, `held` those that wait for one, `finished` those that a replica has had
    since the proxies were started, in all lives of the name. Each of these is None while no proxy
    answers. `proxies` have answered, `silent_proxies` should have; `note` says for people what that
    means, and is empty when nothing is missing.

    `cold_start` is how many seconds the last replica took from its start to ready, None: nobody
    knows. `cost_per_hour` in USD is what the living replicas cost now, None when the price of one
    is unknown.
    """

    project: str
    name: str
    status: RunPhase
    at: datetime
    requests_per_second_1m: float | None = None
    requests_per_second_5m: float | None = None
    in_flight: int | None = None
    held: int | None = None
    finished: int | None = None
    desired: int = 0
    ready: int = 0
    cold_start: float | None = None
    cost_per_hour: float | None = None
    replicas: tuple[ReplicaMetrics, ...] = ()
    proxies: int = 0
    silent_proxies: int = 0
    note: str = ""
