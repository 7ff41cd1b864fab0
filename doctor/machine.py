"""What the machine must have: programs, and a container engine for whoever asks for one."""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hosts.docker.connection import Connection
from hosts.machine import gpus
from perdure.errors import CannotStart, HostError
from perdure.settings import RuntimeChoice, Settings
from server.temporal import binary
from spec.finding import Finding, fine, problem, warning

PROGRAMS = {
    "ssh": "Services on other machines are reached by it: `apt install openssh-client`.",
    "find": "It clears what ended replicas left: `apt install findutils`.",
}
OLDEST_API = (1, 41)  # Docker 20.10, which Debian 12 has
ROTATING = frozenset({"json-file", "local"})
"""Log drivers whose logs the engine gives back."""


@dataclass(frozen=True)
class Programs:
    """Where each program is; None where it is missing."""

    paths: Mapping[str, str | None]


async def look_at_programs(_settings: Settings) -> Programs:
    """Look on the path, and beside our Python."""
    try:
        temporal: str | None = binary()
    except CannotStart:
        temporal = None
    uv = shutil.which("uv") or _wheels_uv()
    return Programs(
        {name: shutil.which(name) for name in PROGRAMS} | {"temporal": temporal, "uv": uv}
    )


def _wheels_uv() -> str | None:
    try:
        from uv import find_uv_bin  # noqa: PLC0415 - its absence is a finding
    except ImportError:
        return None
    return str(find_uv_bin())


def judge_programs(seen: Programs) -> Iterator[Finding]:
    """All are there."""
    missing = [name for name, path in seen.paths.items() if path is None]
    for name in missing:
        remedy = PROGRAMS.get(name, "It comes with `pip install 'perdure[server]'`.")
        yield warning(f"The program `{name}` is missing.", remedy)
    if not missing:
        yield fine(f"{', '.join(sorted(seen.paths))} are there.")


@dataclass(frozen=True)
class Engine:
    """A Docker engine, as far as it was asked. `error`: why it does not answer.

    `drivers` is whether the machine's own driver knows GPUs.
    """

    choice: RuntimeChoice
    url: str
    error: str = ""
    version: str = ""
    api: tuple[int, int] = (0, 0)
    live_restore: bool = False
    log_driver: str = ""
    runtimes: frozenset[str] = frozenset()
    gpus: int = 0


async def look_at_engine(settings: Settings) -> Engine:
    """Ask it, unless nobody wants one."""
    choice, url = settings.runtime, settings.docker_host
    count = len(gpus())
    if choice is RuntimeChoice.PROCESS:
        return Engine(choice, url, gpus=count)
    connection = Connection(url)
    try:
        version = await connection.ask("version")
        info = await connection.ask("info")
    except HostError as error:
        return Engine(choice, url, error=error.message, gpus=count)
    finally:
        await connection.close()
    return _engine(choice, url, version, info, count)


def _engine(
    choice: RuntimeChoice, url: str, version: dict[str, Any], info: dict[str, Any], count: int
) -> Engine:
    major, minor = (int(part) for part in str(version["ApiVersion"]).split("."))
    return Engine(
        choice,
        url,
        version=str(version["Version"]),
        api=(major, minor),
        live_restore=bool(info.get("LiveRestoreEnabled")),
        log_driver=str(info.get("LoggingDriver", "")),
        runtimes=frozenset(info.get("Runtimes") or {}),
        gpus=count,
    )


def judge_engine(seen: Engine) -> Iterator[Finding]:
    """The runtime that was chosen works, and survives what it can."""
    if seen.choice is RuntimeChoice.PROCESS:
        yield warning(
            "Replicas run as plain processes, without isolation: `PERDURE_RUNTIME` is `process`.",
            "For other people's services, use Docker.",
        )
        return
    if seen.error:
        if seen.choice is RuntimeChoice.DOCKER:
            yield problem(
                seen.error,
                "Start Docker, name another engine by `PERDURE_DOCKER_HOST`, or set "
                "`PERDURE_RUNTIME` to `process`.",
            )
        else:
            yield warning(
                f"{seen.error} Replicas run as plain processes, without isolation.",
                "For other people's services, start Docker, then the worker again.",
            )
        return
    yield from _qualities(seen)


def _qualities(seen: Engine) -> Iterator[Finding]:
    if seen.api < OLDEST_API:
        yield problem(
            f"The Docker engine at {seen.url} is too old: {seen.version}.",
            "Install Docker 20.10 or newer.",
        )
        return
    yield fine(f"The Docker engine at {seen.url} answers: {seen.version}.")
    if not seen.live_restore:
        yield warning(
            f"The Docker engine at {seen.url} ends all containers when it is restarted or "
            "upgraded.",
            'Put `"live-restore": true` into `/etc/docker/daemon.json`, and reload it.',
        )
    if seen.log_driver not in ROTATING:
        yield problem(
            f"The Docker engine at {seen.url} gives no logs back: its log driver is "
            f"`{seen.log_driver}`.",
            'Put `"log-driver": "json-file"` into `/etc/docker/daemon.json`, and restart it.',
        )
    if seen.gpus and "nvidia" not in seen.runtimes:
        yield problem(
            f"The machine has {seen.gpus} GPUs, and its Docker engine cannot give them to "
            "containers.",
            "Install the NVIDIA container toolkit, run `nvidia-ctk runtime configure`, and restart "
            "Docker.",
        )


@dataclass(frozen=True)
class Graphics:
    """GPUs: those that the PCI bus shows, and those that the driver knows."""

    on_bus: int
    known: int


async def look_at_graphics(_settings: Settings) -> Graphics:
    """Ask the kernel and the driver."""
    return Graphics(on_bus=_nvidia_devices(), known=len(gpus()))


def _nvidia_devices(devices: Path = Path("/sys/bus/pci/devices")) -> int:
    """3D and VGA controllers (PCI class 03) of NVIDIA (vendor 10de)."""
    count = 0
    for device in devices.glob("*") if devices.is_dir() else ():
        try:
            vendor = (device / "vendor").read_text().strip()
            kind = (device / "class").read_text().strip()
        except OSError:
            continue
        count += vendor == "0x10de" and kind.startswith("0x03")
    return count


def judge_graphics(seen: Graphics) -> Iterator[Finding]:
    """What is in the machine can be used."""
    if seen.on_bus > seen.known:
        yield problem(
            f"The machine has {seen.on_bus} NVIDIA GPUs, and its driver knows {seen.known}.",
            "Install NVIDIA's driver, or look at `nvidia-smi` and the kernel's log.",
        )
    elif seen.known:
        yield fine(f"The driver knows {seen.known} GPUs.")
