"""A bug of our own, put into a policy."""


class Bug:
    """A policy that fails whenever it is asked, and counts that.

    Its count alone tells for sure that a workflow's code has failed: a task that timed out on a
    slow machine is tried again, too.
    """

    def __init__(self) -> None:
        self.met = 0

    def __call__(self, *given: object, **named: object) -> object:
        self.met += 1
        raise KeyError("a bug of ours")

    async def is_met_again(self) -> bool:
        """Whether the code that failed has been tried again."""
        return self.met > 1
