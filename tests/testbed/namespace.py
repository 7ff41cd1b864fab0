"""A machine of its own as far as the network goes: a namespace beside ours, joined by a cable."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.testbed.tool import run

# Nothing of the test bed may ever leave by the default route: where a namespace has gone, its
# addresses must be unreachable, not somebody else's.
ALL = "10.77.0.0/16"


@dataclass(frozen=True)
class Namespace:
    """The namespace number `number`, from 0: addresses 10.77.(20+n).x, pool for its containers.

    It has no default route: what it wants from elsewhere, a name server say, fails at once.
    """

    number: int

    @property
    def name(self) -> str:
        return f"perdure-bed{self.number}"

    @property
    def cable(self) -> str:
        return f"perdbed{self.number}"

    @property
    def our_address(self) -> str:
        """This side of the cable: where the machine finds our registries."""
        return f"10.77.{20 + self.number}.1"

    @property
    def address(self) -> str:
        return f"10.77.{20 + self.number}.2"

    @property
    def container_pool(self) -> str:
        """Where its engine takes the subnets of its networks from; routed to it."""
        return f"10.77.{128 + 16 * self.number}.0/20"

    def enter(self, *command: str | Path) -> list[str | Path]:
        """`command`, inside. Only the network changes: `ip netns exec` would hide the cgroups."""
        return ["nsenter", f"--net=/run/netns/{self.name}", *command]

    def create(self) -> None:
        """Make it anew; what an earlier run has left under its name goes."""
        self.remove()
        run("ip", "route", "replace", "unreachable", ALL, "metric", "4000")
        run("ip", "netns", "add", self.name)
        run("ip", "link", "add", self.cable, "type", "veth",
            "peer", "name", "eth0", "netns", self.name)  # fmt: skip
        run("ip", "addr", "add", f"{self.our_address}/24", "dev", self.cable)
        run("ip", "link", "set", self.cable, "up")
        inside = ("ip", "-n", self.name)
        run(*inside, "addr", "add", f"{self.address}/24", "dev", "eth0")
        run(*inside, "link", "set", "eth0", "up")
        run(*inside, "link", "set", "lo", "up")
        run("ip", "route", "replace", self.container_pool, "via", self.address)

    def open_to_us(self) -> None:
        """Let our side reach containers, as the machine itself can. Needs a started engine."""
        run(*self.enter("iptables", "-I", "DOCKER-USER", "-i", "eth0", "-j", "ACCEPT"))

    def remove(self) -> None:
        """Take it away; nothing happens where it is not."""
        for command in (
            ("ip", "link", "del", self.cable),
            ("ip", "netns", "del", self.name),
            ("ip", "route", "del", self.container_pool),
        ):
            with suppress(RuntimeError):
                run(*command)
