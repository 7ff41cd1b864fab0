"""Those who apply, scale and stop a run of a simulated world."""

from random import Random
from typing import Any, Protocol

from perdure.errors import PerdureError
from spec.run_spec import RunSpec
from spec.scale import ScaleRequest
from tests.policy.making import spec
from tests.simulation.clock import Clock
from tests.simulation.run import Run

BUSY = 2.5 * 3600
"""Seconds between two of their deeds, in the mean."""

FIXED = (0, 1, 1, 1, 2, 2, 3)
BEGIN_WITH_ONE = ("0..1", "0..2", "0..4", "1..3")
"""What plans allow where two replicas cannot run beside each other."""
RANGES = ("0..1", "0..2", "0..4", "1..3", "2..5", "1..1")


class World(Protocol):
    """What people need of theirs."""

    clock: Clock
    run: Run | None
    exclusive: bool

    def new_run(self) -> Run: ...


class People:
    """They want what `asked` says, of the image `image`; once `quiet` they want nothing new."""

    def __init__(self, world: World, chance: Random) -> None:
        self.quiet = False
        self.image = 0
        self.asked: dict[str, Any] = {}
        self._world = world
        self._chance = chance
        self._updates = 0
        self._change()
        self._size()

    @property
    def spec(self) -> RunSpec:
        """What is applied now."""
        return spec(image=f"app:{self.image}", **self.asked)

    def begin(self) -> None:
        """Apply for the first time, and change their minds from then on."""
        self.apply()
        self._wait()

    def apply(self) -> None:
        """What is asked for. A run on its way out refuses that: once more when it has ended."""
        run = self._world.run
        if run is None or run.closed:
            run = self._world.new_run()
        self._updates += 1
        self._world.clock.note("apply: app:{} {}", self.image, dict(self.asked))
        asked, update = self.spec, f"update-{self._updates}"
        run.apply(asked, update, self._answered)
        if self._chance.random() < 0.2:  # the answer was lost, and it is asked for again
            pause = self._chance.uniform(0.1, 600)
            self._world.clock.after(pause, lambda: self._repeat(run, asked, update))

    def _repeat(self, run: Run, asked: RunSpec, update: str) -> None:
        """By its id it is known: whatever was applied since stays."""
        run.apply(asked, update, self._answered, repeated=True)

    def after_the_end(self) -> None:
        """The run has ended: they apply again some time."""
        if not self.quiet:
            self._world.clock.after(self._chance.uniform(10, 1_800), self._apply_again)

    def _apply_again(self) -> None:
        run = self._world.run
        if not self.quiet and (run is None or run.closed):
            self.image += self._chance.choice((0, 1))
            self.apply()

    def _answered(self, refusal: PerdureError | None) -> None:
        if refusal is not None:
            self._world.clock.note("refused: {}", refusal.message)

    def _wait(self) -> None:
        self._world.clock.after(self._chance.expovariate(1 / BUSY), self._act)

    def _act(self) -> None:
        run, chance = self._world.run, self._chance
        if run is not None and not run.closed and not self.quiet:
            deeds = (
                *[self._change_in_place] * 4,
                *[self._bring_another_image] * 5,
                *[self._scale] * 3,
                self._stop,
                self._terminate,
            )
            chance.choice(deeds)(run)
        self._wait()

    def _change_in_place(self, run: Run) -> None:
        self._chance.choice((self._change, self._size))()
        self.apply()

    def _bring_another_image(self, run: Run) -> None:
        """Mostly the next one; perhaps another before that has served, or its settings as well."""
        chance = self._chance
        self.image = max(0, self.image - 1) if chance.random() < 0.2 else self.image + 1
        if chance.random() < 0.3:
            self._size()
        self.apply()
        if chance.random() < 0.3:  # they think again at once
            self.image += 1
            self._world.clock.after(chance.uniform(1, 90), self._apply_anew)

    def _apply_anew(self) -> None:
        if not self.quiet:
            self.apply()

    def _scale(self, run: Run) -> None:
        chance = self._chance
        request = ScaleRequest()
        if chance.random() < 0.6:
            count = chance.randint(0, 1 if self._world.exclusive else 4)
            seconds = chance.choice((None, 60, 3_600) if count else (60, 3_600))
            request = ScaleRequest(replicas=count, seconds=seconds)
        self._world.clock.note("scale: {}", request)
        run.scale(request)

    def _stop(self, run: Run) -> None:
        abort = self._chance.random() < 0.3
        self._world.clock.note("stop, abort: {}", abort)
        run.stop(abort=abort)

    def _terminate(self, run: Run) -> None:
        self._world.clock.note("an operator terminates the run")
        run.terminate()

    def _change(self) -> None:
        """What takes effect in place."""
        chance = self._chance
        self.asked |= {
            "retry": chance.choice(
                (
                    False,
                    True,
                    True,
                    {"duration": "10m"},
                    {"on_events": ["no-capacity", "interruption"], "duration": "2h"},
                )
            ),
            "stop_duration": chance.choice((0, 30, 300)),
            "max_duration": chance.choice(("off", "off", "off", "8h")),
        }

    def _size(self) -> None:
        """How many, and by what."""
        chance = self._chance
        if chance.random() < 0.3:
            count = chance.choice(FIXED)
            self.asked |= {"replicas": min(count, 1) if self._world.exclusive else count}
            self.asked |= {"scaling": None}
            return
        metric = chance.choice(("rps", "in_flight"))
        self.asked |= {
            "replicas": chance.choice(BEGIN_WITH_ONE if self._world.exclusive else RANGES[:-1]),
            "scaling": {
                "metric": metric,
                "target": chance.choice((0.05, 0.1, 0.5) if metric == "rps" else (1, 2, 5)),
                "scale_up_delay": chance.choice((0, 0, 60)),
                "scale_down_delay": chance.choice((60, 300, 600)),
                "window": chance.choice((30, 60, 300)),
            },
        }
