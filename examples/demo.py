"""`make demo`: a real language model, from its YAML file to an answered question.

Starts a server of its own in a temporary folder, applies `examples/llm`, asks it twice, and takes
everything down again: at once, or on a terminal when Ctrl-C is pressed.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

EXAMPLE = Path(__file__).parent / "llm"
PERDURE = (sys.executable, "-P", "-m", "perdure")
MODEL = "smollm2-135m"
PATIENCE = 120.0  # seconds; a first start on a slow machine


def main() -> int:
    """The exit status."""
    for sign in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, lambda *_: sys.exit(1))  # so that everything is taken down
    folder = Path(tempfile.mkdtemp(prefix="perdure-demo-"))
    environment = {
        **os.environ,
        "PERDURE_DATA_DIR": str(folder / "server"),
        "PERDURE_CONFIG": str(folder / "config.yml"),
        "PERDURE_PORT": str(free_port(3000)),
        "PERDURE_UI_PORT": str(free_port(8233)),
        "PERDURE_RUNTIME": "process",
    }
    for name in ("PERDURE_URL", "PERDURE_TOKEN", "PERDURE_PROJECT"):
        environment.pop(name, None)
    try:
        with server(environment, folder / "server.log"):
            show(environment)
    except KeyboardInterrupt:
        print("\nInterrupted.")
        return 130
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def show(environment: dict[str, str]) -> None:
    """Apply, ask, ask for a stream, look, stop."""
    url = f"http://localhost:{environment['PERDURE_PORT']}"
    token = (Path(environment["PERDURE_DATA_DIR"]) / "admin.token").read_text().strip()
    try:
        perdure(environment, "apply", "-y", "-d", "-f", str(EXAMPLE / ".dstack.yml"))
        wait_until_ready(environment)
        say(f"A question, through {url}/proxy/models/main/")
        print(ask(f"{url}/proxy/models/main/chat/completions", token, "What is an apple?"))
        say(f"A stream, through {url}/proxy/services/main/smollm2/")
        for word in stream(
            f"{url}/proxy/services/main/smollm2/v1/chat/completions", token, "Name three fruits."
        ):
            print(word, end="", flush=True)
        print()
        say("What runs")
        perdure(environment, "ps")
        say("Where to look")
        print(f"Temporal UI    http://localhost:{environment['PERDURE_UI_PORT']}/")
        print(f"Sign in with   the token in {environment['PERDURE_DATA_DIR']}/admin.token")
        if sys.stdin.isatty() and sys.stdout.isatty():
            print("\nPress Ctrl-C to stop everything.")
            with contextlib.suppress(KeyboardInterrupt):
                signal.pause()
    finally:
        say("Stop")
        perdure(environment, "stop", "-y", "smollm2", check=False)


@contextlib.contextmanager
def server(environment: dict[str, str], log: Path) -> Iterator[None]:
    """A server that answers; its log is shown when it does not."""
    say("Start the server")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*PERDURE, "server"], env=environment, stdout=output, stderr=output
        )
    try:
        deadline = time.monotonic() + PATIENCE
        while "perdure is ready" not in log.read_text(errors="replace"):
            if process.poll() is not None or time.monotonic() > deadline:
                sys.stderr.write(log.read_text(errors="replace"))
                raise SystemExit("error: the server did not start; its log is above")
            time.sleep(0.1)
        print(f"Ready on http://localhost:{environment['PERDURE_PORT']}/")
        yield
    finally:
        process.terminate()
        process.wait(timeout=60)


def wait_until_ready(environment: dict[str, str]) -> None:
    """Until `ps` shows a ready replica; the log of the run is shown when it fails."""
    deadline = time.monotonic() + PATIENCE * 3
    while time.monotonic() < deadline:
        listed = subprocess.run(
            [*PERDURE, "ps", "-a", "--json"], env=environment, check=True, capture_output=True
        )
        (run,) = json.loads(listed.stdout)
        if any(replica["ready"] for replica in run["replicas"]):
            return
        if run["status"] in ("failed", "terminated", "done"):
            break
        time.sleep(0.3)
    perdure(environment, "logs", "smollm2", check=False)
    raise SystemExit("error: the model did not become ready; its log is above")


def perdure(environment: dict[str, str], *arguments: str, check: bool = True) -> None:
    """Run a command as a user would type it, from the example's folder."""
    shown = [
        a if a != str(EXAMPLE / ".dstack.yml") else "examples/llm/.dstack.yml" for a in arguments
    ]
    print(f"$ perdure {' '.join(shown)}", flush=True)
    subprocess.run([*PERDURE, *arguments], env=environment, cwd=EXAMPLE, check=check)


def ask(url: str, token: str, question: str) -> str:
    """The model's answer."""
    with post(url, token, question, streamed=False) as answer:
        content: str = json.load(answer)["choices"][0]["message"]["content"]
    return content


def stream(url: str, token: str, question: str) -> Iterator[str]:
    """The model's answer, as it comes."""
    with post(url, token, question, streamed=True) as answer:
        for line in answer:
            data = line.decode().removeprefix("data: ").strip()
            if data and data != "[DONE]":
                for choice in json.loads(data)["choices"]:
                    yield choice["delta"].get("content") or ""


def post(url: str, token: str, question: str, *, streamed: bool):  # type: ignore[no-untyped-def]
    """A chat completion."""
    body = {
        "model": MODEL,
        "messages": [{"role": "user", "content": question}],
        "max_tokens": 64,
        "stream": streamed,
    }
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)
    return urllib.request.urlopen(request, timeout=PATIENCE)


def free_port(wanted: int) -> int:
    """The port that people expect, or any free one where it is taken."""
    for port in (wanted, 0):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)) as probe:
            number: int = probe.getsockname()[1]
            return number
    raise SystemExit("error: there is no free port")


def say(headline: str) -> None:
    """A line that can be found again."""
    print(f"\n── {headline}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
