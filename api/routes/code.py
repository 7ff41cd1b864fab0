"""`/projects/{project}/code/{sha256}`: code archives, by the SHA-256 of their content."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from api.access import MemberHere, ServicesHere
from api.document import told
from perdure.errors import Forbidden, InvalidInput, NoSpace, NotFound, TooLarge
from spec.run_spec import CodeArchive
from store.code import too_large

router = APIRouter(
    prefix="/projects/{project}/code",
    tags=["code"],
    responses=told(Forbidden, NotFound, InvalidInput),
)

ARCHIVE = {
    "requestBody": {
        "required": True,
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}

Sha256 = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]


@router.head("/{sha256}", status_code=204)
async def has_code(sha256: Sha256, access: MemberHere, services: ServicesHere) -> Response:
    """Whether the archive is there: 204, or 404."""
    if await services.store.code.ask(access.project, sha256) is None:
        raise NotFound("The archive is not in the store.")
    return Response(status_code=204)


@router.put("/{sha256}", status_code=201, openapi_extra=ARCHIVE, responses=told(TooLarge, NoSpace))
async def put_code(
    sha256: Sha256, request: Request, access: MemberHere, services: ServicesHere
) -> CodeArchive:
    """Send an archive. What is too large is refused by its announced size, before it is sent."""
    services.settings.data.require_space()
    code = services.store.code
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > code.limit:
        raise too_large(code.limit)
    return await code.put(access.project, sha256, request.stream(), by=access.caller)
