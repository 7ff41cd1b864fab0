"""References in values: `${{ env.NAME }}` and `${{ secrets.NAME }}`; `$$` stands for `$`.

The client fills in `env` from what its user gave; the server fills in `secrets`, and resolves the
escapes. What the client puts in is escaped, so that the server takes it for what it is.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from perdure.errors import MissingVariable, UnknownSecret
from spec.reference import TOKEN, ReferenceSource, find_references, parse_reference
from spec.service import ServiceConfiguration


def fill_env(text: str, env: Mapping[str, str]) -> str:
    """Put variables in; secrets and escapes stay. `MissingVariable` names the first unknown one."""

    def replacement(match: re.Match[str]) -> str:
        if match["inside"] is None:
            return match[0]
        reference = parse_reference(match["inside"])
        if reference.source is ReferenceSource.SECRETS:
            return match[0]
        return _variable(reference.name, env).replace("$", "$$")

    return TOKEN.sub(replacement, text)


def fill_secrets(text: str, secrets: Mapping[str, str]) -> str:
    """Put secrets in and resolve escapes. `UnknownSecret` names the first unknown one.

    A variable that is left has no value: `MissingVariable`.
    """

    def replacement(match: re.Match[str]) -> str:
        if match["inside"] is None:
            return "$"
        reference = parse_reference(match["inside"])
        if reference.source is ReferenceSource.ENV:
            return _variable(reference.name, {})
        if reference.name not in secrets:
            raise unknown_secrets([reference.name])
        return secrets[reference.name]

    return TOKEN.sub(replacement, text)


def unknown_secrets(names: Sequence[str]) -> UnknownSecret:
    """The error for secrets, at least one, that the project does not have."""
    listed = ", ".join(f"`{name}`" for name in names)
    return UnknownSecret(
        f"The project has no secret {listed}.",
        hint=f"`perdure secret set {names[0]}` asks for its value.",
    )


def interpolated_texts(configuration: ServiceConfiguration) -> Iterator[str]:
    """The values in which references are looked for: of `env` and of `registry_auth`."""
    yield from (value for value in configuration.env.values() if value is not None)
    if configuration.registry_auth is not None:
        yield configuration.registry_auth.username
        yield configuration.registry_auth.password


def secrets_needed(configuration: ServiceConfiguration) -> frozenset[str]:
    """The names of the secrets that the configuration refers to."""
    return secrets_in(interpolated_texts(configuration))


def secrets_in(texts: Iterable[str]) -> frozenset[str]:
    """The names of the secrets that these values refer to."""
    return frozenset(
        reference.name
        for text in texts
        for reference in find_references(text)
        if reference.source is ReferenceSource.SECRETS
    )


def _variable(name: str, env: Mapping[str, str]) -> str:
    if name not in env:
        raise MissingVariable(
            f"`${{{{ env.{name} }}}}` refers to a variable without a value.",
            hint=f"Set `{name}` in the environment, or pass `-e {name}=…`.",
        )
    return env[name]
