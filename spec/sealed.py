"""The values of one apply that must not be seen: kept sealed in the store."""

from collections.abc import Iterator

from pydantic import Field

from spec.job import RegistryCredentials
from spec.public import Model


class SealedValues(Model):
    """Values as they were given; `${{ secrets.NAME }}` in them is read when they are used."""

    env: dict[str, str] = Field(default={}, repr=False)
    registry: RegistryCredentials | None = Field(default=None, repr=False)

    @property
    def texts(self) -> Iterator[str]:
        """All of them: those in which references are looked for."""
        yield from self.env.values()
        if self.registry is not None:
            yield self.registry.username
            yield self.registry.password
