"""Files that are uploaded next to the code: `local[:path]` or a mapping."""

from typing import Any, ClassVar

from pydantic import model_validator

from spec.section import Section, problem


class FileMapping(Section):
    """A local file or folder, and where it goes in the container."""

    shorthands: ClassVar[tuple[dict[str, Any], ...]] = (
        {"type": "string", "pattern": r"^[^:]+(:[^:]+)?$"},
    )

    local_path: str
    path: str

    @model_validator(mode="before")
    @classmethod
    def _from_shorthand(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        local_path, colon, path = value.partition(":")
        if not local_path or (colon and not path) or ":" in path:
            raise problem(f"`{value}` is not a file.", hint="Write `local` or `local:path`.")
        return {"local_path": local_path, "path": path or local_path}
