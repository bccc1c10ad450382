"""The generated files: CRDs, the chart's copies of them, and the chart's README."""

from __future__ import annotations

from pathlib import Path

from tests.generate import chart_readme, crds

REPO = Path(__file__).resolve().parents[2]


def wanted() -> dict[Path, str]:
    """Return every generated file with its content."""
    found = crds.files() | chart_readme.files(REPO)
    return {REPO / path: content for path, content in found.items()}
