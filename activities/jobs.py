"""Jobs: the only place where a configuration meets its secrets."""

from engine import ids
from policy.image import DefaultImage, image_of
from policy.job import make_job
from spec.deeds import ContainerOrder, ReplicaStart
from spec.interpolation import fill_secrets
from spec.job import Job, JobCode, RegistryCredentials
from spec.machine import RuntimeKind
from spec.reference import ReferenceSource, find_references
from spec.run_spec import RunSpec
from spec.sealed import SealedValues
from store.store import Store


class Jobs:
    """Makes jobs, with plain values: they go to a runtime and nowhere else."""

    def __init__(self, store: Store, default_image: DefaultImage) -> None:
        self._store = store
        self._default_image = default_image

    async def make(self, order: ContainerOrder, runtime: RuntimeKind) -> Job:
        """The job of a replica, with its values and its code.

        Raises `NotFound` when these are gone, `UnknownSecret` when a secret was deleted since.
        """
        start = order.start
        job = make_job(
            order,
            await self._values(start),
            server=await self._store.installation.id(),
            image=self._image(start.spec, runtime),
            run_uuid=ids.run_uuid(start.project, start.run, start.incarnation),
        )
        if start.spec.code is None:
            return job
        path = await self._store.code.path(start.project, start.spec.code)
        code = JobCode(path=str(path), limit=self._store.code.limit)
        return job.model_copy(update={"code": code})

    def _image(self, spec: RunSpec, runtime: RuntimeKind) -> str | None:
        if runtime is RuntimeKind.PROCESS:
            return spec.configuration.image
        return image_of(spec.configuration, self._default_image)

    async def _values(self, start: ReplicaStart) -> SealedValues:
        if not start.spec.sealed:
            return SealedValues()
        sealed = await self._store.envelopes.open(start.spec.sealed, start.project, start.run)
        texts = list(sealed.env.values())
        if sealed.registry is not None:
            texts += [sealed.registry.username, sealed.registry.password]
        names = {
            reference.name
            for text in texts
            for reference in find_references(text)
            if reference.source is ReferenceSource.SECRETS
        }
        secrets = await self._store.secrets.values(start.project, names)
        registry = sealed.registry and RegistryCredentials(
            username=fill_secrets(sealed.registry.username, secrets),
            password=fill_secrets(sealed.registry.password, secrets),
        )
        env = {name: fill_secrets(value, secrets) for name, value in sealed.env.items()}
        return SealedValues(env=env, registry=registry)
