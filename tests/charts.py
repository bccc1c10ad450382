"""The chart as Helm renders it, for tests."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import yaml

from tests.cluster.paths import repo_root
from tests.stack import tool

CHART = repo_root() / "charts/webjobs"
Manifest = dict[str, Any]


def helm(values: dict[str, Any] | None = None, *options: str) -> subprocess.CompletedProcess[str]:
    """Run ``helm template`` for a release ``webjobs`` in the namespace ``system``."""
    command = ("template", "webjobs", str(CHART), "--namespace", "system", "--values", "-", *options)
    return run_helm(*command, stdin=json.dumps(values or {}))


def run_helm(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run Helm without a cluster."""
    return subprocess.run([tool("helm"), *arguments], input=stdin, text=True, capture_output=True)


def manifests(values: dict[str, Any] | None = None, *options: str) -> list[Manifest]:
    """Return what the chart makes, in its order."""
    done = helm(values, *options)
    assert done.returncode == 0, done.stderr
    return [one for one in yaml.safe_load_all(done.stdout) if one]


def render(values: dict[str, Any] | None = None, *options: str) -> dict[tuple[str, str], Manifest]:
    """Return what the chart makes, by kind and name."""
    return {(one["kind"], one["metadata"]["name"]): one for one in manifests(values, *options)}


def profiles(*names: str) -> list[str]:
    """Return options that take profiles of the chart (``values-NAME.yaml``), one over the other."""
    return [word for name in names for word in ("--values", str(CHART / f"values-{name}.yaml"))]
