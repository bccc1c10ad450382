"""``charts/webjobs/README.md``: its template, with tables of all values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.generate.chart_values import Value, read

CHART = Path("charts/webjobs")
_MARK = "<!-- values -->\n"
_HEAD = "<!-- Generated from README.template.md and values.yaml by `make generate`. Do not edit. -->\n"
_LONGEST = 70
"""Most characters of a default in a table; beyond them it is in values.yaml."""


def files(repo: Path) -> dict[Path, str]:
    """Return the README by its path in the repository.

    ValueError: the template has no place for the values, or values.yaml can't be read.
    """
    template = (repo / CHART / "README.template.md").read_text()
    if template.count(_MARK) != 1:
        raise ValueError(f"README.template.md needs one line {_MARK.strip()}")
    values = read((repo / CHART / "values.yaml").read_text())
    return {CHART / "README.md": _HEAD + template.replace(_MARK, tables(values))}


def tables(values: list[Value]) -> str:
    """Return the sections of all values: those without a group, then each group with what is said of it. Pure."""
    single = [one for one in values if len(one.path) == 1 and not one.is_group]
    parts = ["### Of the whole chart\n", _table(single)]
    for group in (one for one in values if len(one.path) == 1 and one.is_group):
        below = [one for one in values if one.path[0] == group.path[0] and len(one.path) > 1]
        parts += [f"### {group.path[0]}\n", *([f"{group.comment}\n"] if group.comment else []), _table(below)]
    return "\n".join(parts)


def _table(values: list[Value]) -> str:
    # A group that nothing is said of needs no row: its keys tell where they are.
    rows = [f"| `{_name(one.path)}` | {_default(one)} | {_comment(one.comment)} |" for one in values if _is_row(one)]
    return "\n".join(["| value | default | what it is |", "|---|---|---|", *rows, ""])


def _is_row(value: Value) -> bool:
    return bool(value.comment) or not value.is_group


def _name(path: tuple[str, ...]) -> str:
    return ".".join(f'"{key}"' if "." in key else key for key in path)


def _default(value: Value) -> str:
    if value.is_group:
        return ""
    text = _json(value.default)
    return f"`{_cell(text)}`" if len(text) <= _LONGEST else "in values.yaml"


def _json(default: Any) -> str:
    return json.dumps(default, ensure_ascii=False)


def _comment(text: str) -> str:
    """A comment as Markdown: one that begins with an entry of a list shows it as code."""
    entry = _entry(text)
    told = text[2 + len(entry) :].lstrip(";,. ") if entry else text
    plain = _cell(told).replace("*", "\\*")
    return "; ".join(filter(None, [f"an entry: `{_cell(entry)}`" if entry else "", plain]))


def _entry(text: str) -> str:
    """The braces at the beginning of ``- {...} and more``; empty when there are none."""
    depth = 0
    for end, letter in enumerate(text):
        depth += {"{": 1, "}": -1}.get(letter, 0)
        if text.startswith("- {") and end > 2 and depth == 0:
            return text[2 : end + 1]
    return ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
