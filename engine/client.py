"""How our processes reach Temporal."""

import asyncio
import logging
from time import monotonic

from temporalio.client import Client
from temporalio.envconfig import ClientConfig
from temporalio.service import RetryConfig, RPCError

from engine.converter import PublicCodec, SealingCodec
from engine.plugin import plugin
from perdure.errors import Unavailable
from perdure.key_ring import KeyFile, KeyRing, Keys
from perdure.keys import Purpose, read_authenticity_keys
from perdure.settings import Settings

IMPATIENT = RetryConfig(max_retries=1, max_elapsed_time_millis=1_500)
"""For a proxy, which has better things to do than to wait for Temporal."""

ANSWER_SECONDS = 2.0
"""In which a Temporal that is well answers that it is."""

POLL = 0.05
"""Seconds between two attempts to reach a server that is starting beside us."""

log = logging.getLogger(__name__)


def codec(settings: Settings) -> SealingCodec:
    """The codec of this installation. Raises `CannotStart` when its keys cannot be read."""
    ring = KeyRing(settings.master_key_path)
    return SealingCodec(_authenticity(settings), ring.sub(Purpose.PAYLOADS))


def public_codec(settings: Settings) -> PublicCodec:
    """For a process without the master key. Raises `CannotStart` when its key cannot be read."""
    return PublicCodec(_authenticity(settings))


def _authenticity(settings: Settings) -> Keys:
    return KeyFile(settings.data.internal_key, read_authenticity_keys)


def codec_of(client: Client) -> PublicCodec:
    """The codec with which `connect` made it."""
    made_with = client.data_converter.payload_codec
    assert isinstance(made_with, PublicCodec)
    return made_with


async def problem(client: Client) -> str:
    """Why Temporal cannot be asked now; empty when it answers within `ANSWER_SECONDS`."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            healthy = await client.service_client.check_health()
    except (RPCError, TimeoutError):
        healthy = False
    return "" if healthy else "Temporal does not answer."


async def connect(codec: PublicCodec, *, patient: bool = True) -> Client:
    """A client by Temporal's own environment configuration (`TEMPORAL_ADDRESS`, …).

    Raises `Unavailable` when there is no server.
    """
    config = ClientConfig.load_client_connect_config()
    config.setdefault("target_host", "localhost:7233")
    try:
        return await Client.connect(
            **config, plugins=[plugin(codec)], retry_config=None if patient else IMPATIENT
        )
    except RuntimeError as error:
        raise Unavailable(
            f"Temporal does not answer at `{config['target_host']}`.",
            hint="Start it, or set `TEMPORAL_ADDRESS`.",
        ) from error


async def connect_when_there(codec: PublicCodec, seconds: float) -> Client:
    """As `connect`, once there is a server. Raises `Unavailable` when there is none in time."""
    deadline = monotonic() + seconds
    told = False
    while True:
        try:
            return await connect(codec)
        except Unavailable as error:
            if monotonic() > deadline:
                raise
            if not told:
                log.info("%s Waiting for it, for at most %g s", error.message, seconds)
            told = True
        await asyncio.sleep(POLL)
