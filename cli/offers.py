"""`offer`: what there is for a configuration, or for the options alone."""

import json
from pathlib import Path

from cli.client import Client
from cli.configuration import Choice, load
from cli.connection import connect
from cli.deployment import PLAN_TIME
from cli.overrides import Overrides, override
from cli.plan_view import offer_table
from cli.terminal import answers, say, show
from perdure.errors import NoCapacity
from spec.offer import OfferList, OfferQuery
from spec.service import ServiceConfiguration

ANYTHING = ServiceConfiguration(type="service", port=8000, commands=("true",))
"""A service that asks for nothing in particular, where no file is given."""


def show_offers(
    file: str | None,
    overrides: Overrides,
    *,
    project: str | None,
    max_offers: int | None,
    as_json: bool,
) -> None:
    """Print the offers, best first. Raises `NoCapacity` when there are none."""
    if file is None:
        asked = override(ANYTHING, overrides)
    else:
        asked, _ = load(Choice(file, overrides=overrides), Path.cwd())
    # The values are not needed to find a place, and stay here.
    query = OfferQuery(configuration=asked.model_copy(update={"env": {}, "registry_auth": None}))
    with Client(connect(project)) as client:
        where = client.in_project("offers")
        found = client.post(OfferList, where, query, seconds=PLAN_TIME)
    offers = found.offers[:max_offers]
    if found.more and offers == found.offers:
        say(f"note: {found.more} more offers fit; these are the best.")
    for refusal in found.refusals:
        say(f"note: {refusal.subject}: {refusal.message}")
    if as_json:
        answers().print(json.dumps([offer.model_dump(mode="json") for offer in offers], indent=2))
    elif offers:
        show(answers(), offer_table(offers, len(found.offers) + found.more, verbose=True))
    if not offers:
        raise NoCapacity("No offer fits.", hint="Ask for less, or for other backends.")
