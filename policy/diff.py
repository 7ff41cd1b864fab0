"""What differs between two specifications, and how each difference reaches a living run."""

from policy.probing import asked_probes
from policy.properties import Treatment, treatment_of
from spec.plan import Change, FieldChange
from spec.run_spec import CodeArchive, RunSpec
from spec.service import ServiceConfiguration

_HOW = {
    Treatment.IN_PLACE: Change.IN_PLACE,
    Treatment.NEW_REPLICA: Change.BY_REPLACEMENT,
}
"""How a change reaches a living run; of a property with another treatment there is none."""

_SEALED = frozenset({"env", "registry_auth"})
"""Their values are sealed: the digests are compared instead."""


def changes(old: RunSpec, new: RunSpec) -> tuple[FieldChange, ...]:
    """Each field that differs and has an effect, in their order; then values, then the code."""
    found = []
    for field in ServiceConfiguration.model_fields:
        change = None if field in _SEALED else _HOW.get(treatment_of(field))
        before, after = getattr(old.configuration, field), getattr(new.configuration, field)
        if field == "probes" and before != after:
            before, after = asked_probes(old.configuration), asked_probes(new.configuration)
        if change is not None and before != after:
            found.append(
                FieldChange(field=field, old=_shown(before), new=_shown(after), change=change)
            )
    keys = old.digests.keys() | new.digests.keys()
    found += [
        FieldChange(
            field=key,
            old=_sealed(key in old.digests),
            new=_sealed(key in new.digests),
            change=Change.BY_REPLACEMENT,
        )
        for key in sorted(keys)
        if old.digests.get(key) != new.digests.get(key)
    ]
    same = new.code.is_same_code(old.code) if new.code else old.code is None
    if not same:
        one, other = map(_shown, _hashes(old.code, new.code))
        found.append(FieldChange(field="code", old=one, new=other, change=Change.BY_REPLACEMENT))
    return tuple(found)


def replacing(old: RunSpec, new: RunSpec) -> bool:
    """Whether the replicas of the one are not those of the other."""
    return any(each.change is Change.BY_REPLACEMENT for each in changes(old, new))


def _sealed(is_there: bool) -> str:
    return "(sealed)" if is_there else "-"


def _hashes(old: CodeArchive | None, new: CodeArchive | None) -> tuple[str | None, str | None]:
    """The beginnings of what was compared: equal archives may have two identities."""
    known = all(code.identity for code in (old, new) if code)

    def beginning(code: CodeArchive | None) -> str | None:
        return (code.identity if known else code.sha256)[:12] if code else None

    return beginning(old), beginning(new)


def _shown(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, tuple):
        return " && ".join(str(each) for each in value) or "-"
    return str(value)
