"""Values that decisions are made of."""

from datetime import UTC, datetime, timedelta

from policy.transitions import applied, new_run
from spec.deeds import ReplicaStart
from spec.machine import CpuArch, Gpu, GpuVendor, RuntimeKind
from spec.offer import Offer, OfferQuery
from spec.replica import Placement, ReplicaEvent, ReplicaRecord
from spec.resources import Resources
from spec.retrial import Retrial
from spec.retry import RetryEvent
from spec.run import RunState
from spec.run_spec import RunSpec
from spec.service import ServiceConfiguration

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
SCALING = {"scaling": {"metric": "rps", "target": 10}}
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


def ranged(desired: int, *records: ReplicaRecord, **scale: object) -> RunState:
    """A run of 0 to 4 replicas that wants so many now."""
    state = applied(run(), spec(replicas="0..4", **SCALING), "u1", NOW)
    assert state.scale is not None
    changed = state.scale.model_copy(update={"desired": desired, **scale})
    return state.model_copy(update={"scale": changed, "records": records})


def retried(state: RunState, num: int = 1) -> RunState:
    """The replica of this slot failed, and is tried again in a minute."""
    retrial = Retrial(num=num, event=RetryEvent.ERROR, since=NOW, attempt=1, at=LATER)
    return state.model_copy(update={"retrials": (retrial,)})


def failed(reason: str) -> ReplicaRecord:
    """The second replica, at its end."""
    return record(1, phase="failed", reason=reason)


READY = record(0, phase="running", ready=True, address="tcp://10.0.0.1:80")
PLACE = Placement(
    backend="local", region="here", instance_type="local", resources="4xCPU, 16GB", price=0.25
)
SICK = record(
    1,
    phase="running",
    address="tcp://10.0.0.2:80",
    health="unhealthy",
    detail="The probe `GET /health` answered 503.",
)
