"""Leaving out what is secret: every value that is known to be, in every form that it may have."""

import base64
import json
import os
import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote, quote_plus, urlsplit

from perdure.client_config import client_file, load
from perdure.errors import PerdureError
from perdure.keys import SIZE
from perdure.settings import Settings
from store.store import open_store

REMOVED = b"[removed]"
SHORTEST = 6
"""Bytes of a value that is looked for: a shorter one is no secret, and in every other word."""
VARIABLES = re.compile(r"TOKEN|SECRET|PASSWORD|API_KEY|KEY_DATA|CREDENTIAL")
"""Of the environment: those whose names say that their values are nobody's business."""


class Redaction:
    """Removes these values."""

    def __init__(self, secrets: Iterable[bytes]) -> None:
        long = {each for each in secrets if len(each) >= SHORTEST}
        forms = {form for secret in long for form in forms_of(secret) if len(form) >= SHORTEST}
        # The longest first: one that holds another must not leave its ends.
        ordered = sorted(forms, key=lambda form: (-len(form), form))
        self._pattern = re.compile(b"|".join(map(re.escape, ordered))) if ordered else None

    def clean(self, text: bytes) -> bytes:
        """The text without them."""
        return self._pattern.sub(REMOVED, text) if self._pattern else text


def forms_of(secret: bytes) -> set[bytes]:
    """A value as it is, in hexadecimal, in base64 at each alignment, escaped for JSON and URLs."""
    forms = {secret, secret.hex().encode(), secret.hex().upper().encode()}
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        forms |= {encode(secret), encode(secret).rstrip(b"=")}
        forms |= {encode(b"\0" * shift + secret)[4:-4] for shift in range(3)}
    try:
        text = secret.decode()
    except UnicodeDecodeError:
        return forms
    for ascii_only in (True, False):
        forms.add(json.dumps(text, ensure_ascii=ascii_only)[1:-1].encode())
    return forms | {quote(text, safe="").encode(), quote_plus(text).encode()}


async def secrets_of(settings: Settings) -> set[bytes]:
    """Every secret that this machine's files, environment and store have.

    Raises `PerdureError` when the store cannot tell its own: then nothing may be shown in which
    they could be.
    """
    found = {value.encode() for value in _of_environment(settings)} | set(_of_files(settings))
    async with open_store(settings) as store:
        found |= {value.encode() for value in await store.secrets.all_values()}
        for sealed in await store.envelopes.all_values():
            found |= {value.encode() for value in sealed.env.values()}
            if sealed.registry is not None:
                found |= {sealed.registry.username.encode(), sealed.registry.password.encode()}
    # What has several lines may be shown line by line.
    return found | {line.strip() for each in found for line in each.splitlines()}


def _of_environment(settings: Settings) -> Iterable[str]:
    yield from (value for name, value in os.environ.items() if VARIABLES.search(name.upper()))
    if settings.admin_token is not None:
        yield settings.admin_token.get_secret_value()
    yield urlsplit(settings.store_url).password or ""
    try:
        yield from (entry.token for entry in load(client_file()).projects)
    except PerdureError:
        return  # a file that nobody can read has no token for anybody


def _of_files(settings: Settings) -> Iterable[bytes]:
    data = settings.data
    for path in (settings.master_key_path, data.internal_key, data.admin_token, *_keys(data.keys)):
        if path.is_file():
            content = path.read_bytes()
            yield from (content, content.strip())
            if path == settings.master_key_path:
                yield from (content[at : at + SIZE] for at in range(0, len(content), SIZE))


def _keys(folder: Path) -> Iterable[Path]:
    return (path for path in folder.glob("*") if path.suffix != ".pub") if folder.is_dir() else ()
