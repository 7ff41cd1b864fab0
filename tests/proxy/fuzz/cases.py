"""One case each: what is sent, and what has to be true after it."""

import asyncio
import random
from collections import Counter
from contextlib import suppress

from tests.proxy.fuzz import hostile_heads, hostile_replies
from tests.proxy.fuzz.application import Application, read_strictly
from tests.proxy.fuzz.conversation import Ask, Names, conversation
from tests.proxy.fuzz.hostile_replies import End, Fate, Script
from tests.proxy.fuzz.wires import Answer, answers, cut, everything, send
from tests.proxy.running import RunningProxy, head
from tests.proxy.upstream import Connection, Upstream
from tests.proxy.wire import Client

SECONDS = 20.0
"""Until a connection must have ended: the longest limit of the proxy is a fifth of it."""

OWN = frozenset({204, 308, 400, 401, 403, 404, 405, 408, 413, 417, 431, 505})
"""What the proxy may answer by itself to a request that is wrong. It is never its own failure."""


class Lane:
    """One case at a time, with two runs of its own, so that what arrives is the case's own."""

    def __init__(self, proxy: RunningProxy, counts: Counter[str]) -> None:
        self._proxy = proxy
        self._counts = counts
        self._application = Application()
        self._hostile = Upstream(self._answer_badly)
        self._script = Script((), End.CLOSES, Fate.ANY)
        self._ended = asyncio.Event()
        self._names = Names("", "")
        self._bad = ""
        self._told: object = ""  # what the case sends, for who looks at its failure

    async def open(self, number: int) -> None:
        """Publish its two runs."""
        await self._application.start()
        await self._hostile.start()
        run, model = f"fine-{number}-qzjxkv", f"model-{number}-wfpgbz"
        await self._proxy.publish(self._application.address, run=run, model=model)
        self._names = Names(run, model)
        self._bad = await self._proxy.publish(self._hostile.address, run=f"bad-{number}-hyuvxq")

    async def close(self) -> None:
        """End its servers."""
        await self._application.close()
        await self._hostile.close()

    async def run(self, chance: random.Random) -> None:
        """A case. Raises whatever shows that something is wrong."""
        case = chance.choice((self.cuts, self.heads, self.heads, self.replies))
        try:
            await asyncio.wait_for(case(chance), 3 * SECONDS)
        except Exception as error:
            error.add_note(f"{case.__name__}: {self._told!s:.3000}")
            raise

    # Cut requests get the answers of whole ones

    async def cuts(self, chance: random.Random) -> None:
        """A conversation at once, and in pieces: the same answers, and the right ones."""
        asks = conversation(chance, self._names)
        raw = b"".join(ask.raw for ask in asks)
        self._told = [(ask.raw[:200], len(ask.raw), ask.status) for ask in asks]
        whole = await self._converse([raw], asks, None)
        for ask, found in zip(asks, whole, strict=True):
            status = int(found.start.split(" ")[1])
            assert status == ask.status, (ask, found)
            assert found.body == (ask.tunnel or ask.body) or ask.body is None, (ask, found)
        for pieces in (cut(chance, raw), cut(chance, raw)):
            assert await self._converse(pieces, asks, chance) == whole
        self._counts["requests"] += 3 * len(asks)
        self._counts["conversations"] += 3

    async def _converse(
        self, pieces: list[bytes], asks: list[Ask], pauses: random.Random | None
    ) -> list[Answer]:
        self._application.saw.clear()
        client = await self._proxy.connect()
        sending = asyncio.ensure_future(send(client, pieces, pauses))
        try:
            found = await answers(client, asks)
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            await _close(client)
        self._check_application(sum(ask.arrives for ask in asks))
        return found

    def _check_application(self, arrived: int) -> None:
        assert not self._application.violations, self._application.violations
        assert len(self._application.saw) == arrived, (self._application.saw, arrived)

    # Wrong requests are refused

    async def heads(self, chance: random.Random) -> None:
        """Wrong requests: a 4xx or an end, and the application sees what was answered, no more."""
        self._application.saw.clear()
        raw = hostile_heads.hostile(chance, self._names)
        if chance.random() < 0.8:
            raw += hostile_heads.last_words(self._names)
        self._told = raw[:3000]
        drip = chance.random() < 0.3
        client = await self._proxy.connect()
        sending = asyncio.ensure_future(
            send(client, cut(chance, raw) if drip else [raw], chance if drip else None)
        )
        try:
            found = await everything(client, SECONDS)
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            await _close(client)
        saw = self._application.saw
        assert not self._application.violations, self._application.violations
        assert saw[: len(found.passed_on)] == found.passed_on, (saw, found)
        assert found.broken or len(saw) == len(found.passed_on), (saw, found)
        assert OWN.issuperset(found.own), found
        assert not any(b"smuggled" in each.body for each in found.replies), found
        self._counts.update(f"own {status}" for status in found.own)
        self._counts["hostile requests"] += 1

    # Wrong replies are refused, and nobody else's

    async def replies(self, chance: random.Random) -> None:
        """A wrong reply harms its own request only."""
        self._script, self._ended = hostile_replies.script(chance), asyncio.Event()
        self._told = self._script
        client = await self._proxy.connect()
        body = chance.randbytes(chance.choice((0, 0, 10, 50_000)))
        method = "POST" if body else "GET"
        request = head(self._bad, f"Content-Length: {len(body)}", method=method, path="/hostile")
        sending = asyncio.ensure_future(send(client, [request + body], None))
        try:
            await self._check_fate(client, chance)
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            await _close(client)
        await self._check_others(chance)
        self._counts["hostile replies"] += 1

    async def _check_fate(self, client: Client, chance: random.Random) -> None:
        script = self._script
        if script.fate is Fate.ANY and chance.random() < 0.5:
            client.write(head(self._bad, path="/sentinel/after"))
        if script.fate is Fate.ANY:
            with suppress(TimeoutError):
                await everything_of_one(client)
            return
        if script.fate is Fate.BROKEN:
            try:
                got = await client.ended()
            except ConnectionError:
                return
            # A reset drops what was not read yet, which may be the head of the reply.
            assert script.end is End.RESETS, f"it looks whole: {got[:300]!r}"
            assert (got[:13], b"bad_reply" in got) == (b"HTTP/1.1 502 ", True), got[:300]
            return
        reply = await client.reply()
        if script.fate is Fate.REFUSED:
            assert (reply.status, b"bad_reply" in reply.body) == (502, True), reply
        else:
            assert (reply.status // 100, reply.body) == (2, b"ok"), reply
            assert reply.get("set-cookie") is None, reply
        if script.given_up:
            await asyncio.wait_for(self._ended.wait(), 10)
        assert (await client.send(head(self._bad, path="/sentinel/own"))).body == b"/sentinel/own"

    async def _check_others(self, chance: random.Random) -> None:
        for _ in range(2):
            client = await self._proxy.connect()
            path = f"/sentinel/{chance.randrange(10**9)}"
            reply = await client.send(head(self._bad, path=path))
            assert (reply.status, reply.body) == (200, path.encode()), reply
            await _close(client)

    async def _answer_badly(self, connection: Connection) -> None:
        while True:
            request = await read_strictly(connection.reader)
            if request.target.startswith("/sentinel/"):
                await connection.reply(request.target.encode())
                continue
            script, ended = self._script, self._ended
            try:
                for piece in script.pieces:
                    await connection.write(piece)
                    await asyncio.sleep(0)
                if script.end is End.STAYS and script.given_up:
                    await connection.gone()
            except ConnectionError:
                return
            finally:
                ended.set()
            if script.end is End.RESETS:
                connection.reset()
            if script.end is not End.STAYS or script.given_up:
                return


async def everything_of_one(client: Client) -> None:
    """What comes in answer to mutated bytes: it must end, or stay quiet, and be no proxy's bug."""
    with suppress(ConnectionError, EOFError, asyncio.LimitOverrunError, ValueError):
        reply = await client.reply()
        assert reply.status not in (500, 503), reply


async def _close(client: Client) -> None:
    client.writer.close()
    with suppress(ConnectionError):
        await client.writer.wait_closed()
