"""The chart's alerts: each has a text of its own in the docs, and names metrics that there are."""

from __future__ import annotations

import re
from typing import Any

import yaml
from prometheus_client import REGISTRY

import webjobs_apiserver.metrics
import webjobs_operator.metrics  # noqa: F401  its metrics register themselves
from tests.cluster.paths import repo_root

FILE = repo_root() / "charts/webjobs/rules/alerts.yaml"


def rules() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load(FILE.read_text())["groups"][0]["rules"]
    return found


def test_each_alert_has_a_text_that_says_what_to_do() -> None:
    texts = re.findall(r"^### (\w+)$", (repo_root() / "docs/alerts.md").read_text(), re.MULTILINE)
    assert texts == [rule["alert"] for rule in rules()]


def test_alerts_name_metrics_that_there_are() -> None:
    assert webjobs_apiserver.metrics.SECONDS
    suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "gauge": ("",)}
    there = {f"{one.name}{suffix}" for one in REGISTRY.collect() for suffix in suffixes.get(one.type, ())}
    for rule in rules():
        named = set(re.findall(r"\bwebjobs_\w+", rule["expr"]))
        assert named, rule
        assert named <= there, rule


def test_alerts_say_what_they_are() -> None:
    for rule in rules():
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"]["summary"].endswith(".")
