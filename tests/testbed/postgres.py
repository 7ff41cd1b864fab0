"""A PostgreSQL server of the tests' own: a cluster in a folder, a database for each test."""

import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.ports import free_port
from tests.testbed.deadline import wait_until
from tests.testbed.tool import INSTALL

USER = "perdure"
DEBIAN = Path("/usr/lib/postgresql")
"""A folder per version; only `psql` and its kind are in Debian's PATH."""
QUICK = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "300",
    "log_min_messages": "warning",
    "autovacuum": "off",
}


class Postgres:
    """A server on a port of this machine. Its password is random: no log may have it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.password = secrets.token_hex(16)
        self._made = 0
        self._process: subprocess.Popen[bytes] | None = None

    def create(self) -> None:
        """Make the cluster, and start it."""
        pwfile = self.folder / "password"
        pwfile.write_text(self.password)
        self._own(self.folder, pwfile)
        self._run(
            *("initdb", "--pgdata", self.folder / "data", "--username", USER, "--no-sync"),
            *("--auth", "scram-sha-256", "--pwfile", pwfile, "--encoding", "UTF8"),
            "--no-locale",
        )
        pwfile.unlink()
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = [word for name, value in QUICK.items() for word in ("-c", f"{name}={value}")]
        # It ends with us, however we end.
        command = [*_as_postgres(), "--pdeathsig=INT", _program("postgres"), *options]
        command += ["-D", str(self.folder / "data"), "-k", str(self.folder)]
        command += ["-h", "127.0.0.1", "-p", str(self.port)]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_until(self._answers, "PostgreSQL answers")

    def stop(self) -> None:
        """Stop it, whoever is connected."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        self._process.wait(30)

    def make(self, template: str = "template0") -> str:
        """A new database's name; a copy of `template`, to which nobody is connected."""
        self._made += 1
        name = f"d{self._made}"
        self._run("createdb", "--template", template, name)
        return name

    def drop(self, name: str) -> None:
        """Remove it, whoever is connected."""
        self._run("dropdb", "--force", name)

    def sql(self, database: str, statement: str) -> str:
        """What a statement answers."""
        return self._run("psql", "--no-psqlrc", "-qAt", "-d", database, "-c", statement).strip()

    def content(self, database: str) -> str:
        """All rows, their bytes as they are. The same again while nothing is written."""
        dump = self._run("pg_dump", "--data-only", "--inserts", database)
        return "\n".join(line for line in dump.splitlines() if line.startswith("INSERT"))

    def url(self, database: str, *, user: str = USER, password: str = "") -> str:
        """Of a database, as a setting."""
        word = password or self.password
        return f"postgresql+asyncpg://{user}:{word}@127.0.0.1:{self.port}/{database}"

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "log").read_text()
        where = ("-h", "127.0.0.1", "-p", str(self.port))
        asked = subprocess.run([_program("pg_isready"), *where], capture_output=True, check=False)
        return asked.returncode == 0

    def _run(self, program: str, *arguments: str | Path) -> str:
        ours = {"PGHOST": "127.0.0.1", "PGPORT": str(self.port), "PGUSER": USER}
        ours["PGOPTIONS"] = "-c bytea_output=escape"
        done = subprocess.run(
            [*_as_postgres(), _program(program), *arguments],
            env={**os.environ, **ours, "PGPASSWORD": self.password, "PGDATABASE": "postgres"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=self.folder,
        )
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr}")
        return done.stdout

    def _own(self, *paths: Path) -> None:
        if os.geteuid() == 0:
            for path in paths:
                shutil.chown(path, "postgres", "postgres")


@contextmanager
def running(folder: Path) -> Iterator[Postgres]:
    """One in this folder, which is removed with it."""
    server = Postgres(folder)
    try:
        server.create()
        yield server
        server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _program(name: str) -> str:
    versions = sorted(DEBIAN.glob("*"), key=lambda path: float(path.name), reverse=True)
    search = os.pathsep.join([*(str(path / "bin") for path in versions), os.environ["PATH"]])
    found = shutil.which(name, path=search)
    if found is None and os.geteuid() == 0:
        subprocess.run([INSTALL], check=True, timeout=600)
        found = shutil.which(name, path=f"{search}:{next(DEBIAN.glob('*'))}/bin")
    assert found is not None, f"`{name}` is missing: run {INSTALL} as root"
    return found


def _as_postgres() -> tuple[str, ...]:
    """PostgreSQL does not run as root; its package brings a user for it."""
    if os.geteuid():
        return ("setpriv",)
    return ("setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups")
