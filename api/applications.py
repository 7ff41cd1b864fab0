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
from perdure.errors import InvalidInput, PerdureError, TooLarge, Unavailable
from perdure.subject import now_about_run
from spec.audit import Action
from spec.offer import OfferList, OfferQuery
from spec.plan import Plan, PlanAction, PlanOrder
from spec.run import Accepted, ApplyRequest, RunSpec
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
        stripped = await self._stripped(call, run)
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
        try:
            applied = await self._apply(call, claim)
        except PerdureError as error:
            if not isinstance(error, Unavailable):
                await self._refused(claim)
            raise
        await self._services.store.idempotency.answer(claim.request, applied.model_dump_json())
        return applied

    async def _apply(self, call: ApplyCall, claim: Claim) -> Applied:
        store, project, run = self._services.store, self._project, claim.run
        await self._require_code(call)
        stripped = await self._stripped(call, run)
        accepted = None if claim.is_new else await self._accepted_before(claim)
        if accepted is None:
            spec = stripped.spec.model_copy(update={"sealed": claim.request})
            await store.envelopes.put(claim.request, project, run, stripped.values)
            request = ApplyRequest(spec=spec, check=call.check)
            accepted = await self._services.runs.apply(project, run, request, claim.request)
            await store.revisions.append(self._revision(spec, accepted))
        seq = await store.changes.run_started(project, run)
        await store.audit.record(self._by, Entry(Action.RUN_APPLY, f"{project}/{run}", project))
        await self._services.proxies_know(seq)
        action = PlanAction.CREATE if accepted.revision == 1 else PlanAction.UPDATE
        if accepted.revision > 1:
            # An update in place leaves the values of the first revision in use.
            await store.envelopes.forget([claim.request])
        model = call.configuration.model
        name = model.name if model else None
        return applied_view(self._services.settings.base_url, project, action, accepted, name)

    async def _accepted_before(self, claim: Claim) -> Accepted | None:
        """Whether the lost attempt was accepted by a life of the run that has ended since.

        A living run knows its updates by their ids, and answers by itself.
        """
        status = await self._services.runs.status(self._project, claim.run)
        if status is None or not status.status.is_final or status.submitted_at < claim.created_at:
            return None
        return Accepted(
            run=claim.run,
            incarnation=status.incarnation,
            revision=status.revision,
            replicas=status.desired,
        )

    async def _refused(self, claim: Claim) -> None:
        """Nothing was done: the key and the sealed values are not needed."""
        await self._services.store.envelopes.forget([claim.request])
        await self._services.store.idempotency.release(claim.request)

    async def _stripped(self, submission: Submission, run: str) -> Stripped:
        stripped = strip(submission, self._project, run, self._services.digest_key)
        if len(stripped.spec.model_dump_json()) > SPEC_LIMIT:
            raise TooLarge(
                "The configuration is too large for a workflow.",
                hint=f"The limit is {SPEC_LIMIT // 1024} KiB: put what is long into the code.",
            )
        await require_secrets(self._services.store, self._project, submission.configuration)
        return stripped

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
