"""The user's code: a tar for the container, owned by the user that the container runs as."""

import io
import tarfile
from typing import IO

from hosts.archive import members
from spec.container import WORKFLOW
from spec.job import JobCode

ROOT = WORKFLOW.removeprefix("/")  # the names in a tar have no slash before them
# A user's id and a group's.
Owner = tuple[int, int]


def find_owner(user: str, passwd: str, group: str) -> Owner:
    """The ids behind `user[:group]`, names or numbers, by the texts of the container's two files.

    A user without a group has the group of its line in `passwd`, else 0, as in Docker. Unknown
    names are root here: Docker itself refuses them at the start, with a better message.
    """
    name, _, group_name = user.partition(":")
    if not name:
        return 0, 0
    line = _line(passwd, name)
    uid = int(line[2]) if line else int(name) if name.isdigit() else 0
    if not group_name:
        return uid, int(line[3]) if line else 0
    if group_name.isdigit():
        return uid, int(group_name)
    found = _line(group, group_name)
    return uid, int(found[2]) if found else 0


def _line(text: str, name: str) -> list[str] | None:
    rows = (row.split(":") for row in text.splitlines())
    return next((row for row in rows if len(row) > 3 and name in (row[0], row[2])), None)


def pack_workflow(code: JobCode, owner: Owner, out: IO[bytes]) -> None:
    """Write the code to `out` as a plain tar of `/workflow`, all `owner`'s.

    Nothing is unpacked here: the engine does that, within the container. Raises
    `ContainerCreateFailed` for what `hosts.archive` refuses.
    """
    root = tarfile.TarInfo(ROOT)
    root.type, root.mode = tarfile.DIRTYPE, 0o755
    out.write(_header(root, owner))
    for member, content in members(code):
        if member.name == ".":
            continue
        if member.islnk():
            member.linkname = f"{ROOT}/{member.linkname.removeprefix('./')}"
        member.name = f"{ROOT}/{member.name.removeprefix('./')}"
        out.write(_header(member, owner))
        if member.isreg():
            content.copy(member.size, out)
            out.write(bytes(-member.size % tarfile.BLOCKSIZE))
    out.write(bytes(2 * tarfile.BLOCKSIZE))


def _header(member: tarfile.TarInfo, owner: Owner) -> bytes:
    (member.uid, member.gid), member.uname, member.gname = owner, "", ""
    member.size = member.size if member.isreg() else 0
    return member.tobuf(tarfile.PAX_FORMAT, errors="surrogateescape")


def single_file(tar: bytes) -> str:
    """The text of the only file in a tar that the engine sent."""
    with tarfile.open(fileobj=io.BytesIO(tar)) as archive:
        member = archive.next()
        content = archive.extractfile(member) if member is not None else None
        return "" if content is None else content.read().decode(errors="replace")
