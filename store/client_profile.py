"""The client's entry for this server, so that the command line works right after the first start.

`~/.perdure/config.yml` holds `projects: [{name, url, token, default}]`.
"""

import os
import secrets
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from perdure.errors import CannotStart

OWN_HOSTS = ("localhost", "127.0.0.1", "::1")


def default_path() -> Path:
    """Where the command line looks: `PERDURE_CONFIG`, else `~/.perdure/config.yml`."""
    return Path(os.environ.get("PERDURE_CONFIG") or "~/.perdure/config.yml").expanduser()


def write_profile(path: Path, project: str, url: str, token: str) -> None:
    """Add or renew the entry `project`; nothing is written when it is right.

    An entry of that name for a server on another machine is left alone: it is the user's choice.
    Raises `CannotStart` when the file is not what the command line writes, or cannot be written.
    """
    entries = _entries(path)
    known = next((entry for entry in entries if entry.get("name") == project), None)
    if known is not None and urlsplit(str(known.get("url"))).hostname not in OWN_HOSTS:
        return
    renewed = {
        "name": project,
        "url": url,
        "token": token,
        "default": known.get("default", False) if known else not entries,
    }
    if known == renewed:
        return
    others = [entry for entry in entries if entry is not known]
    _write(path, yaml.safe_dump({"projects": [*others, renewed]}, sort_keys=False))


def _entries(path: Path) -> list[dict[str, Any]]:
    try:
        content = yaml.safe_load(path.read_text()) or {}
        entries = content.get("projects", [])
        if all(isinstance(entry, dict) for entry in entries):
            return list(entries)
    except FileNotFoundError:
        return []
    except (OSError, yaml.YAMLError, AttributeError, TypeError):
        # Not shown: the message may quote a token.
        pass
    raise CannotStart(
        f"`{path}` cannot be read as the client's configuration.", hint="Repair or remove it."
    )


def _write(path: Path, text: str) -> None:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft.touch(mode=0o600)
        draft.write_text(text)
        draft.replace(path)
    except OSError as error:
        raise CannotStart(f"`{path}` cannot be written: {error.strerror}.") from error
    finally:
        draft.unlink(missing_ok=True)
