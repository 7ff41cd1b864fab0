"""Which properties of a configuration plain processes cannot honour, by name."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from hosts.process import python
from hosts.process.environment import CODE, argv
from perdure.errors import RuntimeUnsupported
from spec.job import Job

RULES: tuple[tuple[str, Callable[[Job], bool], str], ...] = (
    ("image", lambda job: job.image is not None, "there are no images without Docker"),
    ("registry_auth", lambda job: job.registry is not None, "there are no images without Docker"),
    ("privileged", lambda job: job.privileged, "there is no container that could have privileges"),
    ("user", lambda job: job.user is not None, "each replica runs under an account of its own"),
    ("shm_size", lambda job: job.shm_size is not None, "`/dev/shm` is the machine's own"),
    ("nvcc", lambda job: job.nvcc, "CUDA's compiler comes with the default image"),
    (
        "volumes",
        lambda job: any(not mount.optional for mount in job.mounts),
        "nothing can be mounted without a container",
    ),
    ("commands", lambda job: not argv(job), "there is nothing to run"),
)
LONGEST_NAME = 255  # bytes; Linux's NAME_MAX
UNPRIVILEGED_PORTS = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")


def refusals(job: Job, available: Mapping[str, str]) -> Iterator[str]:
    """Each property that is refused, with the reason."""
    for name, applies, reason in RULES:
        if applies(job):
            yield f"`{name}` is not possible in the process runtime: {reason}."
    if job.working_dir and not _below_code(job.working_dir):
        yield (
            "`working_dir` is not possible in the process runtime outside of the code: "
            f"`{job.working_dir}`."
        )
    elif job.working_dir and not _can_be(job.working_dir):
        yield (
            "`working_dir` is not possible: no folder can have a name with a null byte, or of more "
            f"than {LONGEST_NAME} bytes."
        )
    first = int(UNPRIVILEGED_PORTS.read_text())
    if job.port < first:
        yield (
            f"`port` {job.port} is not possible in the process runtime: ports below {first} are "
            "for root."
        )
    try:
        python.choose(available, job.python)
    except RuntimeUnsupported as refused:
        yield f"{refused.message} {refused.hint}"


def _can_be(path: str) -> bool:
    longest = max(len(name.encode(errors="replace")) for name in path.split("/"))
    return "\0" not in path and longest <= LONGEST_NAME


def _below_code(path: str) -> bool:
    relative = path.removeprefix(CODE).lstrip("/") if path.startswith(f"{CODE}/") else path
    return path == CODE or (not relative.startswith("/") and ".." not in relative.split("/"))
