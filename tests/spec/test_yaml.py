"""A file is the YAML that people mean, and a mistake in it has a remedy."""

import textwrap

import pytest

from spec.reader import read_configuration
from tests.spec.writing import SERVICE, refused

INDENTED = "What is of one level begins in the same column"


@pytest.mark.parametrize(
    ("text", "place", "message", "hint"),
    [
        ("env:\n\t- A\n", (2, 1), "with spaces, and here is a tab", "Put spaces"),
        ("port: 80\n  name: x\n", (2, 7), "not indented as those around it", INDENTED),
        (" port: 80\nname: x\n", (2, 1), "not indented as those around it", INDENTED),
        ("resources:\n  cpu: 1\n   gpu: 2\n", (3, 7), "not indented as those", INDENTED),
        ("resources:\n   cpu: 1\n  gpu: 2\n", (3, 3), "not indented as those", INDENTED),
        ("commands:\n  - a\n - b\n", (3, 2), "not indented as those", INDENTED),
        ("image: *x\n", (1, 8), "begins with `*` needs quotes", "`@`"),
        ("image: @x\n", (1, 8), "begins with `@` needs quotes", "`@`"),
        ("image: `x`\n", (1, 8), "begins with a backtick needs quotes", "`@`"),
        ("commands:\n  - echo: a: b\n", (2, 12), "A value that holds `: ` needs", "in quotes"),
        ("'name': a: b\n", (1, 10), "A value that holds `: ` needs quotes", "in quotes"),
        ("image: 'x\nport: 80\n", (1, 8), "opened and not closed", "Close it"),
        ("image: 'x' y\n", (1, 12), "nothing may follow", "Put the whole value in quotes"),
        ("port\nname: x\n", (2, 5), "has no `:` after its key", "`key: value`"),
        ("volumes: - a\n", (1, 10), "A list cannot begin here", "in a line of its own"),
        ('image: "\\q"\n', (1, 10), "This is not valid YAML: found unknown escape", ""),
    ],
)
def test_a_mistake_of_yaml_has_a_remedy_that_fits(
    text: str, place: tuple[int, int], message: str, hint: str
) -> None:
    error = refused(text)
    assert (error.line, error.column) == place
    assert message in error.message
    assert hint in error.hint
    assert bool(hint) is bool(error.hint)


@pytest.mark.parametrize(
    ("more", "field", "value"),
    [
        ("python: 3.10", "python", "3.10"),
        ("env: {VERSION: 3.10, N: 0012, T: 12:30:45}", "env", None),
        ("max_duration: off", "max_duration", None),
        ("idle_duration: off", "idle_duration", None),
        ("auth: no", "auth", False),
        ("auth: off", "auth", False),
        ("nvcc: yes", "nvcc", True),
        ("stop_duration:", "stop_duration", 300),
        ("image: 7", "image", "7"),
        ("model: 405", "model", None),
    ],
)
def test_yaml_does_not_change_what_was_written(more: str, field: str, value: object) -> None:
    found = getattr(read_configuration(SERVICE + more, "f"), field)
    if field == "env":
        assert found == {"VERSION": "3.10", "N": "0012", "T": "12:30:45"}
    elif field == "model":
        assert found.name == "405"
    else:
        assert found == value


def test_anchors_and_merge_keys_are_understood() -> None:
    text = """
    type: service
    port: 8000
    replicas:
      - &base {count: 1, commands: [serve], nvcc: true}
      - {<<: *base, name: second, nvcc: false}
    """
    groups = read_configuration(textwrap.dedent(text), "f").groups
    assert groups is not None
    assert [(group.name, group.commands, group.nvcc) for group in groups] == [
        ("0", ("serve",), True),
        ("second", ("serve",), False),
    ]
