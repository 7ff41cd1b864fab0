"""What a server says of itself."""

from spec.public import Model


class Server(Model):
    """Its version, its id, and the URL that its endpoints begin with.

    `code_limit_mb` is the most that the files of a run's code may have together, before
    compression; in units of 1024 * 1024 bytes.
    """

    version: str
    id: str
    url: str
    code_limit_mb: int


class MasterKeyUse(Model):
    """A master key, by its id. The `current` one seals, the others open what they sealed before.

    `values` in the store and `workflows` that go on need it. How many workflows need the current
    one is not counted.
    """

    id: str
    current: bool
    values: int
    workflows: int | None = None


class KeyRotation(Model):
    """After a rotation: the id of the new key, and how many values were sealed again by it.

    `unreadable` are those that no key here opens.
    """

    key: str
    values: int
    unreadable: int = 0
