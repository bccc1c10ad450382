"""What Helm tells after an installation. It renders notes with a cluster only, so a copy has them in an object."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

from tests.charts import CHART, Manifest, profiles, run_helm

SHOWN = """apiVersion: v1
kind: ConfigMap
metadata: {name: shown}
data: {notes: {{ tpl (.Files.Get "notes.txt") . | toJson }}}
"""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The chart with its notes in a ConfigMap."""
    chart = tmp_path / "webjobs"
    shutil.copytree(CHART, chart)
    (chart / "templates/NOTES.txt").rename(chart / "notes.txt")
    (chart / "templates/shown.yaml").write_text(SHOWN)
    return chart


def _notes(chart: Path, values: Manifest, *options: str) -> str:
    where = ("--namespace", "system", "--show-only", "templates/shown.yaml")
    done = run_helm("template", "webjobs", str(chart), *where, "--values", "-", *options, stdin=json.dumps(values))
    assert done.returncode == 0, done.stderr
    text: str = yaml.safe_load(done.stdout)["data"]["notes"]
    return text


def test_first_steps_are_told(copy: Path) -> None:
    text = _notes(copy, {"fullnameOverride": "kudu"})
    assert "kubectl get secret -n system kudu-credentials" in text
    assert "kubectl port-forward -n system svc/kudu-apiserver 8080:80" in text
    assert "helm test webjobs -n system --logs" in text
    assert "REPLACE" not in text


def test_what_a_profile_left_open_is_told_until_it_is_said(copy: Path) -> None:
    production = profiles("production")
    assert "Some values still say REPLACE" in _notes(copy, {}, *production)
    mine = copy / "mine.yaml"
    mine.write_text(
        "store: {url: s3://bucket/webjobs}\n"
        "apiserver: {networkPolicy: {ingress: {from: [{ipBlock: {cidr: 10.0.0.0/8}}]}}}\n"
    )
    assert "REPLACE" not in _notes(copy, {}, *production, "--values", str(mine))
