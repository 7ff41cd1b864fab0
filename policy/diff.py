"""What differs between two specifications, and how each difference reaches a living run."""

from spec.plan import Change, FieldChange
from spec.run import CodeArchive, RunSpec
from spec.service import ServiceConfiguration

IN_PLACE = frozenset({"replicas"})
"""What a living run changes without touching its replicas' containers."""

_WITHOUT_EFFECT = frozenset({"name", "env", "registry_auth"})
"""The name is the run's identity; of the values that are sealed, the digests are compared."""


def changes(old: RunSpec, new: RunSpec) -> tuple[FieldChange, ...]:
    """Each field that differs, in the configuration's order; then values, then the code."""
    found = [
        _changed(field, getattr(old.configuration, field), getattr(new.configuration, field))
        for field in ServiceConfiguration.model_fields
        if field not in _WITHOUT_EFFECT
        and getattr(old.configuration, field) != getattr(new.configuration, field)
    ]
    keys = old.digests.keys() | new.digests.keys()
    found += [
        FieldChange(
            field=key,
            old=_sealed(key in old.digests),
            new=_sealed(key in new.digests),
            change=Change.NEEDS_STOP,
        )
        for key in sorted(keys)
        if old.digests.get(key) != new.digests.get(key)
    ]
    same = new.code.is_same_code(old.code) if new.code else old.code is None
    if not same:
        found.append(_changed("code", *_hashes(old.code, new.code)))
    return tuple(found)


def _changed(field: str, old: object, new: object) -> FieldChange:
    change = Change.IN_PLACE if field in IN_PLACE else Change.NEEDS_STOP
    return FieldChange(field=field, old=_shown(old), new=_shown(new), change=change)


def _sealed(is_there: bool) -> str:
    return "(sealed)" if is_there else "-"


def _hashes(old: CodeArchive | None, new: CodeArchive | None) -> tuple[str | None, str | None]:
    """The beginnings of what was compared: equal archives may have two identities."""
    known = all(code.identity for code in (old, new) if code)

    def beginning(code: CodeArchive | None) -> str | None:
        return None if code is None else (code.identity if known else code.sha256)[:12]

    return beginning(old), beginning(new)


def _shown(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, tuple):
        return " && ".join(str(each) for each in value) or "-"
    return str(value)
