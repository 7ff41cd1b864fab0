"""The steps of our workflows, read from their code: what each method asks of Temporal, in order.

Recorded histories hold the paths that scenarios took; this holds all of them, so that a change of
steps is noticed where no history goes.
"""

import ast
from pathlib import Path

import workflows

FILE = Path(__file__).parents[1] / "histories" / "steps.txt"

_PLAIN = {
    "workflow.upsert_memo": "memo",
    "workflow.upsert_search_attributes": "search attributes",
    "workflow.continue_as_new": "continue as new",
    "workflow.sleep": "timer",
    "asyncio.sleep": "timer",
    "asyncio.wait_for": "timer",
    "asyncio.timeout": "timer",
    "abandon": "cancel",
}
_NAMED = {
    "workflow.start_child_workflow": "child",
    "workflow.execute_child_workflow": "child",
    "workflow.execute_activity": "activity",
    "workflow.execute_local_activity": "local activity",
    "workflow.patched": "patch",
    "workflow.deprecate_patch": "patch gone",
    "patched": "patch",
}
_METHODS = {"signal": "signal", "cancel": "cancel"}


def render(folder: Path = Path(workflows.__path__[0])) -> str:
    """One line for each method that has steps, below its class."""
    lines: list[str] = []
    for file in sorted(folder.glob("*.py")):
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.ClassDef) and (found := _class(node)):
                lines += [node.name, *(f"    {name}: {', '.join(s)}" for name, s in found), ""]
    return "\n".join(lines)


def _class(node: ast.ClassDef) -> list[tuple[str, list[str]]]:
    methods = {
        each.name: [step for statement in each.body for step in _steps(statement)]
        for each in node.body
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    acting = {name for name, steps in methods.items() if any(s[0] != "." for s in steps)}
    while more := {
        name
        for name, steps in methods.items()
        if name not in acting and any(step[1:] in acting for step in steps if step[0] == ".")
    }:
        acting |= more
    return [
        (name, [s.lstrip(".") for s in steps if s[0] != "." or s[1:] in acting])
        for name, steps in methods.items()
        if name in acting
    ]


def _steps(node: ast.AST) -> list[str]:
    """In the order in which they are evaluated; calls of own methods begin with a dot."""
    found = [step for child in ast.iter_child_nodes(node) for step in _steps(child)]
    if isinstance(node, ast.Call) and (step := _step(node)):
        found.append(step)
    return found


def _step(call: ast.Call) -> str:
    name = ast.unparse(call.func)
    first = ast.unparse(call.args[0]) if call.args else ""
    owner, _, last = name.rpartition(".")
    if owner == "deeds":
        return f"deed {last}"
    if name == "workflow.wait_condition":
        return "timer" if any(word.arg == "timeout" for word in call.keywords) else ""
    if name in _PLAIN:
        return _PLAIN[name]
    if name in _NAMED:
        return f"{_NAMED[name]} {first}"
    if owner == "self":
        return f".{last}"
    return f"{_METHODS[last]} {first}".rstrip() if owner and last in _METHODS else ""
