"""The programs that the test bed runs."""

import os
import shutil
import subprocess
from pathlib import Path

INSTALL = Path(__file__).with_name("install.sh")
NEEDED = ("dockerd", "docker-registry", "htpasswd", "ip", "iptables", "nsenter", "jq")
# Debian keeps daemons where a plain user's PATH does not look.
SEARCH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"


def require_tools() -> None:
    """Install what is missing when we are root; otherwise fail with the command to run."""
    if os.geteuid() != 0:
        raise RuntimeError("The Docker test bed makes network namespaces: run the tests as root")
    if any(shutil.which(tool, path=SEARCH) is None for tool in NEEDED):
        subprocess.run([INSTALL], check=True, timeout=600)


def run(*command: str | Path, text: str | None = None) -> str:
    """What `command` prints; an error with what it complained of when it fails."""
    done = subprocess.run(
        command,
        input=text,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PATH": SEARCH},
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stderr.strip()}")
    return done.stdout
