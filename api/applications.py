"""Plans and applies: from what was submitted to what Temporal is asked, once per key."""

import random
from functools import partial

from api.acceptance import Acceptance, Asked
from api.names import make_up_name
from api.services import Services
from api.submissions import (
    Stripped,
    fingerprint,
    requested_resources,
    require_secrets,
    strip,
)
from perdure.errors import InvalidInput, TooLarge
from spec.audit import Action
from spec.offer import OfferList, OfferQuery
from spec.plan import Plan, PlanOrder
from spec.run import Accepted, ApplyRequest
from spec.run_spec import RunSpec
from spec.submission import Applied, ApplyCall, PlanCall, Submission
from store.audit import Author
from store.idempotency import Claim

SPEC_LIMIT = 256 * 1024
"""Bytes of a specification: Temporal takes 2 MiB a message, and a replica's holds several."""


class Applications:
    """What a member of a project asks of its runs."""

    def __init__(self, services: Services, project: str, by: Author) -> None:
        self._services = services
        self._project = project
        self._by = by

    async def plan(self, call: PlanCall) -> Plan:
        """What applying would do. Stores nothing. Raises `InvalidInput` and its kind, `NoSpace`."""
        self._services.settings.data.require_space()
        run = _name_of(call)
        stripped = self._stripped(call, run)
        await self._require_secrets(call)
        order = PlanOrder(
            project=self._project,
            name=run,
            spec=stripped.spec,
            current=await self._services.runs.state(self._project, run),
            max_offers=call.max_offers,
        )
        return await self._services.runs.plan(order)

    async def offers(self, query: OfferQuery) -> OfferList:
        """Where such a service could run, best first. What is written counts, as in a plan."""
        configuration = query.configuration.model_copy(update={"env": {}, "registry_auth": None})
        written = {*query.requested, *requested_resources(configuration)}
        spec = RunSpec(configuration=configuration, requested=tuple(sorted(written)))
        plan = await self._services.runs.plan(
            PlanOrder(project=self._project, name=_made_up(), spec=spec)
        )
        return OfferList(
            offers=plan.offers,
            more=plan.total_offers - len(plan.offers),
            max_price=plan.max_price,
            refusals=plan.refusals,
            warnings=plan.warnings,
        )

    async def apply(self, call: ApplyCall, key: str | None) -> Applied:
        """Apply once per `key`: a repetition gets the first one's answer, whatever came between.

        Raises what `plan` raises, before anything was stored.
        """
        asked = Asked(
            action=Action.RUN_APPLY,
            run=_name_of(call),
            fingerprint=fingerprint(call.model_dump_json(), self._services.digest_key),
            submit=partial(self._submit, call),
            spec_of=partial(self._spec_of, call),
            code=call.code.sha256 if call.code else None,
        )
        return await Acceptance(self._services, self._project, self._by).once(asked, key)

    async def _submit(self, call: ApplyCall, claim: Claim) -> tuple[RunSpec, Accepted]:
        """Seal the values, and only then tell Temporal."""
        envelope, project, run = claim.request, self._project, claim.run
        stripped = self._stripped(call, run)
        await self._require_code(call)
        await self._require_secrets(call)
        await self._services.store.envelopes.put(envelope, project, run, stripped.values)
        spec = stripped.spec.model_copy(update={"sealed": envelope})
        request = ApplyRequest(spec=spec, check=call.check)
        return spec, await self._services.runs.apply(project, run, request, envelope)

    async def _spec_of(self, call: ApplyCall, claim: Claim, _: Accepted) -> RunSpec:
        spec = self._stripped(call, claim.run).spec
        return spec.model_copy(update={"sealed": claim.request})

    def _stripped(self, submission: Submission, run: str) -> Stripped:
        stripped = strip(submission, self._project, run, self._services.digest_key)
        if len(stripped.spec.model_dump_json()) > SPEC_LIMIT:
            raise TooLarge(
                "The configuration is too large for a workflow.",
                hint=f"The limit is {SPEC_LIMIT // 1024} KiB: put what is long into the code.",
            )
        return stripped

    async def _require_secrets(self, submission: Submission) -> None:
        await require_secrets(self._services.store, self._project, submission.configuration)

    async def _require_code(self, call: ApplyCall) -> None:
        if (
            call.code
            and await self._services.store.code.ask(self._project, call.code.sha256) is None
        ):
            raise InvalidInput(
                "The code of the submission is not in the store.", hint="Upload it, then apply."
            )


def _name_of(submission: Submission) -> str:
    return submission.configuration.name or _made_up()


def _made_up() -> str:
    return make_up_name(random.SystemRandom())
