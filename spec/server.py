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
