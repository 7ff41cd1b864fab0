"""Images: which to pull, how far a pull is, and what a registry's refusal means."""

import base64
import json
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

from aiodocker import DockerError

from hosts.base import Progress
from hosts.docker.connection import Connection
from perdure.errors import ImageNotFound, ImagePullDenied, ImagePullFailed, sentence
from spec.job import PullProgress, RegistryCredentials

log = logging.getLogger(__name__)

# An image that is there can be used: its registry gets this long to say something.
PATIENCE = timedelta(seconds=20)
# One that is missing is worth waiting for; extracting a big layer on a slow disk is silent.
STALL = timedelta(minutes=10)

# The texts of engines from 20.10 to 28 and of the registries behind them, in lower case. The status
# says little: 20.10 answers 500 to all of these. Denials first: Docker Hub says "repository does
# not exist or may require 'docker login'" to both.
DENIED = (
    "unauthorized",
    "authentication required",
    "no basic auth credentials",
    "denied",
    "incorrect username or password",
    "403 forbidden",
)
NOT_FOUND = ("manifest unknown", "not found", "name unknown", "no such image", "does not exist")


def split_reference(image: str) -> tuple[str, str]:
    """An image's name, and its tag or digest: `latest` without one."""
    if "@" in image:
        name, digest = image.split("@", 1)
        return name, digest
    path, slash, last = image.rpartition("/")
    last, _, tag = last.partition(":")
    return f"{path}{slash}{last}", tag or "latest"


def pull_failure(image: str, text: str) -> ImagePullFailed:
    """The error that the engine's words mean."""
    words = text.lower()
    if any(sign in words for sign in DENIED):
        return ImagePullDenied(
            sentence(f"The registry refused to give `{image}`: {text}"),
            hint="Check the image's name and the credentials in `registry_auth`.",
        )
    if any(sign in words for sign in NOT_FOUND) and "no such host" not in words:
        return ImageNotFound(
            sentence(f"There is no image `{image}`: {text}"), hint="Check its name and its tag."
        )
    return ImagePullFailed(
        sentence(f"`{image}` could not be pulled: {text}"),
        hint="Is the registry reachable from the machine?",
    )


class PullMeter:
    """Adds up the engine's events, which tell of each layer apart."""

    def __init__(self) -> None:
        self._layers: dict[str, tuple[int, int]] = {}

    def feed(self, event: dict[str, Any]) -> PullProgress | None:
        """How far the pull is after `event`; None when it tells nothing of a layer."""
        layer, step = event.get("id", ""), event.get("status", "")
        detail = event.get("progressDetail") or {}
        if step == "Downloading" and "total" in detail:
            self._layers[layer] = (detail.get("current", 0), detail["total"])
        elif step in ("Download complete", "Pull complete") and layer in self._layers:
            self._layers[layer] = (self._layers[layer][1],) * 2
        elif step != "Extracting":
            return None
        return PullProgress(
            done=sum(done for done, _ in self._layers.values()),
            total=sum(total for _, total in self._layers.values()),
            step=step,
        )


def auth_header(credentials: RegistryCredentials | None) -> dict[str, str]:
    """The header with which the engine logs in, for this pull only."""
    if credentials is None:
        return {}
    login = {"username": credentials.username, "password": credentials.password}
    return {"X-Registry-Auth": base64.urlsafe_b64encode(json.dumps(login).encode()).decode()}


async def image_variables(engine: Connection, image: str) -> tuple[str, ...] | None:
    """The image's own `K=V`; None when the engine does not have it."""
    try:
        found = await engine.json("GET", f"images/{image}/json")
    except DockerError as error:
        if error.status == 404:
            return None
        raise pull_failure(image, error.message) from error
    return tuple(found["Config"]["Env"] or ())


async def pull_image(
    engine: Connection, image: str, credentials: RegistryCredentials | None, progress: Progress
) -> None:
    """Pull when absent or `latest`. See `hosts.base.Runtime.pull` for what it raises."""
    _, tag = split_reference(image)
    present = await image_variables(engine, image) is not None
    if present and tag != "latest":
        return
    meter = PullMeter()
    try:
        async for event in _events(engine, image, auth_header(credentials), present):
            if "error" in event:
                raise pull_failure(image, event["error"])
            if (state := meter.feed(event)) is not None:
                progress(state)
    except (ImageNotFound, ImagePullDenied):
        raise
    except ImagePullFailed as failure:
        if not present:
            raise
        log.warning("%s; the one that is on the machine is used", failure.message)


async def _events(
    engine: Connection, image: str, headers: dict[str, str], present: bool
) -> AsyncIterator[dict[str, Any]]:
    name, tag = split_reference(image)
    rest = b""
    try:
        async for chunk in engine.chunks(
            "POST",
            "images/create",
            params={"fromImage": name, "tag": tag},
            headers=headers,
            silence=PATIENCE if present else STALL,
        ):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                if line.strip():
                    yield json.loads(line)
    except TimeoutError as error:
        raise ImagePullFailed(f"The registry of `{image}` does not answer.") from error
    except DockerError as error:
        raise pull_failure(image, error.message) from error
