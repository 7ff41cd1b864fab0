"""`/projects/{project}/secrets`: names in, values in, only names out."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import AfterValidator, Field

from api.access import ManagerHere, MemberHere, ServicesHere
from api.body import body
from api.chosen_names import SecretName
from api.document import takes, told
from perdure.errors import Forbidden, InvalidInput, NoSpace, NotFound, TooLarge
from spec.people import Secret
from spec.public import Model
from spec.section import problem

router = APIRouter(
    prefix="/projects/{project}/secrets", tags=["secrets"], responses=told(Forbidden, NotFound)
)


def without_nul(value: str) -> str:
    """What no variable can hold would only fail when a replica starts."""
    if "\0" in value:
        raise problem("The value holds a NUL character.", hint="Encode what is no text.")
    return value


class SecretValue(Model):
    """A secret's value, on its way in."""

    value: Annotated[str, AfterValidator(without_nul)] = Field(
        min_length=1, max_length=64 * 1024, repr=False
    )


@router.get("")
async def secrets(access: MemberHere, services: ServicesHere) -> tuple[Secret, ...]:
    """The project's secrets, without values."""
    return await services.store.secrets.of(access.project)


@router.put(
    "/{name}", openapi_extra=takes(SecretValue), responses=told(InvalidInput, TooLarge, NoSpace)
)
async def set_secret(
    name: SecretName,
    access: ManagerHere,
    services: ServicesHere,
    secret: Annotated[SecretValue, Depends(body(SecretValue))],
) -> Secret:
    """Make a secret, or give it another value. Replicas that run keep the value they have."""
    return await services.store.secrets.set(access.project, name, secret.value, by=access.caller)


@router.delete("/{name}", status_code=204)
async def delete_secret(name: SecretName, access: ManagerHere, services: ServicesHere) -> None:
    """Forget a secret. Replicas that run keep its value; new ones that refer to it fail."""
    await services.store.secrets.delete(access.project, name, by=access.caller)
