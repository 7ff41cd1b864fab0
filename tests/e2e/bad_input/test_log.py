"""A log is the application's own: whatever it writes harms nobody, and is kept where it belongs."""

from pathlib import Path

from tests.e2e.bad_input.conftest import LOG_QUOTA_MB
from tests.e2e.bad_input.line import example
from tests.e2e.bad_input.lines import log as lines
from tests.e2e.bad_input.test_command import processes, written
from tests.e2e.installation import Installation
from tests.e2e.programs import program
from tests.e2e.test_secrets import temporal
from tests.secrecy.search import leaks

MEGABYTE = 1 << 20
LOUD = """
import socket, sys
served = socket.create_server(("127.0.0.1", PORT))
for _ in range(1024):
    sys.stdout.buffer.write(b"x" * (1 << 20))
"""
CHATTY = "import os; print(os.environ['CONFIDED']); raise SystemExit(3)"
VALUE = "a-secret-that-is-printed"


def peak(place: Installation, part: str) -> int:
    """The most memory that a process has had so far, in bytes."""
    status = Path(f"/proc/{place.pid(part)}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


@example(lines.LONG_LINE)
def test_a_line_of_a_gigabyte_costs_no_memory_and_ends_the_run_over_its_quota(
    small: Installation, tmp_path: Path
) -> None:
    folder = written(tmp_path / "loud", lines.LONG_LINE, LOUD)
    port = (folder / ".dstack.yml").read_text().partition("port: ")[2].split()[0]
    (folder / "app.py").write_text(program(LOUD, int(port)))
    before = {part: peak(small, part) for part in ("worker", "api")}
    done = small.run("apply", "-y", folder=folder)
    lines.LONG_LINE.check(done.returncode, done.stderr)
    grown = {part: peak(small, part) - before[part] for part in before}
    assert max(grown.values()) < 64 * MEGABYTE, grown
    kept = small.run("logs", "loud").stdout.splitlines()
    assert max(map(len, kept)) <= 1.1 * MEGABYTE
    assert MEGABYTE <= sum(map(len, kept)) <= (LOG_QUOTA_MB + 1) * MEGABYTE
    assert processes("loud") == []


@example(lines.SECRETS)
def test_a_secret_that_is_printed_is_in_the_log_and_nowhere_else(
    running: Installation, tmp_path: Path
) -> None:
    running.perdure("secret", "set", "CONFIDED", given=VALUE)
    folder = written(tmp_path / "chatty", lines.SECRETS, CHATTY)
    text = "type: service\nname: chatty\nport: 8000\ncommands: [python3 app.py]\n"
    (folder / ".dstack.yml").write_text(f'{text}env: ["CONFIDED=${{{{ secrets.CONFIDED }}}}"]\n')
    done = running.run("apply", "-y", "-d", folder=folder)
    assert done.returncode == 0, done.stderr
    running.run("logs", "-f", "chatty")
    shown = running.run("logs", "chatty")
    lines.SECRETS.check(shown.returncode, shown.stdout)
    running.perdure("secret", "delete", "-y", "CONFIDED")
    assert {name.partition("-")[0] for name, _ in leaks(running.home, "*", (VALUE,))} == {
        "perdure.db"
    }
    assert VALUE.encode() not in temporal(running, "list")
    assert VALUE not in running.perdure("ps", "-a", "--json")
