"""Dashboard, alerts and the page on metrics speak of what the processes export."""

import json
import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml

from perdure.health import PORTS
from tests.docs.exported import families, names, sdk_has
from tests.docs.page import DOCS, ROOT

PROMETHEUS = ROOT / "deploy" / "prometheus"
RULES = yaml.safe_load((PROMETHEUS / "perdure.rules.yml").read_text())
DASHBOARD = json.loads((ROOT / "deploy" / "grafana" / "perdure.json").read_text())
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
ALERTS: list[dict[str, Any]] = [rule for group in RULES["groups"] for rule in group["rules"]]
EXPRESSIONS = [
    *(target["expr"] for panel in PANELS for target in panel.get("targets", ())),
    *(variable["definition"] for variable in DASHBOARD["templating"]["list"][1:]),
    *(alert["expr"] for alert in ALERTS),
]
OF_PROMETHEUS = {"up"}

_QUOTED = re.compile(r'"[^"]*"')
_NAME = re.compile(r"\b(?:perdure|temporal|process)_\w+|\bup\b")
_DOCUMENTED = re.compile(r"`(perdure_\w+)(?:\{[\w,]+\})?`")


def asked(expression: str) -> set[str]:
    """The metrics in it."""
    return set(_NAME.findall(_QUOTED.sub('""', expression)))


async def exported(folder: Path) -> set[str]:
    return {*names(await families(folder)), *OF_PROMETHEUS}


@pytest.mark.parametrize("expression", EXPRESSIONS)
async def test_each_metric_that_is_asked_for_is_exported(expression: str, tmp_path: Path) -> None:
    told = await exported(tmp_path)
    wanted = asked(expression)
    assert wanted
    assert not [each for each in wanted if each not in told and not sdk_has(each)]


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_each_parenthesis_is_closed(expression: str) -> None:
    text = _QUOTED.sub("", expression)
    for opening, closing in ("()", "[]", "{}"):
        assert text.count(opening) == text.count(closing)


def test_what_nobody_exports_is_found() -> None:
    assert asked('sum by (run) (rate(perdure_gone_total{run="up"}[5m])) / up') == {
        *("perdure_gone_total", "up")
    }
    assert not sdk_has("temporal_no_such_latency_bucket")


async def test_the_page_names_each_metric_of_ours_and_no_other(tmp_path: Path) -> None:
    page = (DOCS / "operations.md").read_text()
    ours = [each for each in await families(tmp_path) if each.name.startswith("perdure_")]
    suffixed = {"counter": "_total", "info": "_info"}
    told = {each.name + suffixed.get(each.type, "") for each in ours}
    assert set(_DOCUMENTED.findall(page)) == told


def test_no_two_panels_lie_on_one_another() -> None:
    assert len({panel["id"] for panel in PANELS}) == len(PANELS)
    places = [(panel["title"], *cells(panel["gridPos"])) for panel in PANELS]
    for (first, columns, lines), (second, others, below) in combinations(places, 2):
        assert not (columns & others and lines & below), (first, second)
        assert max(columns | others) < 24


def cells(place: dict[str, int]) -> Iterator[set[int]]:
    """Its columns and its lines."""
    yield set(range(place["x"], place["x"] + place["w"]))
    yield set(range(place["y"], place["y"] + place["h"]))


def test_each_panel_asks_the_source_that_was_chosen() -> None:
    shown = [panel for panel in PANELS if panel["type"] != "row"]
    assert len(shown) > 20
    sources = [each["datasource"]["uid"] for panel in shown for each in (panel, *panel["targets"])]
    assert set(sources) == {"${datasource}"}


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: str(alert["alert"]))
def test_each_alert_says_what_is_wrong_and_what_to_do(alert: dict[str, Any]) -> None:
    assert alert["labels"]["severity"] in ("critical", "warning")
    assert all(alert["annotations"][each].endswith(".") for each in ("summary", "action"))


def test_the_example_reads_each_process_at_its_port() -> None:
    read = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
    assert read["rule_files"] == ["perdure.rules.yml"]
    jobs = {job["job_name"]: job["static_configs"][0]["targets"] for job in read["scrape_configs"]}
    assert jobs == {
        f"perdure-{process}": [f"127.0.0.1:{9100 + place}"] for place, process in enumerate(PORTS)
    }
