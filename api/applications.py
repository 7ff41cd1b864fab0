"""Plans and applies: from what was submitted to what Temporal is asked, once per key."""

import random
import uuid

from api.names import make_up_name
from api.run_views import applied_view
from api.services import Services
from api.submissions import (
    Stripped,
    fingerprint,
    requested_resources,
    require_secrets,
    strip,
)
from perdure.errors import InvalidInput, NotFound, PerdureError, TooLarge, Unavailable
from perdure.subject import now_about_run
from policy.repetition import is_left_over
from spec.audit import Action
from spec.offer import OfferList, OfferQuery
from spec.plan import Plan, PlanOrder
from spec.run import Accepted, ApplyRequest
from spec.run_spec import RunSpec
from spec.submission import Applied, ApplyCall, PlanCall, Submission
from store.audit import Author, Entry
from store.idempotency import Claim
from store.revisions import Revision

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
        self._services.settings.data.require_space()
        claim = await self._services.store.idempotency.claim(
            self._project,
            self._by.user,
            key or str(uuid.uuid4()),
            fingerprint=fingerprint(call, self._services.digest_key),
            run=_name_of(call),
        )
        now_about_run(self._project, claim.run)
        if claim.answer is not None:
            return Applied.model_validate_json(claim.answer)
        spec, accepted = await self._once(call, claim)
        try:
            return await self._noted(call, claim, spec, accepted)
        except NotFound:  # a request that took so long did not keep its project: ADR 25
            await self._services.runs.stop(self._project, claim.run, abort=True)
            raise

    async def _once(self, call: ApplyCall, claim: Claim) -> tuple[RunSpec, Accepted]:
        """What the run was asked to be, and its answer: that to an earlier attempt if there is one.

        The request's id is the update's, so that Temporal knows whether there was an answer, also
        from a life that has ended since. Only of what was never accepted nothing is kept.
        """
        if not claim.is_new:
            given = await self._services.runs.answer_to(self._project, claim.run, claim.request)
            if given is not None:
                return self._stripped(call, claim.run).spec, given
        try:
            stripped = self._stripped(call, claim.run)
            await self._require_code(call)
            await self._require_secrets(call)
            return stripped.spec, await self._submitted(call, claim, stripped)
        except PerdureError as error:
            if not isinstance(error, Unavailable):
                await self._refused(claim)
            raise

    async def _submitted(self, call: ApplyCall, claim: Claim, stripped: Stripped) -> Accepted:
        """Seal the values, and only then tell Temporal."""
        envelope, project, run = claim.request, self._project, claim.run
        await self._services.store.envelopes.put(envelope, project, run, stripped.values)
        spec = stripped.spec.model_copy(update={"sealed": envelope})
        request = ApplyRequest(spec=spec, check=call.check)
        return await self._services.runs.apply(project, run, request, envelope)

    async def _noted(
        self, call: ApplyCall, claim: Claim, spec: RunSpec, accepted: Accepted
    ) -> Applied:
        """What follows an answer; done again when it was cut. The proxies know the run by then.

        Raises `NotFound` when the project was deleted meanwhile.
        """
        store, project, run = self._services.store, self._project, claim.run
        in_use = spec.model_copy(update={"sealed": accepted.sealed or claim.request})
        await store.revisions.append(self._revision(in_use, accepted))
        seq = await store.changes.run_started(project, run)
        await store.audit.record(self._by, Entry(Action.RUN_APPLY, f"{project}/{run}", project))
        await self._services.proxies_know(seq)
        if is_left_over(claim.request, accepted):
            await store.envelopes.forget([claim.request])
        model = call.configuration.model
        name = model.name if model else None
        applied = applied_view(self._services.settings.base_url, project, accepted, name)
        await store.idempotency.answer(project, claim.request, applied.model_dump_json())
        return applied

    async def _refused(self, claim: Claim) -> None:
        """Nothing was done: the key and the sealed values are not needed."""
        await self._services.store.envelopes.forget([claim.request])
        await self._services.store.idempotency.release(claim.request)

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

    def _revision(self, spec: RunSpec, accepted: Accepted) -> Revision:
        return Revision(
            project=self._project,
            run=accepted.run,
            incarnation=accepted.incarnation,
            number=accepted.revision,
            user=self._by.user,
            spec=spec,
            at=self._services.store.now(),
        )


def _name_of(submission: Submission) -> str:
    return submission.configuration.name or _made_up()


def _made_up() -> str:
    return make_up_name(random.SystemRandom())
