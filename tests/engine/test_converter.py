"""Payloads: what is public can be read by all, everything else by us alone."""

from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.converter import DataConverter
from temporalio.exceptions import ApplicationError

from engine.converter import MAC, PublicCodec, SealingCodec, data_converter, is_public
from perdure.errors import NoCapacity
from spec.public import Model, PublicModel, PublicStr
from spec.run_spec import RunSpec
from tests.engine.fixed_keys import fixed
from tests.policy.making import spec

OLD, NEW, FOREIGN, OURS, THEIRS = (bytes([number]) * 32 for number in range(5))


class Note(PublicModel):
    text: str
    at: datetime


class Diary(Model):
    text: str


NOTE = Note(text="seen", at=datetime(2026, 1, 1, tzinfo=UTC))


def converter(*keys: bytes) -> DataConverter:
    return data_converter(SealingCodec(fixed(OURS), fixed(*keys)))


async def encoded(value: Any, *keys: bytes) -> Payload:
    (payload,) = await converter(*(keys or (NEW,))).encode([value])
    return payload


@pytest.mark.parametrize(("value", "kind"), [(NOTE, Note), (PublicStr("a summary"), str)])
async def test_public_values_are_readable_without_a_key(value: Any, kind: type[Any]) -> None:
    payload = await encoded(value)
    assert is_public(payload)
    assert await data_converter(PublicCodec(fixed(OURS))).decode([payload], [kind]) == [value]


@pytest.mark.parametrize(
    "theirs",
    [
        Payload(metadata={"encoding": b"json/plain"}, data=b'"seen"'),
        Payload(metadata={"encoding": b"json/plain", "perdure-class": b"public"}, data=b'"seen"'),
        Payload(
            metadata={"encoding": b"json/plain", "perdure-class": b"public", MAC: bytes(32)},
            data=b'"seen"',
        ),
        Payload(metadata={"encoding": b"binary/null"}),
    ],
    ids=["plain", "called public", "with a false mark", "nothing"],
)
@pytest.mark.parametrize("codec", [PublicCodec(fixed(OURS)), SealingCodec(fixed(OURS), fixed(NEW))])
async def test_what_others_wrote_has_no_value(codec: PublicCodec, theirs: Payload) -> None:
    assert not codec.recognises(theirs)
    with pytest.raises(ValueError, match="not written by this installation"):
        await data_converter(codec).decode([theirs], [str])


async def test_a_public_value_of_another_installation_is_not_ours() -> None:
    payload = await encoded(NOTE)
    assert PublicCodec(fixed(OURS)).recognises(payload)
    assert not PublicCodec(fixed(THEIRS)).recognises(payload)
    payload.data = payload.data.replace(b"seen", b"sold")
    assert not PublicCodec(fixed(OURS)).recognises(payload)


async def test_after_a_rotation_of_the_internal_key_both_are_ours_and_the_new_one_marks() -> None:
    before = await encoded(NOTE)
    rotated = PublicCodec(fixed(THEIRS, OURS))
    assert rotated.recognises(before)
    (after,) = await data_converter(rotated).encode([NOTE])
    assert PublicCodec(fixed(THEIRS)).recognises(after)
    assert not PublicCodec(fixed(OURS)).recognises(after)


async def test_without_the_master_key_only_public_values_are_sent() -> None:
    converter = data_converter(PublicCodec(fixed(OURS)))
    (payload,) = await converter.encode([NOTE])
    assert PublicCodec(fixed(OURS)).recognises(payload)
    with pytest.raises(ValueError, match="only public"):
        await converter.encode(["seen"])


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (Diary(text="seen"), Diary),
        ("seen", str),
        (b"seen", bytes),
        ({"text": "seen"}, dict[str, str]),
        ([NOTE], list[Note]),
        ({"a": NOTE}, dict[str, Note]),
    ],
)
async def test_everything_else_is_sealed(value: Any, kind: type[Any]) -> None:
    payload = await encoded(value)
    assert not is_public(payload)
    assert b"seen" not in payload.SerializeToString()
    assert await converter(NEW).decode([payload], [kind]) == [value]


async def test_the_same_value_is_sealed_differently_each_time() -> None:
    assert (await encoded("x")).data != (await encoded("x")).data


async def test_a_value_keeps_its_type() -> None:
    asked = spec(replicas=2, resources={"gpu": "A100"})
    assert await converter(NEW).decode([await encoded(asked)], [RunSpec]) == [asked]


async def test_after_a_rotation_the_old_key_opens_and_the_new_one_seals() -> None:
    before = await encoded("kept", OLD)
    rotated = converter(NEW, OLD)
    assert await rotated.decode([before], [str]) == ["kept"]
    (after,) = await rotated.encode(["new"])
    assert await converter(NEW).decode([after], [str]) == ["new"]
    with pytest.raises(KeyError):
        await converter(OLD).decode([after], [str])


async def test_a_foreign_key_opens_nothing() -> None:
    with pytest.raises(KeyError):
        await converter(FOREIGN).decode([await encoded("x")], [str])


async def test_a_payload_that_was_touched_is_not_opened() -> None:
    payload = await encoded("x")
    payload.data = payload.data[:-1] + bytes([payload.data[-1] ^ 1])
    with pytest.raises(InvalidTag):
        await converter(NEW).decode([payload], [str])


async def test_a_failure_shows_its_type_and_hides_its_words() -> None:
    failure = Failure()
    error = ApplicationError("the words", "a hint", type=NoCapacity.__name__)
    await converter(NEW).encode_failure(error, failure)
    seen = failure.SerializeToString()
    assert b"NoCapacity" in seen
    assert b"the words" not in seen
    assert b"a hint" not in seen
    back = await converter(NEW).decode_failure(failure)
    assert isinstance(back, ApplicationError)
    assert (back.message, back.type, back.details) == ("the words", "NoCapacity", ("a hint",))
