"""A replica's job: what its machine is told to run."""

import posixpath

from policy.command import container_command
from spec.container import WORKFLOW
from spec.deeds import ContainerOrder
from spec.job import Job, JobLabels, JobMount
from spec.run_spec import RunSpec
from spec.sealed import SealedValues
from spec.volumes import InstanceMount


def make_job(
    order: ContainerOrder, values: SealedValues, *, server: str, image: str | None, run_uuid: str
) -> Job:
    """The job of a replica, secrets in plain text. `image` None is for runtimes without images.

    Where the code lies on the machine is the caller's to say.
    """
    start, asked = order.start, order.start.spec.configuration
    entrypoint, command = container_command(asked)
    limits = asked.resources
    return Job(
        token=order.instance.token,
        labels=JobLabels(
            server=server, project=start.project, run=start.run, replica=order.replica
        ),
        image=image,
        registry=values.registry,
        entrypoint=entrypoint,
        command=command,
        env={**_variables(order, run_uuid), **values.env},
        user=asked.user,
        working_dir=working_dir(start.spec),
        privileged=asked.privileged,
        shm_size=limits.shm_size,
        cpu_limit=limits.cpu.count.max,
        memory_limit=limits.memory.max,
        gpus=order.instance.gpus,
        mounts=tuple(
            JobMount(instance_path=mount.instance_path, path=mount.path, optional=mount.optional)
            for mount in asked.volumes
            if isinstance(mount, InstanceMount)
        ),
        python=asked.python,
        nvcc=asked.nvcc,
        port=asked.port,
    )


def working_dir(spec: RunSpec) -> str | None:
    """Absolute; None is the image's own, where there is neither a wish nor code."""
    if spec.configuration.working_dir is not None:
        return posixpath.normpath(posixpath.join(WORKFLOW, spec.configuration.working_dir))
    if spec.code is None:
        return None
    below = spec.repository.working_dir if spec.repository else "."
    return posixpath.normpath(posixpath.join(WORKFLOW, below))


def _variables(order: ContainerOrder, run_uuid: str) -> dict[str, str]:
    """What every application finds in its environment; one node, as services have."""
    start = order.start
    gpus = str(len(order.instance.gpus))
    repository = start.spec.repository
    return {
        "DSTACK_RUN_ID": run_uuid,
        "DSTACK_JOB_ID": order.instance.token,
        "DSTACK_RUN_NAME": start.run,
        "DSTACK_REPO_ID": repository.id if repository else "",
        "DSTACK_REPO_DIR": WORKFLOW,
        "DSTACK_WORKING_DIR": working_dir(start.spec) or WORKFLOW,
        "DSTACK_GPUS_NUM": gpus,
        "DSTACK_GPUS_PER_NODE": gpus,
        "DSTACK_NODES_NUM": "1",
        "DSTACK_NODE_RANK": "0",
        "DSTACK_NODES_IPS": "127.0.0.1",
        "DSTACK_MASTER_NODE_IP": "127.0.0.1",
        "DSTACK_REPLICA_NUM": str(start.num),
    }
