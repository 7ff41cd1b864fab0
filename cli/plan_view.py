"""A plan on the terminal: what is asked, what is offered, what would change."""

from rich.console import Console
from rich.table import Table

from cli.terminal import columns, dim, show
from spec.offer import Offer
from spec.plan import FieldChange, Plan
from spec.retry import Retry
from spec.service import ServiceConfiguration
from spec.units import format_duration, format_price


def show_plan(
    console: Console, plan: Plan, properties: list[tuple[str, str]], *, verbose: bool = False
) -> None:
    """Print the plan; `verbose` adds the machine types."""
    console.print()
    show(console, _properties(properties))
    console.print()
    if plan.offers:
        show(console, offer_table(plan.offers, plan.total_offers, verbose=verbose))
        console.print(f" {offer_count(plan)}", markup=False)
        console.print()
    if plan.changes:
        console.print(f" Changes to the run {plan.name}:", markup=False)
        show(console, _changes(plan.changes))
        console.print()


def properties_of(
    project: str, file: str, configuration: ServiceConfiguration, code: str
) -> list[tuple[str, str]]:
    """What the plan's head says, as names and values."""
    asked = configuration
    rows = [
        ("Project", project),
        ("Configuration", file),
        ("Type", asked.type),
        ("Resources", str(asked.resources)),
        ("Replicas", str(asked.replicas)),
        ("Spot policy", asked.spot_policy.value),
        ("Max price", "-" if asked.max_price is None else format_price(asked.max_price)),
        ("Retry policy", describe_retry(asked.retry)),
        ("Code", code),
    ]
    if asked.max_duration is not None:
        rows.append(("Max duration", format_duration(asked.max_duration)))
    if asked.reservation is not None:
        rows.append(("Reservation", asked.reservation))
    return rows


def describe_retry(retry: Retry | None) -> str:
    """`-` when off, else the events and how long."""
    if retry is None:
        return "-"
    return f"{', '.join(retry.on_events)} for {format_duration(retry.duration)}"


def offer_table(offers: tuple[Offer, ...], total: int, *, verbose: bool = False) -> Table:
    """The offers, best first, with dots where there are more than are shown."""
    extra = ("INSTANCE",) if verbose else ()
    folding = ("REGION", "INSTANCE", "RESOURCES") if verbose else ("RESOURCES",)
    names = (" #", "BACKEND", "REGION", *extra, "RESOURCES", "SPOT", "PRICE")
    table = columns(*names, folding=(*folding, "PRICE"))
    for number, offer in enumerate(offers, start=1):
        cells = [
            f" {number}",
            offer.backend,
            offer.region if not verbose else offer.zone or offer.region,
            *((offer.instance_type,) if verbose else ()),
            offer.resources,
            "yes" if offer.spot else "no",
            format_price(offer.price) + ("" if offer.available else "  not available"),
        ]
        table.add_row(*cells)
    if total > len(offers):
        table.add_row("", dim("..."))
    return table


def offer_count(plan: Plan) -> str:
    """`Shown 2 of 12 offers, $4.50 max`."""
    dearest = "" if plan.max_price is None else f", {format_price(plan.max_price)} max"
    noun = "offer" if plan.total_offers == 1 else "offers"
    return f"Shown {len(plan.offers)} of {plan.total_offers} {noun}{dearest}"


def _properties(rows: list[tuple[str, str]]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for name, value in rows:
        table.add_row(f" {name}", value)
    return table


def _changes(changes: tuple[FieldChange, ...]) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(no_wrap=True, style="dim")
    for change in changes:
        table.add_row(f"  {change.field}", _difference(change), change.change.value)
    return table


def _difference(change: FieldChange) -> str:
    return "changed" if change.old == change.new else f"{change.old} → {change.new}"
