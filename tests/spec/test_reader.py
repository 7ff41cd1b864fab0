"""An error says where, what is allowed and what was probably meant; a secret is never in it."""

import pytest

from perdure.errors import InvalidConfiguration
from spec.reader import read_profiles
from tests.spec.writing import SERVICE, refused


@pytest.mark.parametrize(
    ("more", "place", "message", "hint"),
    [
        ("pythn: 3.10", (4, 1), "`pythn` is not a known property", "Did you mean `python`?"),
        (
            "resources:\n  gpuu: 24GB",
            (5, 3),
            "`gpuu` is not a known property of `resources`",
            "Did you mean `gpu`?",
        ),
        (
            "spot_policy: ondemand",
            (4, 1),
            "`spot_policy`: `ondemand` is not allowed; allowed are `spot`, `on-demand`, `auto`",
            "Did you mean `on-demand`?",
        ),
        (
            "backends: [aws, gpc]",
            (4, 17),
            "`backends[2]`: `gpc` is not allowed",
            "Did you mean `gcp`?",
        ),
        ("resources: {gpu: 'A100:H100'}", (4, 13), "gives the name twice", ""),
        ("resources: {memory: 64GB..16GB}", (4, 13), "ends before it begins", ""),
        ("resources: {memory: 24XB}", (4, 13), "`24XB` is not a size", "`24GB`"),
        ("max_duration: 1h30m", (4, 1), "`1h30m` is not a duration", "`90s`"),
        ("model: {name: m}", (4, 1), "`model.format` is missing", "`format: openai`"),
        ("scaling: {target: 3}", (4, 1), "`scaling.metric` is missing", "`metric: rps`"),
        ("retry: {duration: off}", (4, 9), "`retry.duration`: A word such as", "`90s`"),
        ("probes: [{type: http, url: a}]", (4, 23), "`probes[1].url` must be a path", ""),
        (
            "model: {name: m, format: openai, prefx: /v2}",
            (4, 34),
            "`prefx` is not a known property of `model`",
            "Did you mean `prefix`?",
        ),
        ("volumes:\n  - vol:/a\n  - ./x:/b", (6, 5), "`volumes[2]`: The path `./x`", ""),
        ("probes: [{type: http, interval: 0s}]", (4, 23), "must be at least 1", ""),
        ("max_price: 0", (4, 1), "`max_price` must be more than 0", ""),
        ("replicas: 1000001", (4, 1), "`replicas` must be at most 1000000", ""),
        ("priority: high", (4, 1), "`priority` expects a whole number", ""),
        ("env: {A: yes}", (4, 7), "`env.A` expects text", "put it in quotes"),
        ("env: {A: }", (4, 7), "`env.A` has no value", "- A"),
        ("env: [A=1, A=2]", (4, 12), "`A` is set twice", ""),
        ("pool_name: p", (4, 1), "`pool_name` was removed", "`fleets`"),
        ("retry_policy: {}", (4, 1), "`retry_policy` was removed", "`retry`"),
        ("nodes: 2", (4, 1), "`nodes` is not a property of a service", "`replicas`"),
        ("ports: [80]", (4, 1), "`ports` is not a property of a service", "`port`"),
        ("image: x\npython: 3.11", (5, 1), "`image` and `python` exclude each other", ""),
        ("nvcc: true\ndocker: true", (5, 1), "`nvcc` and `docker` exclude each other", ""),
        ("replicas: 1..4", (4, 1), "needs `scaling`", "Add `scaling`"),
        (
            "replicas: 2\nscaling: {metric: rps, target: 1}",
            (5, 1),
            "`scaling` needs a range",
            "`replicas: 1..4`",
        ),
        ("name: A_b", (4, 1), "`A_b` is not a run's name", "lower-case"),
    ],
)
def test_a_problem_is_placed_explained_and_its_remedy_told(
    more: str, place: tuple[int, int], message: str, hint: str
) -> None:
    error = refused(SERVICE + more)
    assert (error.line, error.column) == place
    assert message in error.message
    assert hint in error.hint


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("", (1, 1), "The file is empty"),
        ("# nothing\n", (1, 1), "The file is empty"),
        ("- a", (1, 1), "The file is a list"),
        ("service", (1, 1), "holds a single value"),
        (SERVICE + "---\n" + SERVICE, (4, 1), "several documents"),
        ("type: service\nport: [", (2, 8), "not valid YAML"),
        (SERVICE + "type: service", (4, 1), "`type` stands twice"),
        (SERVICE + "\x00", (4, 1), "a character that YAML does not allow"),
        (SERVICE + "image: !x y", (4, 8), "YAML tags are not allowed"),
        (SERVICE + 'image: "\\ud800"', (4, 8), "half of a character"),
        (SERVICE + "? [a]\n: b", (4, 3), "A key must be a single word"),
        (SERVICE + "env: &e [*e]", (4, 6), "too large or too deep"),
        ("[" * 1_000, (1, 1), "nested too deeply"),
        ("a" * 200_001, (1, 1), "too large"),
        ("port: 8000", (1, 1), "`type` is missing"),
        ("type: task", (1, 1), "Tasks are not supported: a configuration describes a service."),
        (
            "type: dev-environment",
            (1, 1),
            "Dev environments are not supported: a configuration describes a service.",
        ),
        ("type: volume", (1, 1), "Volumes are made where the machines are"),
        ("type: fleet", (1, 1), "`type: fleet` is not supported yet"),
        ("type: gateway", (1, 1), "`type: gateway` is not supported yet"),
        ("type: servce", (1, 1), "`servce` is not allowed"),
        ("type: service\nport: 8000", (1, 1), "`commands` or `image` is needed"),
        ("type: service\ncommands: [a]", (1, 1), "`port` is missing"),
    ],
)
def test_a_file_that_is_no_service_says_so(text: str, place: tuple[int, int], message: str) -> None:
    error = refused(text)
    assert (error.line, error.column) == place
    assert message in error.message


