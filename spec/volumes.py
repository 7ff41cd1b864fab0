"""Volumes: `name:/path`, `/host/path:/path`, or mappings."""

from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag

from spec.section import Section, problem


def _absolute(path: str) -> str:
    if not path.startswith("/"):
        raise problem(f"The path `{path}` is not absolute.")
    if ".." in path.split("/"):
        raise problem(f"The path `{path}` has `..` in it.")
    return path


AbsolutePath = Annotated[str, AfterValidator(_absolute)]
"""A path that begins with `/` and never goes up."""


class VolumeMount(Section):
    """A named network volume inside the container; several names are alternatives."""

    shorthands: ClassVar[tuple[dict[str, Any], ...]] = (
        {"type": "string", "pattern": r"^[^/:.~][^:]*:/[^:]*$"},
    )

    name: str | Annotated[tuple[str, ...], Field(min_length=1)]
    path: AbsolutePath


class InstanceMount(Section):
    """A folder of the machine inside the container; `optional` where it may be missing."""

    shorthands: ClassVar[tuple[dict[str, Any], ...]] = (
        {"type": "string", "pattern": r"^/[^:]*:/[^:]*$"},
    )

    instance_path: AbsolutePath
    path: AbsolutePath
    optional: bool = False


def _long_form(value: Any) -> Any:
    if isinstance(value, dict) and not value.keys() & {"name", "instance_path"}:
        raise problem(
            "A volume needs `name` or `instance_path`.",
            hint="`name` is a network volume's, `instance_path` a folder of the machine.",
        )
    if not isinstance(value, str):
        return value
    source, _, path = value.partition(":")
    if not source or not path or ":" in path:
        raise problem(f"`{value}` is not a mount.", hint="Write `name:/path` or `/host:/path`.")
    is_path = source[0] in "/.~"
    return {"instance_path" if is_path else "name": source, "path": path}


def _kind(value: Any) -> str:
    on_instance = isinstance(value, InstanceMount) or (
        isinstance(value, dict) and "instance_path" in value
    )
    return "instance" if on_instance else "volume"


Mount = Annotated[
    Annotated[VolumeMount, Tag("volume")] | Annotated[InstanceMount, Tag("instance")],
    Discriminator(_kind),
    BeforeValidator(_long_form),
]
"""Either kind of mount."""
