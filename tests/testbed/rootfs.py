"""File systems for images, made in a moment from this machine's own packages. No registry."""

import io
import os
import subprocess
import tarfile
from functools import cache
from pathlib import PurePosixPath

# bash, Python and the usual small tools.
BASE = """
    libc6 libc-bin bash dash coreutils libtinfo6 libselinux1 libpcre2-8-0 libacl1 libattr1
    libgmp10 zlib1g libexpat1 libssl3 libffi8 libbz2-1.0 liblzma5 libsqlite3-0 libuuid1 libcrypt1
    libgcc-s1 libstdc++6 python3.11-minimal libpython3.11-minimal libpython3.11-stdlib
    python3-minimal procps libproc2-0 sed grep findutils netbase media-types
"""
# With which a container is a machine with Docker.
DOCKER = """
    docker.io containerd runc tini iptables libip4tc2 libip6tc2 libxtables12 libnftnl11 libmnl0
    libnfnetlink0 libnetfilter-conntrack3 libdevmapper1.02.1 libsystemd0 libseccomp2
    libudev1 libzstd1 liblz4-1 libcap2 libgcrypt20 libgpg-error0 mount libblkid1 libmount1
    libsmartcols1 jq libjq1 libonig5 tar
"""

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
    return _tar(BASE.split(), mark)


@cache
def docker_tar() -> bytes:
    """The small one with Docker inside."""
    return _tar([*BASE.split(), *DOCKER.split()])


def _tar(packages: list[str], mark: str = "") -> bytes:
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
        for source, name in _files(packages):
            tar.add(source, arcname=name, recursive=False)
    return buffer.getvalue()


def _info(name: str, kind: bytes, mode: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.mode = kind, mode
    return info


def _files(packages: list[str]) -> list[tuple[str, str]]:
    listed = subprocess.run(
        ["dpkg-query", "-L", *packages], capture_output=True, text=True, check=True
    ).stdout.splitlines()
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
