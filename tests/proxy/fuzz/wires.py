"""Sending bytes in pieces, and reading all that comes back."""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.proxy.fuzz.conversation import Ask
from tests.proxy.wire import Client, Message, read_message

PAUSES = (0.0, 0.0, 0.0, 0.001, 0.003)


def cut(chance: random.Random, data: bytes) -> list[bytes]:
    """The same bytes in pieces, at times one by one for a stretch."""
    places = {chance.randrange(len(data) + 1) for _ in range(chance.randrange(1, 12))}
    if chance.random() < 0.3:
        start = chance.randrange(len(data) + 1)
        places.update(range(start, min(len(data), start + 40)))
    ordered = sorted(places)
    return [data[a:b] for a, b in zip([0, *ordered], [*ordered, len(data)], strict=True) if a < b]


async def send(client: Client, pieces: Sequence[bytes], pauses: random.Random | None) -> None:
    """Write them, with pauses between; a proxy that has closed is no failure."""
    try:
        for piece in pieces:
            client.write(piece)
            await client.writer.drain()
            if pauses is not None:
                await asyncio.sleep(pauses.choice(PAUSES))
    except ConnectionError:
        return


NEVER_THE_SAME = ("date", "x-request-id")


@dataclass(frozen=True)
class Answer:
    """A reply less what may differ: the time, and how its body was framed on the way."""

    start: str
    fields: tuple[tuple[str, str], ...]
    body: bytes
    trailers: tuple[tuple[str, str], ...]


def settled(message: Message) -> Answer:
    """The reply as far as it has to be the same."""
    fields = tuple(each for each in message.fields if each[0].lower() not in NEVER_THE_SAME)
    return Answer(message.start, fields, message.body, tuple(message.trailers))


async def answers(client: Client, asks: Sequence[Ask]) -> list[Answer]:
    """One answer to each, and nothing after the last."""
    found: list[Answer] = []
    for ask in asks:
        try:
            message = await _reply(client, ask)
        except Exception as error:
            error.add_note(f"after {len(found)} answers, the last: {found[-1:]}")
            raise
        if ask.early:
            message.fields = [each for each in message.fields if each[0] != "connection"]
        if ask.tunnel:
            async with asyncio.timeout(10):
                message.body = await client.reader.readexactly(len(ask.tunnel))
        found.append(settled(message))
    if asks[-1].last:
        assert await client.ended() == b"", "bytes after the last reply"
    return found


async def _reply(client: Client, ask: Ask) -> Message:
    while True:
        bodiless = ask.head_only or ask.status == 101
        message = await read_message(client.reader, bodiless=bodiless)
        if message.start != "HTTP/1.1 100 Continue":
            return message


@dataclass
class Transcript:
    """All that came until the proxy closed; `broken`: it ended in the middle, or by a reset."""

    replies: list[Message] = field(default_factory=list)
    broken: bool = False

    @property
    def passed_on(self) -> list[str]:
        """The digests of the requests that the application answered, in order."""
        return [digest for each in self.replies for digest in each.all("x-saw")]

    @property
    def own(self) -> list[int]:
        """The statuses of the proxy's own answers."""
        return [each.status for each in self.replies if each.get("x-saw") is None]


async def everything(client: Client, seconds: float) -> Transcript:
    """Read until the proxy closes. Raises `ValueError` for what is no reply."""
    data, transcript = bytearray(), Transcript()
    try:
        async with asyncio.timeout(seconds):
            while piece := await client.reader.read(65536):
                data += piece
    except ConnectionError:
        transcript.broken = True
    reader = asyncio.StreamReader(limit=2**20)
    reader.feed_data(bytes(data))
    reader.feed_eof()
    while not reader.at_eof():
        try:
            message = await read_message(reader)
        except asyncio.IncompleteReadError as error:
            if not transcript.broken:
                raise ValueError(f"a reply ends in good order, and too early: {error}") from error
            break
        if not message.start.startswith("HTTP/1.1 "):
            raise ValueError(f"this begins no reply: {message.start!r}")
        if message.status != 100:
            transcript.replies.append(message)
        if message.status == 101:  # what follows are not replies
            break
    return transcript
