"""What is refused, by the plan and by `apply` alike."""

from collections.abc import Callable

from perdure.errors import NotInPlace, PerdureError, PlanChanged, Refused, RunStopping
from policy.accelerator import accelerator_refusals
from policy.diff import changes
from spec.container import WITHOUT_EFFECT
from spec.model_endpoint import TgiModel
from spec.offer import Refusal
from spec.placement import BackendName
from spec.plan import Change, FieldChange
from spec.profile import CreationPolicy, StartupOrder, StopCriteria
from spec.run import ApplyRequest, RunState
from spec.service import ServiceConfiguration
from spec.volumes import VolumeMount

BUILT_BACKENDS = (BackendName.LOCAL,)
"""Those that this version has; a configuration may name others, and is told."""

NEW = "new"

Uses = Callable[[ServiceConfiguration], bool]

NOT_BUILT: tuple[tuple[str, Uses], ...] = (
    ("groups", lambda asked: asked.groups is not None),
    ("rate_limits", lambda asked: bool(asked.rate_limits)),
    ("probes", lambda asked: bool(asked.probes)),
    ("retry", lambda asked: asked.retry is not None),
    ("gateway", lambda asked: asked.gateway not in (None, False)),
    ("https: true", lambda asked: asked.https is True),
    ("model with `format: tgi`", lambda asked: isinstance(asked.model, TgiModel)),
    ("docker: true", lambda asked: asked.docker),
    ("network volumes", lambda asked: any(isinstance(v, VolumeMount) for v in asked.volumes)),
    ("files", lambda asked: bool(asked.files)),
    ("repos", lambda asked: bool(asked.repos)),
    ("dstack: true", lambda asked: asked.dstack),
    ("priority", lambda asked: asked.priority != 0),
    ("reservation", lambda asked: asked.reservation is not None),
    ("max_duration", lambda asked: asked.max_duration is not None),
    ("creation_policy: reuse", lambda asked: asked.creation_policy is CreationPolicy.REUSE),
    ("utilization_policy", lambda asked: asked.utilization_policy is not None),
    ("startup_order", lambda asked: asked.startup_order is not StartupOrder.ANY),
    ("stop_criteria", lambda asked: asked.stop_criteria is not StopCriteria.ALL_DONE),
    ("schedule", lambda asked: asked.schedule is not None),
    ("fleets", lambda asked: asked.fleets is not None),
    ("instances", lambda asked: asked.instances is not None),
    ("backend_options", lambda asked: bool(asked.backend_options)),
)
"""Properties that are read and checked, and whose effect is not built yet."""


MOST_REPLICAS = 100
"""Of one run: its story, its route table and one step of its workflow grow with their number."""


def refusals(asked: ServiceConfiguration) -> tuple[Refusal, ...]:
    """What cannot be done with this configuration, whatever runs and whatever is offered."""
    found = [
        Refusal(
            subject=name,
            message=f"`{name}` is not supported yet.",
            hint="Remove it from the configuration to run the service without it.",
        )
        for name, uses in NOT_BUILT
        if uses(asked)
    ]
    if asked.replicas.max > MOST_REPLICAS:
        found.append(
            Refusal(
                subject="replicas",
                message=f"`replicas: {asked.replicas}` is more than a run may have.",
                hint=f"The most are {MOST_REPLICAS}.",
            )
        )
    absent = [name for name in asked.backends or () if name not in BUILT_BACKENDS]
    if absent and len(absent) == len(asked.backends or ()):
        found.append(
            Refusal(
                subject="backends",
                message=f"{_listed(absent)} not supported yet.",
                hint=f"This server has {_listed(BUILT_BACKENDS, verb=False)}.",
            )
        )
    return (*found, *accelerator_refusals(asked))


def warnings(asked: ServiceConfiguration) -> tuple[str, ...]:
    """What will be different from what the configuration says."""
    found = []
    if not asked.replicas.fixed:
        start = max(1, asked.replicas.min)
        found.append(f"Scaling is not supported yet: `replicas: {asked.replicas}` keeps {start}.")
    absent = [name for name in asked.backends or () if name not in BUILT_BACKENDS]
    if absent and len(absent) < len(asked.backends or ()):
        found.append(f"{_listed(absent)} not supported yet, and left out.")
    fields = ServiceConfiguration.model_fields
    idle = [
        name
        for name in sorted(WITHOUT_EFFECT)
        if getattr(asked, name) != fields[name].get_default()
    ]
    return (*found, *(f"`{name}` has no effect." for name in idle))


def check_value(state: RunState | None) -> str:
    """What a plan saw of the run: another value means that the run has changed since."""
    if state is None or state.spec is None or state.stop is not None:
        return NEW
    return f"{state.incarnation}.{state.revision}"


def apply_refusal(
    state: RunState, request: ApplyRequest, *, closing: bool = False
) -> PerdureError | None:
    """Why `request` is refused on this run now, or None. `closing`: all its replicas ended.

    What runs already can be asked for at any time, whatever the plan saw.
    """
    if state.stop is not None or closing:
        return RunStopping("The run is stopping: apply again when it has ended.")
    found = refusals(request.spec.configuration)
    if found:
        return Refused(" ".join(each.message for each in found), hint=found[0].hint)
    is_new = state.spec is None
    differences = () if state.spec is None else changes(state.spec, request.spec)
    if (is_new or differences) and request.check not in (None, check_value(state)):
        return PlanChanged(
            f"The run `{state.name}` has changed since the plan was made.",
            hint="Look at the plan again, or use `--force`.",
        )
    return _not_in_place(state.name, differences)


def _not_in_place(name: str, differences: tuple[FieldChange, ...]) -> PerdureError | None:
    needing = [each.field for each in differences if each.change is Change.NEEDS_STOP]
    if not needing:
        return None
    fields = ", ".join(f"`{field}`" for field in needing)
    return NotInPlace(
        f"The run `{name}` is running, and {fields} cannot be changed while it does.",
        hint=f"Stop it first: `perdure stop {name}`.",
    )


def _listed(names: tuple[BackendName, ...] | list[BackendName], *, verb: bool = True) -> str:
    listed = ", ".join(f"`{name}`" for name in names)
    if not verb:
        return f"the backend {listed}" if len(names) == 1 else f"the backends {listed}"
    return f"The backend {listed} is" if len(names) == 1 else f"The backends {listed} are"
