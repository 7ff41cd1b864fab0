"""How our processes reach Temporal."""

import asyncio
import logging
from time import monotonic

from temporalio.client import Client
from temporalio.converter import PayloadCodec
from temporalio.envconfig import ClientConfig
from temporalio.service import RetryConfig

from engine.converter import SealingCodec
from engine.plugin import plugin
from perdure.errors import Unavailable
from perdure.keys import MasterKey, Purpose
from perdure.settings import Settings

IMPATIENT = RetryConfig(max_retries=1, max_elapsed_time_millis=1_500)
"""For a proxy, which has better things to do than to wait for Temporal."""

POLL = 0.05
"""Seconds between two attempts to reach a server that is starting beside us."""

log = logging.getLogger(__name__)


def codec(settings: Settings) -> SealingCodec:
    """The codec of this installation. Raises `CannotStart` when its key cannot be read."""
    return SealingCodec(MasterKey.load(settings.master_key_path).subkey(Purpose.PAYLOADS))


async def connect(codec: PayloadCodec | None, *, patient: bool = True) -> Client:
    """A client by Temporal's own environment configuration (`TEMPORAL_ADDRESS`, …).

    Without a codec it reads public payloads only. Raises `Unavailable` when there is no server.
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


async def connect_when_there(codec: PayloadCodec, seconds: float) -> Client:
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
