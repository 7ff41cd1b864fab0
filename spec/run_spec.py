"""What a run is asked to be, and the code that it runs."""

from spec.public import Model
from spec.scale import ScalingSpec
from spec.service import ServiceConfiguration


class CodeArchive(Model):
    """The repository's contents: a gzipped tar in the store, by the SHA-256 (hex) of its bytes.

    `identity` is a hash of the contents but for the files that describe services: one whose
    `replicas` were edited still runs the same code. Empty where nobody knows it.
    """

    sha256: str
    size: int
    identity: str = ""

    def is_same_code(self, other: "CodeArchive | None") -> bool:
        """Whether the other archive has the same contents, as far as the service is concerned."""
        if other is None:
            return False
        if self.identity and other.identity:
            return self.identity == other.identity
        return self.sha256 == other.sha256


class Repository(Model):
    """Where the code came from. `id` is stable; `working_dir` is below the archive's root."""

    id: str
    working_dir: str = "."


class RunSpec(Model):
    """What a run is asked to be. It travels sealed, and still holds no secret value.

    The configuration's `env` has names only, its `registry_auth` is empty: the values lie in the
    store under `sealed`, and `digests` holds a keyed hash of each, by `env.NAME` or
    `registry_auth`, so that two specifications can be compared. `requested` are the properties
    of `resources` that the user wrote, the others are defaults.
    """

    configuration: ServiceConfiguration
    sealed: str = ""
    digests: dict[str, str] = {}
    requested: tuple[str, ...] = ()
    code: CodeArchive | None = None
    repository: Repository | None = None

    @property
    def has_registry_auth(self) -> bool:
        """Whether the image is pulled with credentials, which may lie in the store."""
        return self.configuration.registry_auth is not None or "registry_auth" in self.digests

    @property
    def replicas(self) -> int:
        """How many replicas to begin with: the minimum, and at least one for a range."""
        wanted = self.configuration.replicas
        return wanted.min if wanted.fixed else max(1, wanted.min)

    @property
    def scaling(self) -> ScalingSpec | None:
        """Between how many replicas it follows its load, and by what; None: it does not."""
        asked = self.configuration
        if asked.scaling is None or asked.replicas.fixed:
            return None
        return ScalingSpec(replicas=asked.replicas, scaling=asked.scaling)
