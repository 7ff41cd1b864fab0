"""A YAML file as plain data, with the position of everything in it.

YAML 1.1 is read with care: numbers stay the text that was written (the field knows what it wants,
and `3.10` keeps its zero), only `true`, `yes`, `on` and their opposites are booleans, a key cannot
stand twice, and neither depth nor aliases can make a small file large.
"""

from dataclasses import dataclass
from typing import Any

import yaml

from perdure.errors import InvalidConfiguration
from spec.position import Path, Position, failure
from spec.syntax import syntax_error

LARGEST_TEXT = 200_000
"""Characters: far more than any configuration has, and read within seconds at worst."""
LARGEST_TREE = 50_000
"""Values, aliases expanded."""
DEEPEST = 50
"""Levels of nesting; the grammar has six."""

_BOOLEANS = dict.fromkeys(("true", "yes", "on"), True) | dict.fromkeys(
    ("false", "no", "off"), False
)
_MERGE = "tag:yaml.org,2002:merge"
_NULL = "tag:yaml.org,2002:null"
_BOOL = "tag:yaml.org,2002:bool"
_CORE = "tag:yaml.org,2002:"


@dataclass(frozen=True)
class Source:
    """A file that was read: its name, its data, and the tree that knows the positions."""

    file: str
    data: dict[str, Any]
    root: yaml.MappingNode

    @classmethod
    def parse(cls, text: str, file: str) -> "Source":
        """Read a file that holds one mapping; `InvalidConfiguration` when it does not."""
        root = _compose(text, file)
        if not isinstance(root, yaml.MappingNode):
            what = "is a list" if isinstance(root, yaml.SequenceNode) else "holds a single value"
            raise failure(
                file,
                Position.of(root.start_mark),
                f"The file {what}, not properties.",
                hint="Write `key: value` lines, beginning with `type: service`.",
            )
        return cls(file=file, data=_Builder(file).mapping(root, 0), root=root)

    def position(self, path: Path) -> Position:
        """Where the key or list item at `path` stands; of its nearest ancestor if it does not."""
        return Position.of(self._follow(path)[1])

    def failure(self, path: Path, message: str, *, hint: str = "") -> InvalidConfiguration:
        """The error for what is at `path`."""
        return failure(self.file, self.position(path), message, hint=hint, path=path)

    def written(self, path: Path) -> Path:
        """The steps of `path` that are in the file: without the tags of unions, for instance."""
        return self._follow(path)[0]

    def _follow(self, path: Path) -> tuple[Path, yaml.Mark]:
        node: yaml.Node = self.root
        mark = self.root.start_mark
        steps: list[str | int] = []
        for step in path:
            found = _step(node, step)
            if found is not None:
                mark, node = found
                steps.append(step)
        return tuple(steps), mark


def _compose(text: str, file: str) -> yaml.Node:
    if len(text) > LARGEST_TEXT:
        raise failure(file, Position(1, 1), "The file is too large for a configuration.")
    text = text.removeprefix("\ufeff")
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        raise syntax_error(error, text, file) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        column = error.position - text.rfind("\n", 0, error.position)
        raise failure(
            file, Position(line, column), "The file holds a character that YAML does not allow."
        ) from None
    except RecursionError:
        raise failure(file, Position(1, 1), "The file is nested too deeply.") from None
    if root is None:
        raise failure(
            file, Position(1, 1), "The file is empty.", hint="Begin with `type: service`."
        )
    return root


def _step(node: yaml.Node, step: str | int) -> tuple[yaml.Mark, yaml.Node] | None:
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        return node.value[step].start_mark, node.value[step]
    if not isinstance(node, yaml.MappingNode):
        return None
    for key, value in node.value:
        if key.value == step:
            return key.start_mark, value
    for key, value in node.value:
        if key.tag == _MERGE:
            merged = value.value if isinstance(value, yaml.SequenceNode) else [value]
            for source in merged:
                if found := _step(source, step):
                    return found
    return None


class _Builder:
    """Makes data of nodes, and counts them."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._left = LARGEST_TREE

    def value(self, node: yaml.Node, depth: int) -> Any:
        self._left -= 1
        if self._left < 0 or depth > DEEPEST:
            raise self._failure(node, "The file grows too large or too deep through its aliases.")
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, depth)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, depth + 1) for item in node.value]
        return self._scalar(node)

    def mapping(self, node: yaml.MappingNode, depth: int) -> dict[str, Any]:
        own: dict[str, Any] = {}
        merged: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise self._failure(key, "A key must be a single word.")
            name = self._text(key)
            if key.tag == _MERGE:
                for source in self._merge_sources(value):
                    merged = self.mapping(source, depth + 1) | merged
            elif name in own:
                raise self._failure(key, f"`{name}` stands twice.", "Keep one of the two.")
            else:
                own[name] = self.value(value, depth + 1)
        return merged | own

    def _merge_sources(self, node: yaml.Node) -> list[yaml.MappingNode]:
        self._left -= 1
        sources = node.value if isinstance(node, yaml.SequenceNode) else [node]
        if not all(isinstance(source, yaml.MappingNode) for source in sources):
            raise self._failure(node, "`<<` merges mappings only.")
        return list(sources)

    def _scalar(self, node: yaml.Node) -> Any:
        if not node.tag.startswith(_CORE):
            raise self._failure(node, "YAML tags are not allowed.", "Put the value in quotes.")
        if node.tag == _NULL:
            return None
        if node.tag == _BOOL and str(node.value).lower() in _BOOLEANS:
            return _BOOLEANS[str(node.value).lower()]
        return self._text(node)

    def _text(self, node: yaml.Node) -> str:
        """JSON writes a character beyond U+FFFF as two escapes, which belong together."""
        try:
            return str(node.value).encode("utf-16", "surrogatepass").decode("utf-16")
        except UnicodeDecodeError:
            raise self._failure(node, "This holds half of a character.") from None

    def _failure(self, node: yaml.Node, message: str, hint: str = "") -> InvalidConfiguration:
        return failure(self._file, Position.of(node.start_mark), message, hint=hint)
