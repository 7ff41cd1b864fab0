"""Rollbacks: from a run to a revision that it had before, and back to that."""

from functools import partial

from api.acceptance import Acceptance, Asked
from api.services import Services
from api.submissions import fingerprint, require_known
from engine.absence import no_run, not_running
from perdure.errors import Conflict
from policy.admission import check_value
from policy.rollback import numbered, previous
from policy.rollout import undone
from spec.audit import Action
from spec.decision import Rule
from spec.interpolation import secrets_in
from spec.plan import PlanOrder
from spec.run import Accepted, ApplyRequest, RunState
from spec.run_spec import RunSpec
from spec.submission import Applied, RollbackCall, RollbackPlan
from store.audit import Author
from store.decisions import DecisionFilter
from store.idempotency import Claim
from store.revisions import Revision

MOST_REVERTS = 1000
"""The newest ones of a life are asked for."""


class Rollbacks:
    """What a member of a project asks of a run's past."""

    def __init__(self, services: Services, project: str, by: Author) -> None:
        self._services = services
        self._project = project
        self._by = by

    async def plan(self, run: str, to: int | None) -> RollbackPlan:
        """What going back would do, to the revision `to`, or to the last that was different.

        Raises `NotFound` for an unknown run or revision, `Conflict` when the run does not live or
        has nothing to go back to.
        """
        self._services.settings.data.require_space()
        state = await self._living(run)
        earlier = await self._earlier(run, state.incarnation)
        if to is None:
            revision = previous(earlier, state, await self._undone(run, state.incarnation))
        else:
            revision = numbered(earlier, run, to)
        plan = await self._services.runs.plan(
            PlanOrder(
                project=self._project, name=run, spec=revision.spec, current=state, max_offers=0
            )
        )
        return RollbackPlan(revision=revision.number, at=revision.at, user=revision.user, plan=plan)

    async def roll_back(self, run: str, call: RollbackCall, key: str | None) -> Applied:
        """Apply the revision as it was, with its values of then, once per `key`.

        Raises what `plan` raises, and what applying it does.
        """
        request = f"roll {run} back: {call.model_dump_json()}"
        asked = Asked(
            action=Action.RUN_ROLLBACK,
            run=run,
            fingerprint=fingerprint(request, self._services.digest_key),
            submit=partial(self._submit, call),
            spec_of=partial(self._spec_of, call),
        )
        return await Acceptance(self._services, self._project, self._by).once(asked, key)

    async def _submit(self, call: RollbackCall, claim: Claim) -> tuple[RunSpec, Accepted]:
        """There is always a check: what ends meanwhile must not begin anew with old values."""
        state = await self._living(claim.run)
        spec = numbered(await self._earlier(claim.run, state.incarnation), claim.run, call.to).spec
        await self._require_all(claim.run, spec)
        request = ApplyRequest(spec=spec, check=call.check or check_value(state))
        accepted = await self._services.runs.apply(self._project, claim.run, request, claim.request)
        return spec, accepted

    async def _spec_of(self, call: RollbackCall, claim: Claim, accepted: Accepted) -> RunSpec:
        earlier = await self._earlier(claim.run, accepted.incarnation)
        return numbered(earlier, claim.run, call.to).spec

    async def _living(self, run: str) -> RunState:
        state = await self._services.runs.state(self._project, run)
        if state is not None and state.spec is not None and state.stop is None:
            return state
        if await self._services.runs.status(self._project, run) is None:
            raise no_run(self._project, run)
        raise not_running(run)

    async def _earlier(self, run: str, incarnation: str) -> list[Revision]:
        """The revisions of one life, the newest first."""
        found = await self._services.store.revisions.of(self._project, run)
        own = (revision for revision in found if revision.incarnation == incarnation)
        return sorted(own, key=lambda revision: revision.number, reverse=True)

    async def _undone(self, run: str, incarnation: str) -> set[int]:
        only = DecisionFilter(run=run, incarnation=incarnation, rule=Rule.REVERTED)
        told = await self._services.store.decisions.read(self._project, MOST_REVERTS, only)
        return undone(each.inputs for each in told)

    async def _require_all(self, run: str, spec: RunSpec) -> None:
        """Raise `NotFound`, `UnknownSecret` or `Conflict` when something of it is gone."""
        store = self._services.store
        if spec.sealed:
            values = await store.envelopes.open(spec.sealed, self._project, run)
            await require_known(store, self._project, secrets_in(values.texts))
        if spec.code and await store.code.ask(self._project, spec.code.sha256) is None:
            raise Conflict(
                "The code of that revision is not in the store any more.",
                hint="Apply its configuration with the code of then.",
            )
