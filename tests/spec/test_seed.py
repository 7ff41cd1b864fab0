"""The ten files and the inline examples of the documentation that we promise to run."""

from pathlib import Path
from typing import Any

import pytest

from spec.accelerators import is_tpu
from spec.reader import read_configuration
from spec.service import ServiceConfiguration
from tests.spec.writing import read, service

FILES = sorted(Path(__file__).with_name("seed").glob("*.dstack.yml"))

LLAMA = "meta-llama/Meta-Llama-3.1-8B-Instruct"
CHAT = {"type": "chat", "name": LLAMA, "format": "openai", "prefix": "/v1"}
HTTP_SERVER = {
    "name": "http-server-service",
    "commands": ["python3 -m http.server"],
    "port": 8000,
    "auth": True,
    "python": "3.10",
    "image": None,
    "nvcc": False,
}


def exactly(size: float) -> dict[str, float]:
    return {"min": size, "max": size}


def gpu(**parts: Any) -> dict[str, Any]:
    nothing = dict.fromkeys(("vendor", "name", "memory", "total_memory", "compute_capability"))
    return nothing | {"count": {"min": 1, "max": 1}} | parts


def resources(**parts: Any) -> dict[str, Any]:
    return {
        "cpu": {"arch": None, "count": {"min": 2, "max": None}},
        "memory": {"min": 8, "max": None},
        "shm_size": None,
        "gpu": None,
        "disk": {"min": 100, "max": None},
    } | parts


EXPECTED: dict[str, dict[str, Any]] = {
    "llama": {
        "name": "llama31",
        "python": "3.11",
        "env": {"HF_TOKEN": None, "MODEL_ID": LLAMA, "MAX_MODEL_LEN": "4096"},
        "commands": [
            "pip install vllm",
            "vllm serve $MODEL_ID --max-model-len $MAX_MODEL_LEN"
            " --tensor-parallel-size $DSTACK_GPUS_NUM",
        ],
        "port": 8000,
        "model": CHAT,
        "spot_policy": "on-demand",
        "replicas": {"min": 1, "max": 1},
        "resources": resources(gpu=gpu(memory=exactly(24))),
    },
    "replicas": {
        "name": "llama31-service",
        "env": {"HF_TOKEN": None},
        "python": "3.10",
        "replicas": {"min": 1, "max": 4},
        "scaling": {
            "metric": "rps",
            "target": 10,
            "scale_up_delay": 0,
            "scale_down_delay": 600,
            "window": 60,
        },
        "resources": resources(gpu=gpu(memory=exactly(24))),
    },
    "authorization": HTTP_SERVER | {"auth": False},
    "resources": {
        "commands": [
            "pip install vllm",
            "python -m vllm.entrypoints.openai.api_server"
            " --model mistralai/Mixtral-8X7B-Instruct-v0.1 --host 0.0.0.0"
            " --tensor-parallel-size $DSTACK_GPUS_NUM",
        ],
        "resources": resources(gpu=gpu(memory=exactly(80), count=exactly(2)), disk=exactly(200)),
    },
    "tpu": {
        "image": "dstackai/optimum-tpu:llama31",
        "python": None,
        "model": CHAT,
        "resources": resources(gpu=gpu(name=["v5litepod-4"])),
    },
    "python": HTTP_SERVER,
    "nvcc": HTTP_SERVER | {"nvcc": True},
    "docker": HTTP_SERVER | {"python": None, "image": "dstackai/base:py3.13-0.6-cuda-12.1"},
    "registry": {
        "image": "dstackai/base:py3.13-0.6-cuda-12.1",
        "registry_auth": {
            "username": "peterschmidt85",
            "password": "ghp_e49HcZ9oYwBzUbcSk2080gXZOU2hiT9AeSR5",
        },
    },
    "environment": {
        "env": {"HF_TOKEN": None, "MODEL": "NousResearch/Llama-2-7b-chat-hf"},
        "resources": resources(gpu=gpu(memory=exactly(24))),
    },
}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_each_file_has_its_canonical_form(file: Path) -> None:
    canonical = read_configuration(file.read_text(), file.name).model_dump(mode="json")
    expected = EXPECTED[file.name.removesuffix(".dstack.yml")]
    assert {key: canonical[key] for key in expected} == expected
    assert canonical["type"] == "service"


def test_there_are_ten_files() -> None:
    assert {file.name.removesuffix(".dstack.yml") for file in FILES} == set(EXPECTED)
    assert len(FILES) == 10


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("nvidia", gpu(vendor="nvidia")),
        ("A100", gpu(name=["A100"])),
        ("A10G,A100", gpu(name=["A10G", "A100"])),
        ("A100:80GB", gpu(name=["A100"], memory=exactly(80))),
        ("A100:2", gpu(name=["A100"], count=exactly(2))),
        ("24GB..40GB:2", gpu(memory={"min": 24, "max": 40}, count=exactly(2))),
        ("A100:40GB:2", gpu(name=["A100"], memory=exactly(40), count=exactly(2))),
        ("24GB", gpu(memory=exactly(24))),
        ("24GB..", gpu(memory={"min": 24, "max": None})),
        ("24GB..80GB", gpu(memory={"min": 24, "max": 80})),
        ("..80GB", gpu(memory={"min": None, "max": 80})),
        ("80GB:2", gpu(memory=exactly(80), count=exactly(2))),
        ("v5litepod-4", gpu(name=["v5litepod-4"])),
    ],
)
def test_each_gpu_example_is_what_its_text_says(written: str, expected: dict[str, Any]) -> None:
    assert canonical_resources(gpu=written)["gpu"] == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("24GB", exactly(24)),
        ("24GB..", {"min": 24, "max": None}),
        ("24GB..80GB", {"min": 24, "max": 80}),
        ("..80GB", {"min": None, "max": 80}),
    ],
)
def test_memory_is_an_exact_size_or_a_range(written: str, expected: dict[str, Any]) -> None:
    assert canonical_resources(memory=written)["memory"] == expected


def test_shared_memory_is_one_size() -> None:
    assert canonical_resources(shm_size="16GB")["shm_size"] == 16


def test_a_tpu_is_known_by_its_name() -> None:
    request = read(service(resources={"gpu": "v5litepod-4"})).resources.gpu
    assert request is not None
    assert request.name is not None
    assert is_tpu(request.name[0])
    assert request.inferred_vendor(own_image=True) == "google"


def canonical_resources(**written: Any) -> Any:
    configuration: ServiceConfiguration = read(service(resources=written))
    return configuration.model_dump(mode="json")["resources"]
