"""A line of the list of bad input: what somebody does wrong, and what they are told."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from perdure.errors import PerdureError

Test = TypeVar("Test", bound=Callable[..., object])

_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@dataclass(frozen=True)
class Line:
    """`name` is its place in the list, `situation` the sentence that tells it.

    `given` is what was typed, or the request, with the `file` that it read; `shown` what came of it
    on stderr, or as the answer's body; `ends` the exit code, or the HTTP status. `error` is None
    where nothing is wrong after all.
    """

    name: str
    situation: str
    given: str
    shown: str
    ends: int
    error: type[PerdureError] | None = None
    file: str = ""

    def __str__(self) -> str:
        return self.situation

    @property
    def is_request(self) -> bool:
        """Whether it is sent to the API or a service, and not typed."""
        return "perdure " not in self.given

    def check(self, ends: int, text: str, usual: Mapping[str, str] | None = None) -> None:
        """Fail unless it ended so, with these last words.

        `usual` are parts that differ each time, and what the page has in their place.
        """
        told = normal(text, usual or {})
        end = len(told) - len(self.shown)
        assert told.endswith(self.shown), f"{told}\n-- and not\n{self.shown}"
        assert not self.shown or end == 0 or told[end - 1] == "\n", told
        assert ends == self.ends, told


def normal(text: str, usual: Mapping[str, str]) -> str:
    """The text as it would be on any machine."""
    for found, written in usual.items():
        text = text.replace(found, written)
    return _UUID.sub("UUID", text)


EXAMPLES: dict[Line, Callable[..., object]] = {}
"""The test that runs each line."""


def example(*lines: Line) -> Callable[[Test], Test]:
    """Mark a test as the one that runs these lines."""

    def mark(test: Test) -> Test:
        for line in lines:
            assert line not in EXAMPLES, f"two tests run the line: {line.situation}"
            EXAMPLES[line] = test
        return test

    return mark
