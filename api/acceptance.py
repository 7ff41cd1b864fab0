"""Requests that change what runs are asked to be: each is done once per key, and noted."""

import logging
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from api.run_views import applied_view
from api.services import Services
from perdure.errors import NotFound, PerdureError, Unavailable
from perdure.subject import now_about_run
from policy.decisions import refusal
from policy.repetition import is_left_over
from spec.audit import Action
from spec.deeds import DecisionBatch
from spec.run import Accepted
from spec.run_spec import RunSpec
from spec.submission import Applied
from store.audit import Author, Entry
from store.idempotency import Claim
from store.revisions import Revision

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Asked:
    """What a request asks of a run. `fingerprint` tells it from others of the same key.

    `submit` tells Temporal, by the request's id, and returns what the run was asked to be, and its
    answer. `spec_of` is what an earlier attempt, which was accepted so, asked the run to be.
    `code` is the SHA-256 (hex) of the archive that comes with it.
    """

    action: Action
    run: str
    fingerprint: str
    submit: Callable[[Claim], Awaitable[tuple[RunSpec, Accepted]]]
    spec_of: Callable[[Claim, Accepted], Awaitable[RunSpec]]
    code: str | None = None


class Acceptance:
    """Brings what the members of a project ask to their runs."""

    def __init__(self, services: Services, project: str, by: Author) -> None:
        self._services = services
        self._project = project
        self._by = by

    async def once(self, asked: Asked, key: str | None) -> Applied:
        """Do it once per `key`: a repetition gets the first one's answer, whatever came between.

        Raises what `asked.submit` raises, and `Conflict` for the key of another request.
        """
        self._services.settings.data.require_space()
        claim = await self._services.store.idempotency.claim(
            self._project,
            self._by.user,
            key or str(uuid.uuid4()),
            fingerprint=asked.fingerprint,
            run=asked.run,
            code=asked.code,
        )
        now_about_run(self._project, claim.run)
        if claim.answer is not None:
            return Applied.model_validate_json(claim.answer)
        spec, accepted = await self._accepted(asked, claim)
        try:
            return await self._noted(asked.action, claim, spec, accepted)
        except NotFound:  # a request that took so long did not keep its project: ADR 25
            await self._services.runs.stop(self._project, claim.run, abort=True)
            raise

    async def _accepted(self, asked: Asked, claim: Claim) -> tuple[RunSpec, Accepted]:
        """What the run was asked to be, and its answer: that to an earlier attempt if there is one.

        The request's id is the update's, so that Temporal knows whether there was an answer, also
        from a life that has ended since. Only of what was never accepted nothing is kept.
        """
        if not claim.is_new:
            given = await self._services.runs.answer_to(self._project, claim.run, claim.request)
            if given is not None:
                return await asked.spec_of(claim, given), given
        try:
            return await asked.submit(claim)
        except PerdureError as error:
            if not isinstance(error, Unavailable):
                await self._refused(claim, error)
            raise

    async def _noted(
        self, action: Action, claim: Claim, spec: RunSpec, accepted: Accepted
    ) -> Applied:
        """What follows an answer; done again when it was cut. The proxies know the run by then.

        Raises `NotFound` when the project was deleted meanwhile.
        """
        store, project, run = self._services.store, self._project, claim.run
        in_use = spec.model_copy(update={"sealed": accepted.sealed or spec.sealed})
        await store.revisions.append(self._revision(in_use, accepted))
        seq = await store.changes.run_started(project, run)
        await store.audit.record(self._by, Entry(action, f"{project}/{run}", project))
        await self._services.proxies_know(seq)
        if is_left_over(claim.request, accepted):
            await store.envelopes.forget([claim.request])
        model = spec.configuration.model
        name = model.name if model else None
        applied = applied_view(self._services.settings.base_url, project, accepted, name)
        await store.idempotency.answer(project, claim.request, applied.model_dump_json())
        return applied

    async def _refused(self, claim: Claim, error: PerdureError) -> None:
        """Nothing was done: the key and the sealed values are not needed. The run can say why."""
        store = self._services.store
        await store.envelopes.forget([claim.request])
        await store.idempotency.release(claim.request)
        try:
            await self._explained(claim, error)
        except PerdureError as unkept:
            log.warning("That a request was refused cannot be kept: %s", unkept.message)

    async def _explained(self, claim: Claim, error: PerdureError) -> None:
        """A name without a living run has nothing to explain."""
        store, project, run = self._services.store, self._project, claim.run
        status = await self._services.runs.status(project, run)
        if status is None or status.status.is_final:
            return
        decision = refusal(claim.request, self._by.user, error, store.now())
        life = status.incarnation
        await store.decisions.keep(
            DecisionBatch(project=project, run=run, incarnation=life, decisions=(decision,))
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
