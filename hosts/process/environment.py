"""What a replica's process sees of our environment: a short list, and never anything of ours."""

import os
import sys
from collections.abc import Mapping, Sequence

from hosts.process.folder import ReplicaFolder
from hosts.process.stray import MARK
from spec.container import WORKFLOW
from spec.job import Job

# Configuration of the machine that programs need to reach the outside, and of package installers.
ALLOWED = frozenset(
    {
        *("LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "CUDA_HOME", "CUDA_PATH"),
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"),
        *("http_proxy", "https_proxy", "all_proxy", "no_proxy"),
        *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
        *("NODE_EXTRA_CA_CERTS", "NIX_SSL_CERT_FILE", "HF_ENDPOINT"),
    }
)
ALLOWED_PREFIXES = ("PIP_", "UV_")
# Of those, what points into the server's own folders, or would change where packages go.
NOT_ALLOWED = frozenset(
    {
        *("PIP_CACHE_DIR", "PIP_TARGET", "PIP_PREFIX", "PIP_USER", "PIP_PYTHON", "PIP_LOG"),
        *("UV_CACHE_DIR", "UV_PROJECT", "UV_PROJECT_ENVIRONMENT", "UV_PYTHON", "UV_WORKING_DIR"),
        *("UV_PUBLISH_TOKEN", "UV_PUBLISH_PASSWORD", "UV_PUBLISH_USERNAME", "UV_TOOL_DIR"),
        *("UV_PYTHON_INSTALL_DIR", "UV_TOOL_BIN_DIR", "UV_PYTHON_DOWNLOADS"),
    }
)
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def allowed(environment: Mapping[str, str]) -> dict[str, str]:
    """What a replica may see of an environment."""
    passed = {
        name: value
        for name, value in environment.items()
        if (name in ALLOWED or name.startswith(ALLOWED_PREFIXES)) and name not in NOT_ALLOWED
    }
    return passed | {"PATH": system_path(environment.get("PATH", DEFAULT_PATH))}


def installer_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """What uv gets when it works for a replica: that, and its own cache and configuration."""
    own = ("HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "UV_CACHE_DIR")
    return allowed(environment) | {name: environment[name] for name in own if name in environment}


def system_path(path: str) -> str:
    """The path without our own environment, and without pyenv's shims: they are no Pythons."""
    own = os.path.join(sys.prefix, "bin")
    folders = [
        folder
        for folder in path.split(os.pathsep)
        if folder.startswith("/") and folder != own and not folder.endswith("/.pyenv/shims")
    ]
    return os.pathsep.join(folders) or DEFAULT_PATH


def replica_environment(
    job: Job, folder: ReplicaFolder, environment: Mapping[str, str], *, has_gpus: bool
) -> dict[str, str]:
    """All that the replica's process gets; the job's own variables win."""
    base = allowed(environment)
    base |= {
        "PATH": os.pathsep.join([str(folder.venv / "bin"), base["PATH"]]),
        "VIRTUAL_ENV": str(folder.venv),
        "HOME": str(folder.home),
        "USER": "perdure",  # an account of its own has no name, and many libraries ask for one
        "LOGNAME": "perdure",
        "SHELL": "/bin/sh",
        "TMPDIR": str(folder.temporary),
        "PYTHONUNBUFFERED": "1",
    }
    base.setdefault("LANG", "C.UTF-8")
    if has_gpus or job.gpus:
        base["CUDA_VISIBLE_DEVICES"] = ",".join(job.gpus)
    own = {name: inside(value, folder) for name, value in job.env.items() if name in PATHS}
    return base | job.env | own | {MARK: folder.mark}


# Ours, and told as a container sees them.
PATHS = ("DSTACK_REPO_DIR", "DSTACK_WORKING_DIR")


def inside(path: str, folder: ReplicaFolder) -> str:
    """A path of the container as one of this machine, when it is below `/workflow`."""
    if path == WORKFLOW or path.startswith(f"{WORKFLOW}/"):
        return os.path.normpath(f"{folder.workflow}/{path.removeprefix(WORKFLOW)}")
    return path


def argv(job: Job) -> Sequence[str]:
    """The command of the replica's process."""
    return (*(job.entrypoint or ()), *job.command)
