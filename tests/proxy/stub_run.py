"""A run that publishes the tables it is told to, and nothing else."""

from temporalio import workflow

from engine.ids import ROUTE_MEMO, Message, WorkflowType

with workflow.unsafe.imports_passed_through():
    from spec.route import RouteTable
    from spec.run import WakeNote


@workflow.defn(name=WorkflowType.RUN)
class StubRun:
    """Signals change what it publishes."""

    def __init__(self) -> None:
        self._table: RouteTable | None = None
        self._over = self._renewing = False
        self._woken: list[str] = []

    @workflow.run
    async def run(self, table: RouteTable) -> None:
        if self._table is None:
            self.publish(table)
        await workflow.wait_condition(lambda: self._over or self._renewing)
        if not self._over:
            workflow.continue_as_new(self._table, memo={ROUTE_MEMO: self._table})

    @workflow.signal
    def publish(self, table: RouteTable) -> None:
        self._table = table
        workflow.upsert_memo({ROUTE_MEMO: table})

    @workflow.signal
    def renew(self) -> None:
        self._renewing = True

    @workflow.signal
    def end(self) -> None:
        self._over = True

    @workflow.signal(name=Message.WAKE)
    def wake(self, note: WakeNote) -> None:
        self._woken.append(note.incarnation)

    @workflow.query
    def woken(self) -> list[str]:
        return self._woken

    @workflow.query(name=Message.GET_ROUTE)
    def get_route(self) -> RouteTable | None:
        return self._table
