"""A server that says what a test tells it to say."""

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from fastapi.responses import JSONResponse

from spec.audit import AuditEvent
from spec.backtest import (
    Backtest,
    Conditions,
    Outcome,
    RuledOutcome,
    RuleName,
    Source,
    Waits,
)
from spec.decision import Rule
from spec.machine import CpuArch, Gpu, GpuVendor, RuntimeKind
from spec.offer import Offer, OfferList
from spec.plan import Plan, PlanAction
from spec.run_metrics import ReplicaMetrics, RunMetrics
from spec.scale import ScalingSpec
from spec.scaling import ReplicaRange, Scaling, ScalingMetric
from spec.status import Health, ReplicaPhase, RunPhase
from spec.submission import DecisionView, ReplicaView, RunView

TOKEN = "the-token"
URL = "http://localhost:3000/proxy/services/main/llm/"
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


def replica(num: int = 0, **properties: Any) -> ReplicaView:
    defaults: dict[str, Any] = {
        "num": num,
        "status": ReplicaPhase.RUNNING,
        "deployment": 1,
        "backend": "local",
        "region": "local",
        "resources": "2xCPU, 8GB",
        "price": 0.0,
        "ready": True,
    }
    return ReplicaView(**(defaults | properties))


def run(status: RunPhase = RunPhase.RUNNING, *replicas: ReplicaView, **properties: Any) -> RunView:
    """A run; one that failed did so by its last failed replica."""
    failed = [r.num for r in replicas if r.status is ReplicaPhase.FAILED]
    defaults: dict[str, Any] = {
        "name": "llm",
        "project": "main",
        "status": status,
        "status_message": status.value,
        "submitted_at": LONG_AGO,
        "url": URL,
        "model_url": None,
        "replicas": replicas,
        "failed_replica": failed[-1] if failed and status is RunPhase.FAILED else None,
    }
    return RunView(**(defaults | properties))


def metrics(**properties: Any) -> RunMetrics:
    """Of a run with two replicas, of which one starts."""
    serving = ReplicaMetrics(
        num=0,
        status=ReplicaPhase.RUNNING,
        ready=True,
        health=Health.HEALTHY,
        in_flight=7,
        finished=12_345,
        price=0.22,
    )
    starting = ReplicaMetrics(
        num=1, status=ReplicaPhase.PULLING, ready=False, in_flight=0, finished=0, price=0.22
    )
    defaults: dict[str, Any] = {
        "project": "main",
        "name": "llm",
        "status": RunPhase.RUNNING,
        "at": LONG_AGO,
        "requests_per_second_1m": 12.5,
        "requests_per_second_5m": 10.0,
        "in_flight": 7,
        "held": 2,
        "finished": 12_345,
        "desired": 2,
        "ready": 1,
        "cold_start": 41.5,
        "cost_per_hour": 0.44,
        "replicas": (serving, starting),
        "proxies": 1,
    }
    return RunMetrics(**(defaults | properties))


def plan(**properties: Any) -> Plan:
    defaults: dict[str, Any] = {
        "project": "main",
        "name": "llm",
        "action": PlanAction.CREATE,
        "check": "new",
        "total_offers": 1,
    }
    return Plan(**(defaults | properties))


def an_offer(**properties: object) -> Offer:
    gpu = Gpu(id="", vendor=GpuVendor.NVIDIA, name="A5000", memory=24)
    defaults: dict[str, object] = {
        "backend": "runpod",
        "region": "CA-MTL-1",
        "instance_type": "NVIDIA RTX A5000",
        "runtime": RuntimeKind.DOCKER,
        "cpu_arch": CpuArch.X86,
        "cpus": 18,
        "memory": 100,
        "disk": 100,
        "gpus": (gpu, gpu),
        "spot": True,
        "price": 0.22,
    }
    return Offer.model_validate(defaults | properties)


def log_line(number: int, text: str, stream: str = "stdout") -> dict[str, Any]:
    return {"id": number, "at": LONG_AGO.isoformat(), "replica": 0, "stream": stream, "text": text}


