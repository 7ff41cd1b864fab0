"""Where a reader sits: the repository's examples, a shell, and a server that runs already."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import yaml

from spec.profile import Profiles
from spec.reader import read_configuration
from tests.docs.page import ROOT, Block
from tests.docs.transcript import Step, steps
from tests.e2e.installation import Installation
from tests.ports import free_port

SERVER = "perdure server"
PORTS = (3000, 8233)
"""Those of a server, as pages write them."""
EXAMPLE_PORTS = re.compile(r"\b80[1-9]0\b")
PART = "part of a service"
PROFILES = "profiles"
TIMEOUT = 60.0
LOCAL = {"NO_PROXY": "localhost,127.0.0.1", "no_proxy": "localhost,127.0.0.1"}

_TARGET = re.compile(r"^(?P<name>[a-z-]+):", re.MULTILINE)
_FILE = re.compile(r"^# (?P<path>[\w./-]+\.\w+)$", re.MULTILINE)
_REST: dict[str, object] = {"type": "service", "port": 8000}


class Desk:
    """One for each page. Ports are the session's own; pages and outputs have the usual ones."""

    def __init__(self, server: Installation, folder: Path) -> None:
        self._server = server
        self._folder = folder
        self._state = folder / ".state"
        self._bin = folder / ".bin"
        self._state.write_text(f"cd {folder}\n")
        self._ports = dict(zip(PORTS, (server.port, server.ui_port), strict=True))
        shutil.copytree(ROOT / "examples", folder / "examples")
        for file in (folder / "examples").rglob("*"):
            if file.is_file() and file.suffix in {".yml", ".py"}:
                file.write_text(self._here(file.read_text()))
        self._bin.mkdir()
        (self._bin / ".curlrc").write_text("fail\n")
        command = self._bin / "perdure"
        command.write_text(f'#!/bin/sh\nexec {sys.executable} -P -m perdure "$@"\n')
        command.chmod(0o755)
        activate = folder / ".venv" / "bin" / "activate"
        activate.parent.mkdir(parents=True)
        activate.write_text(f'PATH="{self._bin}:$PATH"\n')

    def follow(self, block: Block) -> None:
        """Do what the block says; it is right, or this fails with its place."""
        kinds: dict[str, Callable[[Block], object]] = {
            "yaml": self._yaml,
            "console": self._console,
            "sh": self._sh,
            "shell": self._sh,
            "python": self._python,
            "json": lambda block: json.loads(block.text),
            "text": lambda _: None,
        }
        assert block.language in kinds, f"{block}: a block in `{block.language}` is not executed"
        if block.why_not_executed is None:
            kinds[block.language](block)

    def _yaml(self, block: Block) -> None:
        name = str(block)
        if block.remark == PROFILES:
            Profiles.model_validate(yaml.safe_load(block.text))
            return
        if block.remark == PART:
            given = yaml.safe_load(block.text)
            started = given.keys() & {"commands", "image", "groups"}
            rest = _REST if started else _REST | {"commands": ["python app.py"]}
            added = {key: value for key, value in rest.items() if key not in given}
            read_configuration(f"{yaml.safe_dump(added)}{block.text}", name)
            return
        read_configuration(block.text, name)
        if file := _FILE.match(block.text):
            self._file(block, file["path"])

    def _file(self, block: Block, path: str) -> None:
        """A block that begins with a path is that file: the repository's, or a new one."""
        known, new = ROOT / path, self._folder / path
        if known.exists():
            same = yaml.safe_load(known.read_text()) == yaml.safe_load(block.text)
            assert same, f"{block}: `{path}` says something else"
            return
        new.parent.mkdir(parents=True, exist_ok=True)
        new.write_text(self._here(block.text))

    def _console(self, block: Block) -> None:
        for step in steps(block.text):
            if step.command == SERVER:
                shown = self._as_written(self._server.log.read_text())
            else:
                done = self._run(step.command)
                shown = self._as_written(done.stdout)
                assert (done.returncode != 0) == step.fails, f"{block}: {step.command}\n{shown}"
            assert step.explains(shown), _difference(block, step, shown)

    def _sh(self, block: Block) -> None:
        for line in block.text.splitlines():
            command = line.partition(" # ")[0].strip()
            if command.startswith("make "):
                targets = _TARGET.findall((ROOT / "Makefile").read_text())
                assert command.removeprefix("make ") in targets, f"{block}: {command}"
            elif command and not command.startswith("#"):
                done = self._run(
                    command, PERDURE_TOKEN=self._server.token, CURL_HOME=str(self._bin)
                )
                assert done.returncode == 0, f"{block}: {command}\n{done.stdout}"

    def _python(self, block: Block) -> None:
        script = self._folder / "block.py"
        script.write_text(self._here(block.text))
        done = self._run(f"{sys.executable} {script}")
        assert done.returncode == 0, f"{block}:\n{done.stdout}"

    def _run(self, command: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        """In a shell that begins where the last one ended: its folder, its variables."""
        keep = f'status=$?; {{ export -p; printf "cd %q\\n" "$PWD"; }} > {self._state}'
        script = f". {self._state}\n{self._here(command)}\n{keep}; exit $status\n"
        environment = self._server.environment
        path = f"{self._bin}:{environment['PATH']}"
        return subprocess.run(
            ["bash", "-c", script],
            env=environment | {"PATH": path, **LOCAL} | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )

    def _here(self, text: str) -> str:
        """A page's text with this session's ports."""
        for port in map(int, EXAMPLE_PORTS.findall(text)):
            if port not in self._ports:
                self._ports[port] = free_port()
        for usual, ours in self._ports.items():
            text = re.sub(rf"\b{usual}\b", str(ours), text)
        return text

    def _as_written(self, text: str) -> str:
        """An output as a page shows it."""
        for usual, ours in self._ports.items():
            text = re.sub(rf"\b{ours}\b", str(usual), text)
        return text.replace(str(self._server.home), "~").replace(str(self._folder), "~")


def _difference(block: Block, step: Step, shown: str) -> str:
    expected = "\n".join(step.expected)
    return f"{block}: `{step.command}`\n-- the page:\n{expected}\n-- printed:\n{shown}"
