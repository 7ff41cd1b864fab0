"""Payloads: public ones stay readable, all others are sealed. What is not marked is sealed.

Temporal's port may be open to people who are not ours to trust. What they send is refused: it is
neither sealed nor does it bear our mark, which takes a key to make.
"""

import hashlib
import hmac
import os
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.contrib.pydantic import PydanticJSONPlainPayloadConverter
from temporalio.converter import (
    CompositePayloadConverter,
    DataConverter,
    DefaultFailureConverterWithEncodedAttributes,
    DefaultPayloadConverter,
    EncodingPayloadConverter,
    JSONProtoPayloadConverter,
    PayloadCodec,
    PayloadConverter,
)

from perdure.key_ring import Keys
from spec.public import PublicModel, PublicStr

MARK = "perdure-class"
MAC = "perdure-mac"
PUBLIC = b"public"
ENCODING = "encoding"
SEALED = b"binary/encrypted"
REFUSED = "binary/refused"
KEY_ID = "encryption-key-id"
NONCE_BYTES = 12
MOST_KEYS = 16
"""Of which something is kept at hand; a ring has one, and for a while two."""


def is_public(payload: Payload) -> bool:
    """Whether the payload was declared readable by the class of its value."""
    return payload.metadata.get(MARK) == PUBLIC


class MarkingJSONConverter(PydanticJSONPlainPayloadConverter):
    """Pydantic's JSON; it marks the payloads of `PublicModel` and `PublicStr`."""

    def to_payload(self, value: Any) -> Payload | None:
        """JSON, marked when the value's class is public. A list of public values is not."""
        payload = super().to_payload(value)
        if payload is not None and isinstance(value, (PublicModel, PublicStr)):
            payload.metadata[MARK] = PUBLIC
        return payload


class MarkingProtoConverter(JSONProtoPayloadConverter):
    """Temporal's own messages; marked when they are the details that its UI asks for."""

    def to_payload(self, value: Any) -> Payload | None:
        """`set_current_details` is shown by a query for `WorkflowMetadata`, not by a payload."""
        payload = super().to_payload(value)
        if payload is not None and isinstance(value, WorkflowMetadata):
            payload.metadata[MARK] = PUBLIC
        return payload


class RefusedConverter(EncodingPayloadConverter):
    """What was not ours has no value: an update or a query with it fails, a signal is dropped."""

    @property
    def encoding(self) -> str:
        """Only `PublicCodec` makes such payloads."""
        return REFUSED

    def to_payload(self, value: Any) -> Payload | None:
        """No value becomes one."""
        return None

    def from_payload(self, payload: Payload, type_hint: type | None = None) -> Any:
        """Raises `ValueError`."""
        raise ValueError("The payload was not written by this installation.")


class MarkingPayloadConverter(CompositePayloadConverter):
    """Temporal's own converters, with ours in the place of those for JSON."""

    def __init__(self) -> None:
        ours = {each.encoding: each for each in (MarkingJSONConverter(), MarkingProtoConverter())}
        theirs = DefaultPayloadConverter.default_encoding_payload_converters
        super().__init__(*(ours.get(each.encoding, each) for each in theirs), RefusedConverter())


class FailureConverter(DefaultFailureConverterWithEncodedAttributes):
    """What Temporal's server adds to a failure bears no mark of ours, and is left out."""

    def from_failure(self, failure: Failure, payload_converter: PayloadConverter) -> BaseException:
        """`ACTIVITY_ID_NOT_STARTED` is the server's, of a deed that is cancelled before it begins.

        Nobody goes by it, and a workflow that could not read it would hang.
        """
        if failure.HasField("canceled_failure_info"):
            failure.canceled_failure_info.ClearField("details")
        return super().from_failure(failure, payload_converter)


class PublicCodec(PayloadCodec):
    """Public payloads bear an HMAC-SHA-256 by the first key of `authenticity`.

    One by the others is recognised, too. All other payloads are refused.
    """

    def __init__(self, authenticity: Keys) -> None:
        self._authenticity = authenticity

    def recognises(self, payload: Payload) -> bool:
        """Whether the payload is public, and written by this installation."""
        mac = payload.metadata.get(MAC, b"")
        return is_public(payload) and any(
            hmac.compare_digest(mac, _mac(payload, key)) for key in self._authenticity()
        )

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """With our mark. Raises `ValueError` for what is not public."""
        return [self._encode(each) for each in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Without it; what is not ours becomes a payload that no converter reads."""
        return [self._decode(each) for each in payloads]

    def _encode(self, payload: Payload) -> Payload:
        if not is_public(payload):
            raise ValueError("Without the master key only public values can be sent.")
        current, *_ = self._authenticity()
        metadata = {**payload.metadata, MAC: _mac(payload, current)}
        return Payload(metadata=metadata, data=payload.data)

    def _decode(self, payload: Payload) -> Payload:
        if not self.recognises(payload):
            return Payload(metadata={ENCODING: REFUSED.encode()})
        metadata = {name: value for name, value in payload.metadata.items() if name != MAC}
        return Payload(metadata=metadata, data=payload.data)


def _mac(payload: Payload, key: bytes) -> bytes:
    encoding = payload.metadata.get(ENCODING, b"")
    return hmac.digest(key, encoding + b"\0" + payload.data, "sha256")


class SealingCodec(PublicCodec):
    """AES-256-GCM. The first key seals; the others, of earlier times, only open."""

    def __init__(self, authenticity: Keys, sealing: Keys) -> None:
        super().__init__(authenticity)
        self._sealing = sealing

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Seal all but the public ones."""
        return [self._encode(each) if is_public(each) else self._seal(each) for each in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Open what is sealed. Raises `KeyError` when the key is not ours."""
        return [
            self._open(each) if each.metadata.get(ENCODING) == SEALED else self._decode(each)
            for each in payloads
        ]

    def _seal(self, payload: Payload) -> Payload:
        nonce, (key, *_) = os.urandom(NONCE_BYTES), self._sealing()
        key_id = payload_key_id(key)
        sealed = _cipher(key).encrypt(nonce, payload.SerializeToString(), key_id)
        return Payload(metadata={ENCODING: SEALED, KEY_ID: key_id}, data=nonce + sealed)

    def _open(self, payload: Payload) -> Payload:
        key_id = payload.metadata[KEY_ID]
        nonce, sealed = payload.data[:NONCE_BYTES], payload.data[NONCE_BYTES:]
        keys = {payload_key_id(key): key for key in self._sealing()}
        return Payload.FromString(_cipher(keys[key_id]).decrypt(nonce, sealed, key_id))


@lru_cache(maxsize=MOST_KEYS)
def _cipher(key: bytes) -> AESGCM:
    return AESGCM(key)


@lru_cache(maxsize=MOST_KEYS)
def payload_key_id(key: bytes) -> bytes:
    """A name that tells nothing of the key: it stands beside all that the key has sealed."""
    return hashlib.sha256(b"perdure payload key" + key).hexdigest()[:12].encode()


def data_converter(codec: PublicCodec) -> DataConverter:
    """The converter of every process."""
    return DataConverter(
        payload_converter_class=MarkingPayloadConverter,
        payload_codec=codec,
        failure_converter_class=FailureConverter,
    )
