"""File systems for images, made in a moment from this machine's own packages. No registry."""

import io
import os
import re
import tarfile
from functools import cache
from pathlib import PurePosixPath

from tests.testbed.tool import INSTALL, run

# Two shells, Python and the usual small tools: the essential ones that no package names.
BASE = "bash dash coreutils python3-minimal libpython3-stdlib procps sed grep findutils netbase"
# With which a container is a machine with Docker.
DOCKER = "docker.io tini iptables mount jq tar"
# Wanted by scripts of packages, by nothing that runs here.
LEFT_OUT = {"perl-base", "debconf", "systemd", "adduser", "passwd", "git", "dpkg"}

FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/bash\napp:x:1500:1600::/home/app:/bin/bash\n",
    "etc/group": "root:x:0:\napp:x:1600:\nweb:x:1700:\n",
    "etc/nsswitch.conf": "hosts: files dns\n",
}
FOLDERS = "usr usr/bin usr/sbin usr/lib usr/lib64 etc root home run proc sys dev var var/tmp tmp"
LINKS = ("bin", "sbin", "lib", "lib64")


@cache
def base_tar(mark: str = "") -> bytes:
    """The small one: about 60 MB. Each `mark` makes another image, with no layer in common."""
    return _tar(BASE, mark)


@cache
def docker_tar() -> bytes:
    """The small one with Docker inside."""
    return _tar(f"{BASE} {DOCKER}")


def _tar(packages: str, mark: str = "") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for folder in FOLDERS.split():
            tar.addfile(_info(folder, tarfile.DIRTYPE, 0o1777 if "tmp" in folder else 0o755))
        for link in LINKS:
            info = _info(link, tarfile.SYMTYPE, 0o777)
            info.linkname = f"usr/{link}"
            tar.addfile(info)
        for name, text in {**FILES, "etc/mark": mark}.items():
            info = _info(name, tarfile.REGTYPE, 0o644)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
        for source, name in _files(with_dependencies(packages.split())):
            tar.add(source, arcname=name, recursive=False)
    return buffer.getvalue()


def with_dependencies(roots: list[str]) -> list[str]:
    """The installed packages that `roots` need, themselves included."""
    needs = _needs()
    missing = [root for root in roots if root not in needs]
    if missing:
        raise RuntimeError(f"Not installed: {' '.join(missing)}. Run {INSTALL}")
    found, waiting = set[str](), list(roots)
    while waiting:
        package = waiting.pop()
        if package not in found and package not in LEFT_OUT:
            found.add(package)
            waiting += [one for one in needs[package] if one in needs]
    return sorted(found)


def _needs() -> dict[str, list[str]]:
    """Of each installed package: the names, without versions, that it depends on."""
    form = "${db:Status-Abbrev}\t${Package}\t${Pre-Depends}, ${Depends}\n"
    rows = [row.split("\t") for row in run("dpkg-query", "-W", "-f", form).splitlines()]
    return {
        package: [name.partition(":")[0] for name in re.findall(r"(?:^|[,|])\s*([^\s,|]+)", needs)]
        for status, package, needs in rows
        if status.startswith("ii")
    }


def _info(name: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.mode = kind, mode
    return info


def _files(packages: list[str]) -> list[tuple[str, str]]:
    listed = run("dpkg-query", "-L", *packages).splitlines()
    found: dict[str, str] = {}
    for source in listed:
        if source.startswith("/usr/share/") or not os.path.lexists(source):
            continue
        if os.path.isdir(source) and not os.path.islink(source):
            continue
        path = PurePosixPath(source).relative_to("/")
        name = f"usr/{path}" if path.parts[0] in LINKS else str(path)
        if name not in FILES and str(path) not in LINKS:
            found.setdefault(name, source)
    # What the packages' scripts make: these are not in their lists.
    for name in ("usr/sbin/iptables", "usr/bin/python3"):
        if os.path.lexists(f"/{name}"):
            found.setdefault(name, os.path.realpath(f"/{name}"))
    return [(source, name) for name, source in found.items()]
