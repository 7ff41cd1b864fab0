"""From a submission to what Temporal may know of it: values out, a keyed hash of each in."""

import hashlib
import hmac
import json
from dataclasses import dataclass, field

from perdure.errors import MissingVariable
from spec.interpolation import interpolated_texts, secrets_needed
from spec.job import RegistryCredentials
from spec.reference import ReferenceSource, find_references
from spec.run_spec import RunSpec
from spec.sealed import SealedValues
from spec.service import ServiceConfiguration
from spec.submission import Submission
from store.secrets import require
from store.store import Store

REGISTRY = "registry_auth"


@dataclass(frozen=True)
class Stripped:
    """A specification without values, and the values."""

    spec: RunSpec
    values: SealedValues = field(repr=False)


def strip(submission: Submission, project: str, run: str, key: bytes) -> Stripped:
    """Take the values out. Raises `MissingVariable`."""
    configuration = submission.configuration
    require_values(configuration)
    env = {name: value for name, value in configuration.env.items() if value is not None}
    auth = configuration.registry_auth
    values = SealedValues(
        env=env,
        registry=auth and RegistryCredentials(username=auth.username, password=auth.password),
    )
    spec = RunSpec(
        configuration=configuration.model_copy(
            update={"name": run, "env": dict.fromkeys(env), "registry_auth": None}
        ),
        digests=digests(values, project, run, key),
        requested=requested_resources(configuration),
        code=submission.code,
        repository=submission.repository,
    )
    return Stripped(spec=spec, values=values)


def digests(values: SealedValues, project: str, run: str, key: bytes) -> dict[str, str]:
    """A keyed hash of each value: equal ones tell nothing outside their run and their name."""

    def digest(name: str, *value: str) -> str:
        text = json.dumps([project, run, name, *value])
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()

    found = {f"env.{name}": digest(f"env.{name}", value) for name, value in values.env.items()}
    if values.registry is not None:
        credentials = (values.registry.username, values.registry.password)
        found[REGISTRY] = digest(REGISTRY, *credentials)
    return found


def requested_resources(configuration: ServiceConfiguration) -> tuple[str, ...]:
    """The properties of `resources` that somebody wrote: they count on any machine."""
    if "resources" not in configuration.model_fields_set:
        return ()
    return tuple(sorted(configuration.resources.model_fields_set))


def require_values(configuration: ServiceConfiguration) -> None:
    """Raise `MissingVariable` for a name of `env`, or a reference to one, without a value."""
    missing = [name for name, value in configuration.env.items() if value is None]
    for text in interpolated_texts(configuration):
        missing += [
            reference.name
            for reference in find_references(text)
            if reference.source is ReferenceSource.ENV
        ]
    if missing:
        names = ", ".join(f"`{name}`" for name in dict.fromkeys(missing))
        raise MissingVariable(
            f"There is no value for {names}.",
            hint=f"Set it in the environment, or pass `-e {missing[0]}=…`.",
        )


async def require_secrets(store: Store, project: str, configuration: ServiceConfiguration) -> None:
    """Raise `UnknownSecret` for a reference to a secret that the project does not have."""
    await require_known(store, project, secrets_needed(configuration))


async def require_known(store: Store, project: str, needed: frozenset[str]) -> None:
    """Raise `UnknownSecret` for a secret that the project does not have."""
    known = {secret.name for secret in await store.secrets.of(project)}
    require(needed, known)


def fingerprint(request: str, key: bytes) -> str:
    """A keyed hash of the whole request, to tell a repetition from another one."""
    return hmac.new(key, request.encode(), hashlib.sha256).hexdigest()
