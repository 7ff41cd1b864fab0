"""What is refused, by the plan and by `apply` alike."""

from perdure.errors import NotInPlace, PerdureError, PlanChanged, Refused, RunStopping
from policy.accelerator import accelerator_refusals
from policy.diff import changes
from policy.properties import not_built, without_effect
from policy.schedule import unreadable
from spec.offer import Refusal
from spec.placement import BackendName
from spec.plan import FieldChange
from spec.run import ApplyRequest, RunState
from spec.scale import ScaleRequest
from spec.service import ServiceConfiguration

BUILT_BACKENDS = (BackendName.LOCAL,)
"""Those that this version has; a configuration may name others, and is told."""

NEW = "new"

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
        for name in not_built(asked)
    ]
    if asked.replicas.max > MOST_REPLICAS:
        found.append(
            Refusal(
                subject="replicas",
                message=f"`replicas: {asked.replicas}` is more than a run may have.",
                hint=f"The most are {MOST_REPLICAS}.",
            )
        )
    if asked.schedule is not None:
        found += [
            Refusal(
                subject="schedule",
                message=f"`{each}` names no time.",
                hint="Write minute, hour, day, month and day of the week: `0 8 * * mon-fri`.",
            )
            for each in unreadable(asked.schedule)
        ]
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
    absent = [name for name in asked.backends or () if name not in BUILT_BACKENDS]
    if absent and len(absent) < len(asked.backends or ()):
        found.append(f"{_listed(absent)} not supported yet, and left out.")
    return (*found, *(f"`{name}` has no effect." for name in without_effect(asked)))


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
    return None if state.elastic else _not_in_place(state.name, differences)


def scale_refusal(
    state: RunState, request: ScaleRequest, *, closing: bool = False
) -> PerdureError | None:
    """Why the number of replicas cannot be set so on this run now, or None."""
    if state.stop is not None or closing or state.spec is None:
        return RunStopping("The run is stopping.", hint="Apply again when it has ended.")
    if not state.elastic:
        return NotInPlace(
            f"The run `{state.name}` was started by an older version, which did not scale.",
            hint=f"Stop it and apply again: `perdure stop {state.name}`.",
        )
    count = request.replicas or 0
    most = 1 if state.exclusive else MOST_REPLICAS
    if count <= most:
        return None
    room = "each would need the same port of this machine"
    why = room if state.exclusive else "a run may have no more"
    return Refused(f"Too many replicas, {count}: {why}.", hint=f"The most are {most}.")


def _not_in_place(name: str, differences: tuple[FieldChange, ...]) -> PerdureError | None:
    """Of runs from before replicas came by turns, only their number can be changed."""
    needing = [each.field for each in differences if each.field != "replicas"]
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
