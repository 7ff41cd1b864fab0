"""Values of the configuration's `env`: from `-e`, from the process's environment, from the file."""

from collections.abc import Mapping, Sequence

from perdure.errors import InvalidInput, MissingVariable
from spec.container import RegistryAuth
from spec.interpolation import fill_env
from spec.reference import find_references
from spec.service import ServiceConfiguration


def with_values(
    configuration: ServiceConfiguration, given: Sequence[str], process: Mapping[str, str]
) -> ServiceConfiguration:
    """The configuration with a value for each variable, and with `${{ env.X }}` filled in.

    `given` are `NAME=VALUE` and `NAME` of `-e`, which win over the file; a name alone takes the
    process's value. References are looked for in what the file says, and nowhere else. Raises
    `MissingVariable` for a name without a value.
    """
    typed = _typed(given, process)
    declared = {
        name: _from_process(name, process)
        for name, value in configuration.env.items()
        if value is None and name not in typed
    }
    literal = declared | typed
    written = {n: v for n, v in configuration.env.items() if v is not None and n not in literal}
    known = {**process, **_plain(written), **literal}
    env = {name: fill_env(text, known) for name, text in written.items()}
    env |= {name: value.replace("$", "$$") for name, value in literal.items()}
    update: dict[str, object] = {"env": env} if env else {}
    if configuration.registry_auth is not None:
        update["registry_auth"] = RegistryAuth(
            username=fill_env(configuration.registry_auth.username, known),
            password=fill_env(configuration.registry_auth.password, known),
        )
    return configuration.model_copy(update=update)


def _typed(given: Sequence[str], process: Mapping[str, str]) -> dict[str, str]:
    values: dict[str, str] = {}
    for entry in given:
        name, equals, value = entry.partition("=")
        if not name.isidentifier() or not name.isascii():
            raise InvalidInput(
                "`-e` is not followed by a variable's name.",
                hint="Write `-e NAME=VALUE`, or `-e NAME` for the value in your environment.",
            )
        values[name] = value if equals else _from_process(name, process)
    return values


def _from_process(name: str, process: Mapping[str, str]) -> str:
    if name not in process:
        raise MissingVariable(
            f"The environment variable `{name}` has no value.",
            hint=f"Set it, as in `export {name}=…`, or pass it: `-e {name}=…`.",
        )
    return process[name]


def _plain(written: Mapping[str, str]) -> dict[str, str]:
    """Values that refer to nothing, as they will be: `$$` is a `$`."""
    return {
        name: text.replace("$$", "$") for name, text in written.items() if not find_references(text)
    }
