"""Code that is used: by a living run, or by a request that may have reached one."""

import logging
from collections.abc import Collection

from temporalio.client import WorkflowQueryFailedError
from temporalio.service import RPCError

from engine.runs import Runs
from policy.code import code_in_use, is_noted
from store.code import Archive
from store.store import Store

log = logging.getLogger(__name__)


async def used_code(store: Store, runs: Runs, among: Collection[Archive]) -> frozenset[Archive]:
    """Which of these archives are used.

    Requests without an answer come first: those that got one meanwhile have noted their revision.
    A run that has a revision which the store does not know is asked for what it uses; where it
    does not tell, all code of its project counts as used.
    """
    used = {*await store.idempotency.code()}
    for (project, run), status in (await runs.living()).items():
        life = None if status is None else status.incarnation
        revisions = [
            each
            for each in await store.revisions.of(project, run)
            if life in (None, each.incarnation)
        ]
        used.update((project, each.spec.code.sha256) for each in revisions if each.spec.code)
        mine = frozenset(each for each in among if each[0] == project) - used
        if mine and not is_noted(status, [each.number for each in revisions]):
            used |= await _asked(runs, project, run, mine)
    return frozenset(used.intersection(among))


async def _asked(
    runs: Runs, project: str, run: str, among: frozenset[Archive]
) -> frozenset[Archive]:
    try:
        state = await runs.state(project, run)
    except (RPCError, WorkflowQueryFailedError) as error:
        log.warning("Code of `%s` stays, for its run `%s` does not answer: %s", project, run, error)
        return among
    return frozenset((project, sha256) for sha256 in code_in_use(state))
