"""A plan: what applying would do, by the same rules as applying itself."""

from policy.admission import NEW, apply_refusal, check_value, refusals, warnings
from policy.diff import changes
from spec.offer import OfferList, Refusal, RefusalKind
from spec.plan import FieldChange, Plan, PlanAction, PlanOrder
from spec.run import ApplyRequest, RunState


def make_plan(order: PlanOrder, found: OfferList) -> Plan:
    """The plan for `order`, with the offers that were found."""
    living = order.current if check_value(order.current) != NEW else None
    differences = changes(living.spec, order.spec) if living and living.spec else ()
    refused = list(refusals(order.spec.configuration))
    if living is not None:
        error = apply_refusal(living, ApplyRequest(spec=order.spec))
        if error is not None and not refused:
            refused.append(
                Refusal(
                    kind=RefusalKind.STATE,
                    subject=order.name,
                    message=error.message,
                    hint=error.hint,
                )
            )
    if not refused and not found.offers:
        refused += found.refusals
    shown = found.offers if order.max_offers is None else found.offers[: order.max_offers]
    return Plan(
        project=order.project,
        name=order.name,
        action=_action(living, differences),
        check=check_value(order.current),
        changes=differences,
        offers=shown,
        total_offers=len(found.offers) + found.more,
        max_price=found.max_price,
        refusals=tuple(refused),
        warnings=(*warnings(order.spec.configuration), *found.warnings),
    )


def _action(living: RunState | None, differences: tuple[FieldChange, ...]) -> PlanAction:
    if living is None:
        return PlanAction.CREATE
    return PlanAction.UPDATE if differences else PlanAction.NOTHING
