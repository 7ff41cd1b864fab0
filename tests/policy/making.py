"""Values that decisions are made of."""

from datetime import UTC, datetime

from policy.transitions import new_run
from spec.deeds import ReplicaStart
from spec.machine import CpuArch, Gpu, GpuVendor, RuntimeKind
from spec.offer import Offer, OfferQuery
from spec.replica import ReplicaEvent, ReplicaRecord
from spec.resources import Resources
from spec.run import RunState
from spec.run_spec import RunSpec
from spec.service import ServiceConfiguration

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LIFE = "0123456789ab"


def service(**properties: object) -> ServiceConfiguration:
    """A small service."""
    given = {"type": "service", "port": 8000, "commands": ["serve"]}
    return ServiceConfiguration.model_validate(given | properties)


def spec(**properties: object) -> RunSpec:
    """A small service without secrets and code."""
    return RunSpec(configuration=service(**properties))


def run(spec: RunSpec | None = None, *, elastic: bool = True, **values: object) -> RunState:
    """A run in its first second, or one of the deployment that `record` is of."""
    state = new_run("main", "web", LIFE, NOW, elastic=elastic)
    deployment = 0 if spec is None else 1
    return state.model_copy(update={"spec": spec, "deployment": deployment, **values})


def replica_start(*, elastic: bool = True, **properties: object) -> ReplicaStart:
    """The start of the first replica of a small service."""
    return ReplicaStart(
        owner="run/main/web",
        project="main",
        run="web",
        incarnation=LIFE,
        num=0,
        deployment=1,
        spec=spec(**properties),
        elastic=elastic,
    )


def record(num: int = 0, **values: object) -> ReplicaRecord:
    """The first replica of a slot."""
    return ReplicaRecord.model_validate({"id": f"r{num}", "num": num, **values})


def event(replica: str = "r0", **values: object) -> ReplicaEvent:
    """News of a replica of this life."""
    return ReplicaEvent.model_validate({"incarnation": LIFE, "replica": replica, **values})


def query(*, requested: tuple[str, ...] = (), **properties: object) -> OfferQuery:
    """A search for places for a small service."""
    return OfferQuery(configuration=service(**properties), requested=requested)


def resources(**properties: object) -> Resources:
    """What a replica needs."""
    return Resources.model_validate(properties)


def gpu(number: int = 0, **values: object) -> Gpu:
    """An A100 of 80 GB."""
    facts = {"vendor": GpuVendor.NVIDIA, "name": "A100", "memory": 80, "compute_capability": (8, 0)}
    return Gpu.model_validate({"id": f"GPU-{number}", **facts, **values})


def offer(**values: object) -> Offer:
    """A machine of 4 CPUs, 16 GB and 200 GB of disk, for half a dollar an hour."""
    given = {
        "backend": "local",
        "region": "eu-1",
        "instance_type": "m4",
        "runtime": RuntimeKind.DOCKER,
        "cpu_arch": CpuArch.X86,
        "cpus": 4,
        "memory": 16,
        "disk": 200,
        "price": 0.5,
    }
    return Offer.model_validate(given | values)
