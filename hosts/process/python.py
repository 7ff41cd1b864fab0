"""The Pythons of this machine, as far as a replica can use them, and its environment."""

import asyncio
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from pydantic import TypeAdapter
from uv import find_uv_bin

from perdure.errors import ContainerCreateFailed, RuntimeUnsupported, sentence
from spec.container import DEFAULT_PYTHON
from spec.public import Model

ASK = "import sys, encodings; print('%d.%d' % sys.version_info[:2])"
CREATE_SECONDS = 300.0  # an index that does not answer must not hold a replica for ever


class _Installed(Model):
    path: str


def pythons(environment: Mapping[str, str], uid: int | None) -> dict[str, str]:
    """Interpreters by version (`3.12`), each one run by the account; uv's first find wins."""
    listed = subprocess.run(
        [find_uv_bin(), "python", "list", "--only-installed", "--output-format", "json"],
        env=dict(environment) | {"UV_PYTHON_DOWNLOADS": "never"},
        capture_output=True,
        check=False,
        cwd="/",
    )
    found: dict[str, str] = {}
    entries = TypeAdapter(list[_Installed]).validate_json(listed.stdout or b"[]")
    for path in (*(entry.path for entry in entries), _own()):
        version = _version(path, uid)
        if version and version not in found:
            found[version] = path
    return found


def choose(available: Mapping[str, str], wanted: str | None) -> str:
    """The interpreter for a version; for none, the default image's, the server's own, the newest.

    Raises `RuntimeUnsupported` when it is not there.
    """
    own = f"{sys.version_info.major}.{sys.version_info.minor}"
    newest = sorted(available, key=lambda version: int(version.partition(".")[2]), reverse=True)
    for version in [wanted] if wanted else [DEFAULT_PYTHON, own, *newest]:
        if version in available:
            return available[version]
    raise RuntimeUnsupported(f"`python: {wanted or 'any'}` is not installed here any more.")


async def create_environment(venv: Path, interpreter: str, environment: Mapping[str, str]) -> None:
    """Make a fresh virtual environment with pip; the index is asked only where uv's cache lacks it.

    Raises `ContainerCreateFailed` with uv's own words.
    """
    # Copies, not links: the environment is given to an account, uv's cache is not.
    arguments = ["--seed", "--clear", "--link-mode", "copy", "--python", interpreter, str(venv)]
    failure = ""
    for network in (["--offline"], []):
        failure = await _uv(["venv", "--quiet", "--no-project", *network, *arguments], environment)
        if not failure:
            return
    raise ContainerCreateFailed(sentence(f"The Python environment could not be made: {failure}"))


async def _uv(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """What uv said when it failed; nothing when it did not."""
    process = await asyncio.create_subprocess_exec(
        find_uv_bin(),
        *arguments,
        env=dict(environment) | {"UV_PYTHON_DOWNLOADS": "never"},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        cwd="/",
    )
    try:
        async with asyncio.timeout(CREATE_SECONDS):
            _, told = await process.communicate()
    except TimeoutError:
        return f"uv did not end within {CREATE_SECONDS:.0f} s."
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return told.decode(errors="replace").strip() if process.returncode else ""


def provide_uv(venv: Path, tools: Path | None) -> None:
    """Put uv into an environment, as the default image does: our own, or a copy in `tools`.

    The copy is for accounts that cannot reach ours; it is made once.
    """
    uv = Path(find_uv_bin())
    if tools is not None:
        copy = tools / f"uv-{uv.stat().st_size}-{uv.stat().st_mtime_ns}"
        if not copy.exists():
            tools.mkdir(exist_ok=True)
            tools.chmod(0o755)  # whatever the umask
            new = tools / f".{copy.name}.{os.getpid()}.{threading.get_ident()}"
            shutil.copy(uv, new)
            new.rename(copy)
        uv = copy
    (venv / "bin" / "uv").symlink_to(uv)


def _own() -> str:
    return os.path.realpath(sys.executable)


def _version(path: str, uid: int | None) -> str:
    identity = {} if uid is None else {"user": uid, "group": uid, "extra_groups": []}
    try:
        asked = subprocess.run(  # type: ignore[call-overload]
            [path, "-I", "-c", ASK],
            capture_output=True,
            text=True,
            check=False,
            timeout=10,
            cwd="/",
            env={},
            **identity,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return str(asked.stdout).strip() if asked.returncode == 0 else ""
