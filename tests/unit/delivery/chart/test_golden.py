"""All that the chart makes, against golden files: ``UPDATE_GOLDEN=1`` writes them anew, a reviewer reads the diff.

Without the CRDs, which are generated, and the pod of ``helm test``; and with a word in place of what is random.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from tests.charts import Manifest, manifests, profiles

GOLDEN = Path(__file__).parent / "golden"
CASES = {"default": (), "production": ("production",), "openshift": ("production", "openshift")}
"""Profiles of the chart, one over the other, by the name of the golden file."""


def _calm(manifest: Manifest) -> Manifest:
    """The manifest without what is another one each time."""
    if manifest["kind"] == "Secret" and "data" in manifest:
        manifest["data"] = dict.fromkeys(manifest["data"], "...")
    return manifest


@pytest.mark.parametrize("name", CASES)
def test_the_chart_makes_what_it_did(name: str) -> None:
    made = [
        _calm(one)
        for one in manifests({}, "--skip-tests", *profiles(*CASES[name]))
        if one["kind"] != "CustomResourceDefinition"
    ]
    made.sort(key=lambda one: (one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"]))
    text = yaml.safe_dump_all(made, sort_keys=True, width=10_000)
    path = GOLDEN / f"{name}.yaml"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text)
    assert text == path.read_text(), f"{path.name} differs: UPDATE_GOLDEN=1 writes it anew"
