"""What each property of a service file means, and how it may be written."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from policy.admission import MOST_REPLICAS
from spec.container import RegistryAuth
from spec.gpu import GpuRequest
from spec.model_endpoint import OpenAIModel, TgiModel
from spec.probe import LONGEST_TIMEOUT, Probe
from spec.profile import UtilizationPolicy
from spec.rate_limit import RateLimit
from spec.replicas import ReplicaGroup
from spec.resources import Resources
from spec.retry import Retry
from spec.scaling import Scaling
from spec.section import Section
from spec.service import ServiceConfiguration


@dataclass(frozen=True)
class Part:
    """A mapping of a service file. `at` leads to it, through lists by 0.

    `needs` is what it has to say besides the property that is looked at, `beside` what the file
    has to. `properties` are meanings, each with ways to write it in YAML. `defaults` are those that
    the model does not tell.
    """

    title: str
    model: type[Section]
    properties: Mapping[str, tuple[str, ...]]
    at: tuple[str | int, ...] = ()
    needs: dict[str, Any] = field(default_factory=dict)
    beside: dict[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, str] = field(default_factory=dict)


SERVICE = {
    "type": ("What the file describes. perdure runs services.", "service"),
    "name": (
        "The run's name in its project: 2 to 41 lower-case letters, digits and dashes. Applying a "
        "name that runs is an update. Made up when it is missing.",
        "llama31",
    ),
    "port": (
        "The port that the application listens on. Of a pair, the second one counts.",
        "8000",
        '"80:8000"',
    ),
    "gateway": ("The front door with a domain.", "false", "true", "my-gateway"),
    "strip_prefix": (
        "Whether `/proxy/services/<project>/<run>` is cut off before the application sees a path.",
        "false",
    ),
    "model": (
        "The model that it answers for at `/proxy/models/<project>/`. A name is an OpenAI API at "
        "`/v1`.",
        "meta-llama/Meta-Llama-3.1-8B-Instruct",
        "{name: llama, format: openai}",
        "{name: llama, format: tgi}",
    ),
    "https": ("Whether the gateway has a certificate.", "auto", "false", "true"),
    "auth": ("Whether callers need a token. `false` opens the service to all.", "false"),
    "replicas": (
        f"How many replicas, at most {MOST_REPLICAS}. A range has a maximum, as `2..` has not, and "
        "needs [scaling](../concepts/scaling.md). A list is `groups`.",
        "2",
        "1..4",
        "0..4",
        "[{name: a, commands: [python app.py]}]",
    ),
    "groups": ("Replicas of several kinds.", "[{name: a, commands: [python app.py]}]"),
    "scaling": (
        "When to add and remove replicas, see [scaling](../concepts/scaling.md).",
        "{metric: rps, target: 10}",
    ),
    "rate_limits": ("How many requests a client may send.", "[{prefix: /, rps: 10}]"),
    "probes": (
        "Requests that tell whether a replica is ready, and stays "
        "[healthy](../concepts/health.md), at most 10, no two alike. Without them, an open port is "
        "enough; an OpenAI `model` is asked for one token. `[]` asks nothing.",
        "[{type: http, url: /health}]",
    ),
    "image": (
        "The container's image. Default: the server's own image for `python`. Needs Docker.",
        "vllm/vllm-openai:latest",
    ),
    "commands": (
        "Run one after the other by the shell, in the code's folder; the first that fails ends "
        "it. Needed without an `image`.",
        "[pip install vllm, vllm serve $MODEL_ID]",
    ),
    "entrypoint": ("In place of the image's; `commands` are its arguments.", "python -m app"),
    "python": ("The Python of the default image. 3.12 when it is missing.", '"3.11"'),
    "nvcc": ("Whether the default image brings CUDA's compiler. Needs Docker.", "true"),
    "docker": ("Docker inside the container.", "true"),
    "registry_auth": (
        "Who pulls the image. Sealed, see [security](../concepts/security.md).",
        "{username: me, password: '${{ secrets.registry }}'}",
    ),
    "privileged": ("Whether the container has the machine's rights. Needs Docker.", "true"),
    "user": ("The container's user, and group. Default: the image's. Needs Docker.", "1000:1000"),
    "shell": (
        "What runs `commands`. Default: `/bin/sh` with an `image`, else `/bin/bash`.",
        "bash",
    ),
    "working_dir": (
        "Where `commands` start; relative to the code. Default: the folder of the code in which "
        "you apply, without code the image's.",
        "/workflow/server",
    ),
    "home_dir": ("Read for old files.", "/home/me"),
    "env": (
        "Variables. A name alone takes its value from `-e`, else from your environment. Sealed.",
        "[HF_TOKEN, MODE=fast]",
        "{MODE: fast}",
    ),
    "volumes": (
        "Folders of the machine, or network volumes, in the container. Needs Docker.",
        "[/data:/data]",
        "[{instance_path: /cache, path: /cache, optional: true}]",
        "[my-volume:/data]",
    ),
    "files": ("Files of yours in the container.", "[config.json]"),
    "repos": ("Another repository in place of this folder.", "[https://example.com/app.git]"),
    "single_branch": ("Read for old files.", "true"),
    "setup": ("Read for old files.", "[pip install app]"),
    "resources": ("What a replica needs, see below.", "{gpu: 24GB}"),
    "dstack": ("Gives the application the server's API.", "true"),
    "priority": ("Which run gets a machine first.", "50"),
    "backends": ("Only these backends.", "[local]", "[aws]"),
    "regions": ("Only these regions.", "[local]"),
    "availability_zones": ("Only these zones.", "[us-east-1a]"),
    "instance_types": ("Only these machine types.", "[local]"),
    "reservation": ("A reservation of capacity.", "cr-0123"),
    "spot_policy": (
        "Whether machines that can be taken away are wanted. `auto` takes both.",
        "auto",
        "spot",
    ),
    "retry": ("Whether a replica that failed is tried again.", "false", "true"),
    "max_duration": (
        "How long the run may last, from the moment in which its first replica was ready.",
        "off",
        "24h",
    ),
    "stop_duration": (
        "How long a replica that leaves may finish its requests. `off` waits for none.",
        "60",
        "1m",
        "off",
    ),
    "max_price": ("The dearest machine, in USD per hour.", "1.5"),
    "creation_policy": ("Whether new machines may be created.", "reuse-or-create", "reuse"),
    "idle_duration": ("How long a machine waits for the next replica.", "10m", "off"),
    "utilization_policy": (
        "Ends a run that leaves its GPUs idle.",
        "{min_gpu_utilization: 10, time_window: 1h}",
    ),
    "startup_order": ("For runs on several nodes.", "any", "master-first"),
    "stop_criteria": ("For runs on several nodes.", "all-done", "master-done"),
    "schedule": ("When the run starts by itself.", '{cron: "0 8 * * mon-fri"}'),
    "fleets": ("Only machines of these fleets.", "[my-fleet]"),
    "instances": ("Only these machines.", "[my-machine]"),
    "tags": ("Names that clouds show beside a machine.", "{team: search}"),
    "backend_options": ("Options of single backends.", "{aws: {}}"),
}

RESOURCES = {
    "cpu": ("CPUs, or a range, and their architecture.", "4", "2..8", "arm:4.."),
    "memory": ("Memory, or a range. A number without a unit is GB.", "16GB", "8GB..32GB"),
    "shm_size": ("The size of `/dev/shm`. Needs Docker.", "16GB"),
    "gpu": (
        "GPUs: maker, names, memory, count, in any order. Exactly one unless said otherwise. A "
        "number without a unit is the count: `24` is 24 GPUs.",
        "24GB",
        "A100:80GB:2",
        "nvidia:A10G,L4",
        "1",
    ),
    "disk": ("Disk, or a range.", "200GB..", "{size: 100GB..}"),
}

GPU = {
    "vendor": ("The maker.", "nvidia", "amd", "tpu"),
    "name": ("Alternatives.", "A100", "[A100, H100]"),
    "count": ("How many.", "2", "1..4"),
    "memory": ("Memory of one.", "24GB", "24GB.."),
    "total_memory": ("Memory of all together.", "80GB.."),
    "compute_capability": ("CUDA's capability, at least.", "7.5"),
}

OPENAI = {
    "type": ("What the model does.", "chat"),
    "name": ("What callers write in `model`.", "llama"),
    "format": ("The API that the application speaks.", "openai"),
    "prefix": ("Where its API begins.", "/v1", "/api/v1"),
}

TGI = {
    "type": ("What the model does.", "chat"),
    "name": ("What callers write in `model`.", "llama"),
    "format": ("The API that the application speaks.", "tgi"),
    "chat_template": ("Default: that of the model's repository.", '"{{ messages }}"'),
    "eos_token": ("Default: that of the model's repository.", '"</s>"'),
}

SCALING = {
    "metric": ("What is measured: requests per second, or in flight.", "rps", "in_flight"),
    "target": ("How much of it one replica takes.", "10"),
    "scale_up_delay": ("The least time since the last change, in seconds.", "5m"),
    "scale_down_delay": ("How long a lower need must last, in seconds.", "10m"),
    "window": ("What `rps` is averaged over, in seconds: 30, 60 or 300.", "30"),
}

RATE_LIMIT = {
    "prefix": ("The paths that count.", "/api/"),
    "key": (
        "What tells clients apart.",
        "{type: ip_address}",
        "{type: header, header: X-Key}",
    ),
    "rps": ("Requests per second.", "10"),
    "burst": ("How many more at once.", "20"),
}

PROBE = {
    "type": ("The kind.", "http"),
    "url": ("The path, with its query.", "/health"),
    "method": ("The HTTP method.", "get", "post"),
    "headers": ("Headers to send, at most 16.", "[{name: X-Probe, value: a}]"),
    "body": ("A body to send; not with `get` and `head`.", '"{}"'),
    "timeout": (f"Seconds for an answer: 1 to {LONGEST_TIMEOUT}.", "30", "1m"),
    "interval": ("Seconds between an answer and the next request, at least 1.", "30", "1m"),
    "ready_after": ("Answers of 200 to 299 in a row until it is ready.", "3"),
    "until_ready": ("Whether to stop once it is ready.", "true"),
}

RETRY = {
    "on_events": ("Which failures count.", "[no-capacity, interruption, error]"),
    "duration": ("For how long after the failure, in seconds.", "1h"),
}

REGISTRY = {
    "username": ("The registry's user.", "me"),
    "password": ("Their password or token.", "'${{ secrets.registry }}'"),
}

UTILIZATION = {
    "min_gpu_utilization": ("Percent, for each GPU.", "10"),
    "time_window": ("Seconds; at least 300.", "10m"),
}

GROUP = {
    "name": ("What the group is called; no two alike.", "prefill"),
    "replicas": ("How many; `count` is the same.", "2"),
    "router": ("The router that the group runs.", "sglang"),
} | {
    name: ("As for the service.", SERVICE[name][1])
    for name in (
        *("scaling", "resources", "commands", "image", "python", "nvcc", "docker"),
        *("privileged", "spot_policy", "reservation"),
    )
}

CHAT = {"name": "llama", "format": "openai"}

PARTS = (
    Part("A service", ServiceConfiguration, SERVICE, defaults={"type": "required"}),
    Part("`resources`", Resources, RESOURCES, ("resources",)),
    Part("`resources.gpu`", GpuRequest, GPU, ("resources", "gpu")),
    Part("`model`", OpenAIModel, OPENAI, ("model",), CHAT),
    Part("`model` with `format: tgi`", TgiModel, TGI, ("model",), CHAT | {"format": "tgi"}),
    Part(
        "`registry_auth`", RegistryAuth, REGISTRY, ("registry_auth",), dict.fromkeys(REGISTRY, "a")
    ),
    Part(
        title="`scaling`",
        model=Scaling,
        properties=SCALING,
        at=("scaling",),
        needs={"metric": "rps", "target": 10},
        beside={"replicas": "1..4"},
    ),
    Part("`rate_limits[]`", RateLimit, RATE_LIMIT, ("rate_limits", 0), {"rps": 10}),
    Part("`probes[]`", Probe, PROBE, ("probes", 0), {"type": "http", "method": "post"}),
    Part("`retry`", Retry, RETRY, ("retry",)),
    Part(
        title="`utilization_policy`",
        model=UtilizationPolicy,
        properties=UTILIZATION,
        at=("utilization_policy",),
        needs={"min_gpu_utilization": 10, "time_window": 300},
    ),
    Part(
        title="`groups[]`",
        model=ReplicaGroup,
        properties=GROUP,
        at=("groups", 0),
        needs={"commands": ["python app.py"]},
        defaults={"name": "its place, from `0`"},
    ),
)
"""The file, and then each of its parts."""
