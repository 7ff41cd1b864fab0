"""What a runtime cannot honour: asked by the plan, and again before the start."""

import posixpath
from collections.abc import Callable, Iterator

from policy.command import container_command
from policy.image import DefaultImage, image_refusal
from policy.job import working_dir
from spec.container import WORKFLOW
from spec.machine import RuntimeFacts, RuntimeKind
from spec.offer import Refusal
from spec.run_spec import RunSpec
from spec.volumes import InstanceMount

LONGEST_NAME = 255
"""Bytes of a file's name; Linux's NAME_MAX."""

RULES: tuple[tuple[str, Callable[[RunSpec], bool], str], ...] = (
    (
        "image",
        lambda spec: spec.configuration.image is not None,
        "there are no images without Docker",
    ),
    ("registry_auth", lambda spec: spec.has_registry_auth, "there are no images without Docker"),
    (
        "privileged",
        lambda spec: spec.configuration.privileged,
        "there is no container that could have privileges",
    ),
    (
        "user",
        lambda spec: spec.configuration.user is not None,
        "each replica runs under an account of its own",
    ),
    (
        "shm_size",
        lambda spec: spec.configuration.resources.shm_size is not None,
        "`/dev/shm` is the machine's own",
    ),
    ("nvcc", lambda spec: spec.configuration.nvcc, "CUDA's compiler comes with the default image"),
    (
        "volumes",
        lambda spec: any(
            isinstance(mount, InstanceMount) and not mount.optional
            for mount in spec.configuration.volumes
        ),
        "nothing can be mounted without a container",
    ),
    (
        "commands",
        lambda spec: not any(container_command(spec.configuration)),
        "there is nothing to run",
    ),
)
"""Properties that plain processes cannot have, when they cannot, and why."""


def runtime_refusals(
    spec: RunSpec, kind: RuntimeKind, facts: RuntimeFacts, image: DefaultImage
) -> tuple[Refusal, ...]:
    """What such a runtime cannot honour; empty when it can run this."""
    if kind is RuntimeKind.DOCKER:
        refusal = image_refusal(spec.configuration, image)
        return () if refusal is None else (refusal,)
    found = tuple(_of_processes(spec, facts))
    if spec.replicas > 1:
        message = (
            f"`replicas: {spec.configuration.replicas}` is not possible in the process runtime: "
            "all replicas would listen on one port."
        )
        return (_refused("replicas", message), *found)
    return found


def _of_processes(spec: RunSpec, facts: RuntimeFacts) -> Iterator[Refusal]:
    asked = spec.configuration
    for name, applies, reason in RULES:
        if applies(spec):
            yield _refused(name, f"`{name}` is not possible in the process runtime: {reason}.")
    folder = working_dir(spec) or WORKFLOW
    if posixpath.commonpath([folder, WORKFLOW]) != WORKFLOW:
        yield _refused(
            "working_dir",
            "`working_dir` is not possible in the process runtime outside of the code: "
            f"`{folder}`.",
        )
    elif not _can_be(folder):
        yield _refused(
            "working_dir",
            "`working_dir` is not possible: no folder can have a name with a null byte, or of more "
            f"than {LONGEST_NAME} bytes.",
        )
    if asked.port < facts.first_port:
        yield _refused(
            "port",
            f"`port` {asked.port} is not possible in the process runtime: ports below "
            f"{facts.first_port} are for root.",
        )
    if not facts.pythons or (asked.python and asked.python not in facts.pythons):
        yield _refused("python", _no_python(asked.python, facts))


def _refused(subject: str, message: str) -> Refusal:
    return Refusal(subject=subject, message=message)


def _can_be(path: str) -> bool:
    longest = max(len(name.encode(errors="replace")) for name in path.split("/"))
    return "\0" not in path and longest <= LONGEST_NAME


def _no_python(wanted: str | None, facts: RuntimeFacts) -> str:
    newest = sorted(facts.pythons, key=lambda each: int(each.partition(".")[2]), reverse=True)
    missing = (
        f"`python: {wanted}` is not installed here for a replica's use."
        if wanted
        else "There is no Python on this machine that a replica could use."
    )
    available = ", ".join(newest) or "none"
    return f"{missing} Available: {available}. Install it for all users, or use Docker."
