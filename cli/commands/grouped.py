"""Options that several commands have: written down once, as the fields of a dataclass."""

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, get_type_hints


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """The command, with an option for each field of those of its parameters that are dataclasses.

    Typer sees the fields where the parameter stands; the command gets the dataclass.
    """
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, Any] = {name: kind for name, kind in hints.items() if is_dataclass(kind)}

    @functools.wraps(command)
    def ungrouped(**given: Any) -> None:
        filled = {
            name: kind(**{each.name: given.pop(each.name) for each in fields(kind)})
            for name, kind in groups.items()
        }
        command(**given, **filled)

    own = inspect.signature(command, eval_str=True)
    parameters = [each for old in own.parameters.values() for each in _parameters(old, groups)]
    vars(ungrouped)["__signature__"] = own.replace(parameters=parameters)
    return ungrouped


def _parameters(
    parameter: inspect.Parameter, groups: Mapping[str, Any]
) -> Iterator[inspect.Parameter]:
    kind = groups.get(parameter.name)
    if kind is None:
        yield parameter
        return
    hints = get_type_hints(kind, include_extras=True)
    for each in fields(kind):
        default = inspect.Parameter.empty if each.default is MISSING else each.default
        yield inspect.Parameter(
            each.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=hints[each.name]
        )
