"""The documentation's own files, unchanged, in containers."""

from pathlib import Path

import tests.spec
from tests.e2e.installation import Installation

FOLDER = Path(tests.spec.__file__).with_name("seed")
SERVING = ("authorization", "docker", "nvcc", "python", "registry")
"""Those that need nothing from the Internet but their image."""


def file(name: str) -> str:
    return str(FOLDER / f"{name}.dstack.yml")


def test_each_file_that_serves_a_folder_serves_it(
    docker: Installation, seed_images: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "hello.txt").write_text("from my folder")
    for name in SERVING:
        docker.perdure("apply", "-y", "-d", "-f", file(name), "-n", name, folder=tmp_path)
    for name in SERVING:
        docker.until_answered(f"/proxy/services/main/{name}/hello.txt", 200)
        with docker.client() as client, docker.client(token=None) as anybody:
            path = f"/proxy/services/main/{name}/hello.txt"
            assert client.get(path).text == "from my folder"
            refused = 200 if name == "authorization" else 401
            assert anybody.get(path).status_code == refused
    docker.perdure("stop", "-x", "-y", *SERVING)


def test_a_gpu_that_is_not_here_is_told_by_the_plan(docker: Installation, tmp_path: Path) -> None:
    done = docker.run("apply", "-y", "-e", "HF_TOKEN=x", "-f", file("llama"), folder=tmp_path)
    assert done.returncode == 5, done.stdout + done.stderr
    reason = "`local/local` does not fit: `gpu: 24GB:1` is asked for, it has no GPU free."
    assert reason in " ".join(done.stderr.split())
    assert "llama31" not in docker.perdure("ps", "-a")
