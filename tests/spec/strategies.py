"""Random configurations, as people may write them: long forms and shorthands."""

from typing import Any

from hypothesis import strategies as st

from spec.machine import CpuArch, GpuVendor
from spec.ranges import CountRange, SizeRange
from spec.units import format_duration, format_size

words = st.from_regex(r"[a-z][a-z0-9-]{1,12}", fullmatch=True)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x7f"), max_size=20)
counts = st.integers(min_value=0, max_value=64)
sizes = st.integers(min_value=0, max_value=4_000_000).map(lambda megabytes: megabytes / 1024)
seconds = st.integers(min_value=0, max_value=10_000_000)
durations = seconds | seconds.map(format_duration)
offable = durations | st.sampled_from(["off", False, True])


def _ends(draw: st.DrawFn, values: st.SearchStrategy[Any]) -> dict[str, Any]:
    low, high = sorted((draw(values), draw(values)))
    return draw(
        st.sampled_from(
            [{"min": low, "max": high}, {"min": low, "max": low}, {"min": low}, {"max": high}]
        )
    )


@st.composite
def count_ranges(draw: st.DrawFn) -> CountRange:
    return CountRange(**_ends(draw, counts))


@st.composite
def size_ranges(draw: st.DrawFn) -> SizeRange:
    return SizeRange(**_ends(draw, sizes))


def written(ranges: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A range, as its shorthand or in its long form."""
    return ranges.map(str) | ranges.map(lambda value: value.model_dump())


gpu_names = st.lists(st.sampled_from(["A100", "H100", "L4", "MI300X", "v5p-8"]), min_size=1)

long_gpus = st.fixed_dictionaries(
    {},
    optional={
        "vendor": st.sampled_from(list(GpuVendor)),
        "name": gpu_names,
        "count": written(count_ranges()),
        "memory": written(size_ranges()),
        "total_memory": written(size_ranges()),
        "compute_capability": st.tuples(st.integers(1, 12), st.integers(0, 9)).map(list),
    },
)

resources = st.fixed_dictionaries(
    {},
    optional={
        "cpu": written(count_ranges())
        | st.fixed_dictionaries(
            {"arch": st.sampled_from(list(CpuArch)), "count": written(count_ranges())}
        ),
        "memory": written(size_ranges()),
        "shm_size": sizes | sizes.map(format_size),
        "disk": st.none() | written(size_ranges()),
        "gpu": counts | long_gpus,
    },
)

environments = st.dictionaries(words, texts) | st.lists(
    st.from_regex(r"[A-Z_]{1,8}(=[a-z =]{0,8})?", fullmatch=True),
    max_size=4,
    unique_by=lambda entry: entry.partition("=")[0],
)

retries = st.booleans() | st.fixed_dictionaries(
    {},
    optional={
        "on_events": st.lists(
            st.sampled_from(["no-capacity", "interruption", "error"]), min_size=1, unique=True
        ),
        "duration": durations,
    },
)

models = words | st.fixed_dictionaries(
    {"name": words, "format": st.just("tgi")}, optional={"eos_token": texts}
)

probes = st.lists(
    st.fixed_dictionaries(
        {"type": st.just("http"), "url": words.map(lambda word: f"/{word}")},
        optional={"timeout": st.integers(1, 300), "until_ready": st.booleans()},
    ),
    max_size=3,
    unique_by=lambda probe: probe["url"],
)

volumes = st.lists(
    st.builds("{}:/{}".format, words, words)
    | st.builds("/{}:/{}".format, words, words)
    | st.fixed_dictionaries({"name": st.lists(words, min_size=1), "path": st.just("/data")}),
    max_size=3,
)

scaled = st.fixed_dictionaries(
    {
        "replicas": st.integers(0, 3).map(lambda low: f"{low}..{low + 1}"),
        "scaling": st.fixed_dictionaries(
            {"metric": st.just("rps"), "target": st.floats(0.01, 1e6)},
            optional={"scale_up_delay": durations, "window": st.sampled_from([30, "5m"])},
        ),
    }
)
fixed = st.fixed_dictionaries({}, optional={"replicas": counts})

_own = st.fixed_dictionaries(
    {"type": st.just("service"), "port": st.integers(1, 65535), "commands": st.just(["serve"])},
    optional={
        "name": words,
        "auth": st.booleans(),
        "https": st.booleans() | st.just("auto"),
        "gateway": st.booleans() | words | st.builds("{}/{}".format, words, words),
        "model": models,
        "probes": probes,
        "env": environments,
        "volumes": volumes,
        "resources": resources,
        "python": st.sampled_from(["3.10", 3.12]),
        "backends": st.lists(st.sampled_from(["aws", "gcp", "local"])),
        "regions": st.lists(words),
        "fleets": st.lists(words | st.builds("{}/{}".format, words, words)),
        "instances": st.lists(words, min_size=1),
        "spot_policy": st.sampled_from(["spot", "on-demand", "auto"]),
        "retry": retries,
        "max_price": st.floats(0.01, 1000),
        "max_duration": offable,
        "stop_duration": offable,
        "idle_duration": offable | st.just(-1),
    },
)

services: st.SearchStrategy[dict[str, Any]] = st.builds(
    lambda own, replicas: own | replicas, _own, scaled | fixed
)
"""Services that the reader takes."""

_scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | texts
    | st.text(st.sampled_from("0123456789.:/,-GBMs "), max_size=12)
    | st.sampled_from(["9" * 5_000, "A100:2", "1..4", "off", "arm", "a:/b", "1e999"])
)
_keys = words | st.sampled_from(
    ["name", "min", "max", "count", "gpu", "memory", "type", "format", "path", "metric", "cron"]
)
anything = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_keys, inner, max_size=3),
    max_leaves=6,
)
"""Any value that a file can hold."""