def test_all_problems_of_a_file_are_told_by_line_and_what_is_missing_last() -> None:
    error = refused("type: service\nportt: 8000\nenv: {A: }\ncommands: serve\nauth: maybe\n")
    told = [(each.line, each.column, each.path, each.message) for each in (error, *error.others)]
    assert told == [
        (2, 1, ("portt",), "`portt` is not a known property."),
        (3, 7, ("env", "A"), "`env.A` has no value."),
        (4, 1, ("commands",), "`commands` expects a list."),
        (5, 1, ("auth",), "`auth` expects `true` or `false`."),
        (1, 1, ("port",), "`port` is missing."),
    ]
    assert error.hint == "Did you mean `port`?"
    assert {each.file for each in error.others} == {"service.dstack.yml"}
    assert not any(each.others for each in error.others)


@pytest.mark.parametrize(
    ("more", "path"),
    [
        ("backends: [aws, gpc]", ("backends", 1)),
        ("resources: {gpu: 'A100:H100'}", ("resources", "gpu")),
        ("volumes:\n  - {name: {}, path: /a}", ("volumes", 0, "name")),
        ("replicas:\n  - {nvcc: x, commands: [a]}", ("replicas", 0, "nvcc")),
    ],
)
def test_a_problem_knows_the_one_property_that_is_to_blame(
    more: str, path: tuple[str | int, ...]
) -> None:
    error = refused("type: service\nport: 8000\nimage: x\n" + more)
    assert error.path == path
    assert error.others == ()


def test_what_is_wrong_with_a_file_as_a_whole_blames_no_property() -> None:
    assert refused("- a").path == ()


@pytest.mark.parametrize(
    "more",
    [
        "auth: maybe",
        "priority: high",
        "max_price: cheap",
        "max_price: nan",
        "max_price: 0",
        "commands: serve",
        "resources: 8",
        "image: ''",
        "env: {A: yes}",
        "name: [a]",
        "spot_policy: ondemand",
        "spot_policy: {}",
        "backends: [gpc]",
        "tags: {'a b': c}",
        "model: {name: m}",
        "model: {name: m, format: vllm}",
        "model: {name: m, format: tgi, prefix: /v1}",
        "rate_limits: [{rps: 1, key: {type: cookie}}]",
        "probes: [{type: http, url: nowhere}]",
        "probes: [{type: http, interval: 0s}]",
        "schedule: {cron: []}",
        "nodes: 2",
        "pool_name: p",
        "pythn: 3.12",
        "xyz: 1",
        "resources: {xyz: 1}",
    ],
)
def test_what_is_made_of_pieces_is_a_sentence_too(more: str) -> None:
    error = refused(SERVICE + more)
    for each in (error, *error.others):
        assert each.message[0] == "`" or each.message[0].isupper()
        assert each.message.endswith(".")
        assert not each.hint or each.hint[0] == "`" or each.hint[0].isupper()
        assert each.hint == "" or each.hint.endswith((".", "?"))


def test_groups_are_blamed_where_they_stand() -> None:
    groups = "replicas:\n  - commands: [a]\n  - commands: [b]\n    scaling: {metric: rp}\n"
    error = refused("type: service\nport: 8000\n" + groups)
    assert (error.line, error.column) == (6, 15)
    assert error.message.startswith("`replicas[2].scaling.metric`: `rp` is not allowed")


@pytest.mark.parametrize(
    "more",
    [
        "env: [A=hunter2, 1=hunter2]",
        "env: [[hunter2]]",
        "env: {A: {B: hunter2}}",
        "env: hunter2",
        "env: {A: *hunter2}",
        "env: {A: !hunter2 x}",
        "env: {A: &hunter2 x, B: &hunter2 y}",
        "env: {A: 'hunter2}",
        'env: ["A=x\\nhunter2"]',
        "registry_auth: {username: u, password: [hunter2]}",
        "registry_auth: {username: u, password: hunter2, extra: hunter2}",
        "registry_auth: hunter2",
        "probes: [{type: http, headers: [{name: A, value: {x: hunter2}}]}]",
    ],
)
def test_no_secret_is_in_a_message(more: str) -> None:
    error = refused(SERVICE + more)
    assert "hunter2" not in f"{error.message} {error.hint} {error!r} {error.__cause__}"


def test_profiles_are_placed_too() -> None:
    with pytest.raises(InvalidConfiguration) as caught:
        read_profiles("profiles:\n  - name: a\n    regins: [x]\n", "profiles.yml")
    error = caught.value
    assert (error.file, error.line, error.column) == ("profiles.yml", 3, 5)
    assert error.hint == "Did you mean `regions`?"
