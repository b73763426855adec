"""The dashboard and the alert rules ask only for metrics and labels that exist, and every alert is explained."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from tests.support.engines import ONLY_SQLITE
from tests.watching.test_figures import documented, families

ROOT = Path(__file__).resolve().parents[2]
ALERTS = ROOT / "deploy/prometheus/alerts.yml"
DASHBOARD = ROOT / "deploy/grafana/botbot.json"
GIVEN_BY_PROMETHEUS = {"le", "job", "instance", "role"}


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def expressions() -> list[str]:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    return [rule["expr"] for rule in rules()] + [each["expr"] for panel in panels for each in panel["targets"]]


def labels_of(name: str) -> set[str]:
    for line in (ROOT / "docs/api/health.md").read_text().splitlines():
        if line.startswith("| ") and f"`{name}`" in line.split("|")[1]:
            return set(re.findall(r"`(\w+)`", line.split("|")[3]))
    raise AssertionError(name)


def base(name: str, known: dict[str, str]) -> str:
    """The family of a sample: `x_bucket` and `x_count` are of the histogram `x`."""
    return next((each for each in (name, re.sub(r"_(bucket|count|sum)$", "", name)) if each in known), "")


@ONLY_SQLITE
async def test_every_metric_they_ask_for_is_exported(client: httpx.AsyncClient) -> None:
    known = await families(client)
    asked = {name for expression in expressions() for name in re.findall(r"\bbotbot_\w+", expression)}
    assert len(asked) > 25
    assert {name for name in asked if not base(name, known)} == set()


def test_every_metric_of_the_table_is_on_the_dashboard() -> None:
    shown = {base(name, documented()) for each in expressions() for name in re.findall(r"\bbotbot_\w+", each)}
    unshown = {"botbot_process_virtual_memory_bytes", "botbot_process_start_time_seconds"}
    assert set(documented()) - shown == unshown


@pytest.mark.parametrize("expression", expressions())
def test_every_label_they_ask_for_is_documented_and_brackets_are_closed(expression: str) -> None:
    known = documented()
    had = set[str]().union(*(labels_of(base(name, known)) for name in re.findall(r"\bbotbot_\w+", expression)), ["le"])
    grouped = {label.strip() for found in re.findall(r"\bby \(([^)]*)\)", expression) for label in found.split(",")}
    matched = set(re.findall(r"(\w+)(?:=~|!=|=)\"", expression))
    assert (grouped | matched) - had - GIVEN_BY_PROMETHEUS == set()
    for opened, closed in ("()", "[]", "{}"):
        assert expression.count(opened) == expression.count(closed)


def test_every_alert_is_explained_in_the_guide_and_every_explained_one_exists() -> None:
    guide = (ROOT / "docs/guide/watching.md").read_text()
    assert set(re.findall(r"^\| `(BotBot\w+)` \|", guide, re.MULTILINE)) == {rule["alert"] for rule in rules()}
    for rule in rules():
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert rule["annotations"]["summary"].endswith(".")
