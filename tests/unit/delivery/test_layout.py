"""The house stays one in which a stranger finds the room: small folders, short functions, every module in the table."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.cluster.paths import repo_root

ROOT = repo_root()
PACKAGES = ("core", "operator", "apiserver", "cli")
MOST_MODULES = 16
MOST_LINES = 70
"""Most lines of a function."""
TABLE = ROOT / "docs/architecture/README.md"


def modules(*folders: str) -> list[Path]:
    """All modules below folders of the repository."""
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def test_no_folder_needs_a_search() -> None:
    counts: dict[str, int] = {}
    for path in modules(*PACKAGES, "tests"):
        if path.name != "__init__.py":
            folder = str(path.parent.relative_to(ROOT))
            counts[folder] = counts.get(folder, 0) + 1
    assert {folder: count for folder, count in counts.items() if count > MOST_MODULES} == {}


def test_functions_are_short() -> None:
    found = {}
    for path in modules(*PACKAGES):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                if lines > MOST_LINES:
                    found[f"{path.relative_to(ROOT)}:{node.name}"] = lines
    assert found == {}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_module_is_in_the_table(package: str) -> None:
    named = set(re.findall(r"`(\w+)`", TABLE.read_text()))
    assert [str(path) for path in modules(package) if path.stem not in {*named, "__init__"}] == []


def test_every_folder_is_a_package() -> None:
    """One without ``__init__.py`` would be a namespace, which the layers do not see."""
    folders = {path.parent for path in modules(*PACKAGES)}
    assert [str(folder) for folder in sorted(folders) if not (folder / "__init__.py").exists()] == []