def decision(number: int = 1, **properties: Any) -> DecisionView:
    defaults: dict[str, Any] = {
        "id": number,
        "project": "main",
        "run": "llm",
        "incarnation": "life1",
        "number": number,
        "at": LONG_AGO + timedelta(minutes=number),
        "rule": Rule.SCALED,
        "outcome": f"Scaled to {number} replicas.",
        "inputs": {},
        "rejected": (),
    }
    return DecisionView(**(defaults | properties))


def outcome(**properties: Any) -> Outcome:
    defaults: dict[str, Any] = {
        "replica_hours": 179.1,
        "cost": 39.4,
        "requests": 259_200,
        "waits": Waits(p99=0.4, longest=76.6, share_held=0.0119),
        "ups": 40,
        "downs": 37,
        "most_replicas": 14,
    }
    return Outcome(**(defaults | properties))


def backtest(*outcomes: RuledOutcome, **properties: Any) -> Backtest:
    scaling = Scaling(metric=ScalingMetric.RPS, target=0.35)
    asked = ScalingSpec(replicas=ReplicaRange(min=1, max=30), scaling=scaling)
    only = RuledOutcome(rule=RuleName.ASKED, asked=asked, outcome=outcome())
    defaults: dict[str, Any] = {
        "trace": Source.MEASURED,
        "seconds": 86_400,
        "requests": 259_200,
        "step": 10,
        "tick": 1,
        "conditions": Conditions(price=0.22),
        "sources": {
            "slots": Source.ASSUMED,
            "cold_start": Source.MEASURED,
            "service_time": Source.GIVEN,
            "spread": Source.ASSUMED,
            "price": Source.OFFERED,
        },
        "outcomes": outcomes or (only,),
    }
    return Backtest(**(defaults | properties))


STARTING = run(RunPhase.PROVISIONING, replica(status=ReplicaPhase.PROVISIONING, ready=False))
READY = run(RunPhase.RUNNING, replica())
DONE = run(RunPhase.DONE, replica(status=ReplicaPhase.DONE, ready=False))


@dataclass
class FakeServer:
    """What it will answer, and what it was asked.

    `states` of the run and its `metrics` come one after another, the last ones again and again.
    """

    plan: Plan = field(default_factory=plan)
    offers: OfferList = field(default_factory=OfferList)
    runs: list[RunView] = field(default_factory=list)
    states: list[RunView] = field(default_factory=list)
    logs: list[dict[str, Any]] = field(default_factory=list)
    secrets: dict[str, str] = field(default_factory=dict)
    keys: list[str] = field(default_factory=lambda: ["f" * 12])
    code: dict[str, bytes] = field(default_factory=dict)
    code_limit_mb: int = 100
    backtest: Backtest = field(default_factory=backtest)
    replayed: list[dict[str, Any]] = field(default_factory=list)
    applied: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    planned: list[dict[str, Any]] = field(default_factory=list)
    offers_asked: list[dict[str, Any]] = field(default_factory=list)
    stopped: list[tuple[str, bool]] = field(default_factory=list)
    scaled: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    rollbacks_asked: list[dict[str, str]] = field(default_factory=list)
    rolled_back: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    revision: int = 3
    refusal: tuple[int, str, str, str] | None = None
    log_queries: list[dict[str, str]] = field(default_factory=list)
    lost_answers: int = 0
    lost_uploads: int = 0
    cut_after: int | None = None
    known_runs: set[str] = field(default_factory=lambda: {"llm"})
    role: str = "user"
    roles: dict[str, str] = field(default_factory=dict)
    tokens: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    events: list[AuditEvent] = field(default_factory=list)
    audits: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    decisions: list[DecisionView] = field(default_factory=list)
    decision_queries: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    metrics: list[RunMetrics] = field(default_factory=lambda: [metrics()])
    past: RunView | None = None
    times_asked: list[str] = field(default_factory=list)
    held: threading.Event = field(default_factory=threading.Event)
    url: str = ""

    def forget(self) -> None:
        """Begin anew, at the same address."""
        self.held.set()
        vars(self).update(vars(FakeServer(url=self.url)))

    def envelope(self, status: int, code: str, message: str, hint: str = "") -> JSONResponse:
        content = {"error": {"code": code, "message": message, "hint": hint}}
        return JSONResponse(content, status_code=status)
