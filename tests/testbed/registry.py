"""Real registries on our side of the cable: a private one, and a mirror of Docker Hub's names."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from tests.testbed.deadline import wait_until
from tests.testbed.engine import Engine
from tests.testbed.tool import SEARCH, run

USER, PASSWORD = "$oauthtoken", "s3cret"

CONFIG = """
version: 0.1
log: {{level: error}}
storage: {{filesystem: {{rootdirectory: {folder}/data}}}}
http: {{addr: "{address}"}}
{auth}
"""


class Registry:
    """docker-registry at `address` (`host:port`); `private` asks for `USER` and `PASSWORD`."""

    def __init__(self, folder: Path, address: str, *, private: bool) -> None:
        self.address = address
        self._folder = folder
        self._private = private
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._folder.mkdir(parents=True)
        auth = ""
        if self._private:
            passwords = self._folder / "passwords"
            passwords.write_text(run("htpasswd", "-Bbn", USER, PASSWORD))
            auth = f"auth: {{htpasswd: {{realm: test, path: {passwords}}}}}"
        config = self._folder / "registry.yml"
        config.write_text(CONFIG.format(folder=self._folder, address=self.address, auth=auth))
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                ["docker-registry", "serve", config],
                stdout=log,
                stderr=log,
                env={"PATH": SEARCH},
            )
        wait_until(self._answers, f"the registry at {self.address} answers")

    def stop(self) -> None:
        """End it."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.terminate()
            self._process.wait(timeout=10)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _answers(self) -> bool:
        try:
            with urlopen(f"http://{self.address}/", timeout=1):
                return True
        except (URLError, OSError):
            return False


@contextmanager
def silent_registry(engine: Engine) -> Iterator[str]:
    """The address of one that accepts the engine's connections and says nothing."""
    with socket.create_server((engine.namespace.our_address, 0)) as listener:
        yield f"{engine.namespace.our_address}:{listener.getsockname()[1]}"
