"""`/server/keys`: the master keys, of which only ids are told."""

from fastapi import APIRouter

from api.access import AdminHere, ServicesHere
from api.document import told
from api.services import Services
from engine.converter import payload_key_id
from perdure.errors import Conflict, Forbidden, NotFound
from perdure.keys import MasterKey, Purpose
from spec.audit import Action, Outcome
from spec.server import KeyRotation, MasterKeyUse
from store.audit import Entry
from store.sealing import UNKNOWN_KEY

router = APIRouter(prefix="/server/keys", tags=["server"], responses=told(Forbidden))

SHOWN = 3
"""Workflows that are named when they still need a key."""


@router.get("")
async def keys(_: AdminHere, services: ServicesHere) -> tuple[MasterKeyUse, ...]:
    """The master keys, the one that seals first."""
    current, *older = services.store.master_keys.all()
    rows = await services.store.master_keys.rows()
    living = await services.runs.living_by_key() if older else {}
    return (
        MasterKeyUse(id=current.id, current=True, values=rows[current.id]),
        *(
            MasterKeyUse(
                id=key.id,
                current=False,
                values=rows[key.id] + rows[UNKNOWN_KEY],
                workflows=len(living.get(_payload_key(key), [])),
            )
            for key in older
        ),
    )


@router.post("")
async def rotate(caller: AdminHere, services: ServicesHere) -> KeyRotation:
    """Make a new master key, and seal all values again by it. Older keys still open."""
    done = await services.store.master_keys.rotate()
    current, *_ = services.store.master_keys.all()
    await services.store.audit.record(caller, Entry(Action.KEY_ROTATE, current.id))
    return KeyRotation(key=current.id, values=done.rows, unreadable=done.unreadable)


@router.delete("/{key}", status_code=204, responses=told(NotFound, Conflict))
async def forget(key: str, caller: AdminHere, services: ServicesHere) -> None:
    """Drop an older key for good. Refused while a living workflow, or a value, needs it."""
    try:
        for known in services.store.master_keys.all()[1:]:
            if known.id == key:
                await _require_unused(known, services)
        await services.store.master_keys.forget(key)
    except Conflict:
        refused = Entry(Action.KEY_FORGET, key, outcome=Outcome.REFUSED)
        await services.store.audit.record(caller, refused)
        raise
    await services.store.audit.record(caller, Entry(Action.KEY_FORGET, key))


async def _require_unused(key: MasterKey, services: Services) -> None:
    living = (await services.runs.living_by_key()).get(_payload_key(key), [])
    if living:
        named = ", ".join(f"`{each}`" for each in sorted(living)[:SHOWN])
        more = f" and {len(living) - SHOWN} more" if len(living) > SHOWN else ""
        raise Conflict(
            f"Workflows that go on need the key `{key.id}`: {named}{more}.",
            hint="They began before the rotation. Stop their runs and apply them again.",
        )


def _payload_key(key: MasterKey) -> bytes:
    return payload_key_id(key.subkey(Purpose.PAYLOADS))
