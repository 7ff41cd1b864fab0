"""Temporal's remote codec, one way: sealed payloads in, readable ones out. Nothing is sealed here.

The protocol is that of Temporal's UI: `POST /decode` with a JSON `Payloads` message.
"""

from cryptography.exceptions import InvalidTag
from google.protobuf import json_format
from temporalio.api.common.v1 import Payloads
from temporalio.converter import PayloadCodec

from perdure.errors import InvalidInput

MOST_PAYLOADS = 1000


async def decoded(codec: PayloadCodec, body: bytes) -> tuple[str, int]:
    """The answer's JSON, and how many payloads were read. Raises `InvalidInput`."""
    try:
        asked = json_format.Parse(body, Payloads())
    except json_format.ParseError as error:
        raise InvalidInput("The body is not a JSON `Payloads` message.") from error
    if len(asked.payloads) > MOST_PAYLOADS:
        raise InvalidInput(f"At most {MOST_PAYLOADS} payloads are read at once.")
    try:
        opened = await codec.decode(asked.payloads)
    except (KeyError, InvalidTag) as error:
        raise InvalidInput("A payload was not sealed with a key of this server.") from error
    return json_format.MessageToJson(Payloads(payloads=opened)), len(opened)
