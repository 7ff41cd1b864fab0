"""What a page shows of a terminal: commands behind `$`, and below each what it prints."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

PROMPT = "$ "
ANYTHING = "..."


@dataclass(frozen=True)
class Step:
    """A command, and the lines that it prints; `...` stands for any text, or any lines."""

    command: str
    expected: tuple[str, ...] = ()

    @property
    def fails(self) -> bool:
        """Whether the page shows an error."""
        return any(line.startswith("error: ") for line in self.expected)

    def explains(self, shown: str) -> bool:
        """Whether the command printed what the page says. White space counts as one blank."""
        pattern = "".join(_pattern(line) for line in self.expected)
        lines = (" ".join(line.split()) for line in shown.strip().splitlines())
        return re.fullmatch(pattern, "".join(f"{line}\n" for line in lines)) is not None


def steps(text: str) -> Iterator[Step]:
    """The steps of a transcript. A command that ends in a backslash goes on in the next line."""
    command, expected = "", list[str]()
    for line in text.splitlines():
        if command.endswith("\\"):
            command = f"{command}\n{line}"
        elif line.startswith(PROMPT):
            if command:
                yield Step(command, _trimmed(expected))
            command, expected = line.removeprefix(PROMPT), []
        else:
            assert command, f"`{line}` comes before any command"
            expected.append(line)
    yield Step(command, _trimmed(expected))


def _trimmed(lines: list[str]) -> tuple[str, ...]:
    return tuple("\n".join(lines).strip("\n").splitlines())


def _pattern(line: str) -> str:
    if line.strip() == ANYTHING:
        return r"(?:.*\n)*?"
    words = re.escape(" ".join(line.split()))
    return words.replace(re.escape(ANYTHING), ".*") + r"\n"
