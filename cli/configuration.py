"""The configuration to work with: the file, the profile, and the options over them."""

import sys
from dataclasses import dataclass, field
from pathlib import Path

from cli.overrides import Overrides, override
from perdure.errors import InvalidInput, NotFound
from spec.profile import Profile
from spec.reader import read_configuration, read_profiles
from spec.service import ServiceConfiguration, with_profile

STDIN = "-"
STDIN_NAME = "stdin"
"""What standard input is called where a file would be named."""
DEFAULT_FILES = (".dstack.yml", ".dstack.yaml")
PROFILES = Path(".dstack") / "profiles.yml"


@dataclass(frozen=True)
class Choice:
    """What was asked for on the command line. `profile` None is the default one of its file."""

    file: str | None = None
    profile: str | None = None
    no_profile: bool = False
    overrides: Overrides = field(default_factory=Overrides)


def load(choice: Choice, root: Path) -> tuple[ServiceConfiguration, str]:
    """The configuration and the name of its file; `root` is the repository's.

    An option wins over the file, the file over the profile. Raises `InvalidConfiguration` and
    `InvalidInput`.
    """
    name, text = read_text(choice.file)
    configuration = read_configuration(text, name)
    profile = None if choice.no_profile else find_profile(choice.profile, root)
    if profile is not None:
        configuration = with_profile(configuration, profile)
    return override(configuration, choice.overrides), name


def read_text(file: str | None) -> tuple[str, str]:
    """The name and the text of the file, of stdin for `-`, of `.dstack.yml` here for None."""
    if file == STDIN:
        return STDIN_NAME, sys.stdin.read()
    found = file or next((name for name in DEFAULT_FILES if Path(name).is_file()), None)
    if found is None:
        raise InvalidInput(
            f"There is no `{DEFAULT_FILES[0]}` in this folder.",
            hint="Name the configuration with `-f FILE`.",
        )
    try:
        return found, Path(found).read_text(encoding="utf-8")
    except OSError as error:
        raise InvalidInput(
            f"`{found}` cannot be read: {(error.strerror or '').lower()}.",
            hint="Check its name and its permissions.",
        ) from error
    except UnicodeDecodeError as error:
        raise InvalidInput(f"`{found}` is not UTF-8 text.", hint="Save it as UTF-8.") from error


def find_profile(name: str | None, root: Path) -> Profile | None:
    """The profile of that name, or the default one, from the repository or from the home folder."""
    file = next((f for f in (root / PROFILES, Path.home() / PROFILES) if f.is_file()), None)
    if file is None:
        if name is None:
            return None
        raise NotFound(
            f"There is no profile `{name}`: no `{PROFILES}` in the repository or the home folder.",
            hint=f"Write it into `{PROFILES}`, or leave `--profile` out.",
        )
    return read_profiles(read_text(str(file))[1], str(file)).choose(name)
