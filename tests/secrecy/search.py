"""The search for values that may be seen nowhere: in files, answers, histories, process tables."""

import base64
from collections.abc import Iterable, Mapping
from pathlib import Path

from perdure.data_dir import DataDir
from perdure.keys import MasterKey, Purpose, read_internal_keys, read_master_keys

COMMAND = "serve-c4nary-of-a-command"
"""What a user wrote: sealed in Temporal, and in no public text."""
SECRET = "c4nary-of-a-projects-secret"
VARIABLE = "c4nary-of-a-variable"
CANARIES = (COMMAND, SECRET, VARIABLE)

Values = Iterable[str | bytes]


def appearances(value: str | bytes) -> list[bytes]:
    """The value as it is, in hex, and in base64 at each of the three alignments."""
    plain = value.encode() if isinstance(value, str) else value
    shifted = (base64.b64encode(b"\0" * shift + plain)[4:-4] for shift in range(3))
    return [plain, plain.hex().encode(), *shifted]


def found(text: bytes, values: Values) -> list[str | bytes]:
    """Those that are in it, in any of their appearances."""
    return [value for value in values if any(form in text for form in appearances(value))]


def leaks(
    folder: Path, pattern: str, values: Values, but: Iterable[str] = ()
) -> list[tuple[str, str | bytes]]:
    """Which values are in which files, those of certain names excepted."""
    values, excepted = tuple(values), frozenset(but)
    return [
        (file.name, value)
        for file in folder.rglob(pattern)
        if file.is_file() and not file.is_symlink() and file.name not in excepted
        for value in found(file.read_bytes(), values)
    ]


def misplaced_keys(folder: Path, data: DataDir, master_key: Path) -> list[tuple[str, str | bytes]]:
    """Keys and tokens of a server that are in other files than their own."""
    tokens: Mapping[str, Values] = {
        "internal.key": read_internal_keys(data.internal_key),
        "admin.token": [data.admin_token.read_text().strip()],
    }
    places = {"admin.token": ("admin.token", "config.yml")}
    wrong = [
        leak
        for name, values in tokens.items()
        for leak in leaks(folder, "*", values, but=places.get(name, (name,)))
    ]
    material = [each for key in read_master_keys(master_key) for each in _material(key)]
    return wrong + leaks(folder, "*", material, but=(master_key.name, "master.check"))


def _material(key: MasterKey) -> list[bytes]:
    """The key and all that is made from it, of which only the check may lie anywhere."""
    made = [key.subkey(purpose) for purpose in Purpose if purpose is not Purpose.CHECK]
    return [key._secret, *made]
