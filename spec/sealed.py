"""The values of one apply that must not be seen: kept sealed in the store."""

from pydantic import Field

from spec.job import RegistryCredentials
from spec.public import Model


class SealedValues(Model):
    """Values as they were given; `${{ secrets.NAME }}` in them is read when they are used."""

    env: dict[str, str] = Field(default={}, repr=False)
    registry: RegistryCredentials | None = Field(default=None, repr=False)
