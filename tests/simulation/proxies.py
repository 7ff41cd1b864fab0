"""All proxies of a simulated world, and what happens to them."""

from collections.abc import Callable
from random import Random

from spec.feed import ProxyStats
from spec.route import RouteState, RouteTable
from tests.simulation.proxy import Counts, Proxy, Request, World

LEASE = 15.0
"""Seconds for which a proxy that died still counts as one that does not tell."""


class Proxies:
    """All of them. `changed` is called when anything that is counted has changed."""

    def __init__(self, world: World, count: int, chance: Random) -> None:
        self.living: list[Proxy] = []
        self.counts = Counts()
        self.listeners: dict[Callable[[], None], None] = {}
        self._world = world
        self._chance = chance
        self._leases: dict[str, None] = {}
        self._boots = 0
        self._ready_since: int | None = None
        for _ in range(count):
            self._boot()

    def changed(self) -> None:
        for listener in tuple(self.listeners):
            listener()

    def serves_since(self, moment: int) -> bool:
        """Whether there was a ready replica in all tables since then, and one is that answers."""
        if self._ready_since is None or self._ready_since > moment:
            return False
        routes = self._world.published.replicas if self._world.published else ()
        ready = (each.id for each in routes if each.state is RouteState.READY)
        return any(self._world.containers[each].serves for each in ready)

    def publish(self, table: RouteTable | None) -> None:
        """Each proxy hears of it soon, or when it is not cut off any more."""
        routes = table.replicas if table else ()
        if not any(each.state is RouteState.READY for each in routes):
            self._ready_since = None
        elif self._ready_since is None:
            self._ready_since = self._world.clock.now
        self._world.published = table
        for proxy in self.living:
            if not proxy.cut_off:
                pause = self._chance.uniform(0.005, 0.3)
                self._world.clock.after(pause, lambda proxy=proxy: self._tell(proxy))  # type: ignore[misc]

    def _tell(self, proxy: Proxy) -> None:
        """What is true now: a table that was overtaken is never heard of."""
        if not proxy.cut_off:
            proxy.hear(self._world.published)

    def take(self, request: Request) -> None:
        """A request of a client, by any of them; without one it is not even accepted."""
        if self.living:
            self._chance.choice(self.living).take(request)

    def told(self) -> dict[str, ProxyStats | None]:
        """The numbers of each, by its boot; None of one that does not tell."""
        silent: dict[str, ProxyStats | None] = dict.fromkeys(self._leases)
        return silent | {
            each.boot: each.stats if each.silent_since is None else None for each in self.living
        }

    def busy_since(self, moment: int) -> int:
        """Requests that are in flight, or held, and were before that time."""
        return sum(
            request.arrived < moment
            for proxy in self.living
            for request in (*proxy.flying, *proxy.held)
        )

    # Faults

    def lose(self, seconds: float) -> None:
        """One of them dies, with all that it has; another boots in its place."""
        if not self.living:
            return
        proxy = self._chance.choice(self.living)
        self._world.clock.note("{} dies", proxy.boot)
        self.living.remove(proxy)
        proxy.die()
        self._leases[proxy.boot] = None
        self._world.clock.after(LEASE, lambda: self._expire(proxy.boot))
        self._world.clock.after(seconds, self._boot)
        self.changed()

    def _expire(self, boot: str) -> None:
        del self._leases[boot]
        self.changed()

    def _boot(self) -> None:
        self._boots += 1
        proxy = Proxy(self._world, f"boot-{self._boots}", self._chance, self)
        self.living.append(proxy)
        self.changed()

    def cut_off(self, seconds: float) -> None:
        """One of them hears of no table for so long."""
        if self.living:
            proxy = self._chance.choice(self.living)
            proxy.cut_off = True
            self._world.clock.note("{} is cut off for {:.0f} s", proxy.boot, seconds)
            self._world.clock.after(seconds, lambda: self._reconnect(proxy))

    def _reconnect(self, proxy: Proxy) -> None:
        proxy.cut_off = False
        self._tell(proxy)

    def silence(self, seconds: float) -> None:
        """One of them tells no numbers for so long."""
        if self.living:
            proxy = self._chance.choice(self.living)
            proxy.silent_since = self._world.clock.now
            self._world.clock.note("{} is silent for {:.0f} s", proxy.boot, seconds)
            self._world.clock.after(seconds, lambda: self._speak(proxy))

    def _speak(self, proxy: Proxy) -> None:
        proxy.silent_since = None
        self.changed()
