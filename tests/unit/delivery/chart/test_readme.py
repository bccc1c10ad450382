"""The chart's README, which is made of values.yaml, and what Chart.yaml says of the chart."""

from __future__ import annotations

import base64
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import generate
from tests.charts import CHART, render, run_helm
from tests.cluster.paths import repo_root
from tests.generate import __main__ as command
from tests.generate import chart_readme
from tests.generate.chart_values import Value, read

README = (CHART / "README.md").read_text()


def _read(text: str) -> list[tuple[str, str, Any, bool]]:
    return [(".".join(one.path), one.comment, one.default, one.is_group) for one in read(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\n", [("a", "", 1, False)]),
        ("a: 1   # what it is\n", [("a", "what it is", 1, False)]),
        ("# above,\n# in two lines\na: 1  # and behind\n", [("a", "above, in two lines and behind", 1, False)]),
        ("# a heading of nothing\n\na: 1\n", [("a", "", 1, False)]),
        ('a: "#x # y"  # z\n', [("a", "z", "#x # y", False)]),
        ("a: x#y\n", [("a", "", "x#y", False)]),
        ("a: {b: 1}  # c\n", [("a", "c", {"b": 1}, False)]),
        ("a: {}\nb: []\nc: null\n", [("a", "", {}, False), ("b", "", [], False), ("c", "", None, False)]),
        ("a:  # c\n  b: 1\nd: 2\n", [("a", "c", {"b": 1}, True), ("a.b", "", 1, False), ("d", "", 2, False)]),
        ("a:\n  x.y/z: 1\n", [("a", "", {"x.y/z": 1}, True), ("a.x.y/z", "", 1, False)]),
        (
            'a:\n  b:\n    "1": x\n    "2": y\n  c: 3  # d\n',
            [
                ("a", "", {"b": {"1": "x", "2": "y"}, "c": 3}, True),
                ("a.b", "", {"1": "x", "2": "y"}, False),
                ("a.c", "d", 3, False),
            ],
        ),
    ],
)
def test_values_are_read_with_their_comments(text: str, expected: list[tuple[str, str, Any, bool]]) -> None:
    assert _read(text) == expected


@pytest.mark.parametrize("text", ["a:\n  - 1\n", "a\n", "a: >\n  text\n  more: \n  - x\n"])
def test_what_can_not_be_read_is_told(text: str) -> None:
    with pytest.raises(ValueError, match=r"line \d: neither a comment nor a key"):
        read(text)


@pytest.mark.parametrize(
    ("value", "row"),
    [
        (Value(path=("a", "b"), comment="c", default="d", is_group=False), '| `a.b` | `"d"` | c |'),
        (Value(path=("a", "x.y/z"), comment="", default=1, is_group=False), '| `a."x.y/z"` | `1` |  |'),
        (Value(path=("a", "b"), comment="c", default={"d": 1}, is_group=True), "| `a.b` |  | c |"),
        (
            Value(path=("a", "b"), comment="a|b, *.c", default="x|y", is_group=False),
            '| `a.b` | `"x\\|y"` | a\\|b, \\*.c |',
        ),
        (
            Value(path=("a", "b"), comment="- {c: {d: 1}}; e", default=[], is_group=False),
            "| `a.b` | `[]` | an entry: `{c: {d: 1}}`; e |",
        ),
        (Value(path=("a", "b"), comment="", default="x" * 100, is_group=False), "| `a.b` | in values.yaml |  |"),
    ],
)
def test_a_row_of_a_table(value: Value, row: str) -> None:
    assert row in chart_readme.tables([value, Value(path=("a",), comment="", default={}, is_group=True)]).splitlines()


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if isinstance(value, dict) and value:
        for key, one in value.items():
            yield from _leaves(one, (*path, key))
    else:
        yield path


def test_every_value_is_in_the_readme() -> None:
    """By itself, or by the value in braces that it is in."""
    rows = {name.replace('"', "") for name in re.findall(r"^\| `([^`]+)` \|", README, re.MULTILINE)}
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    lacking = [
        path
        for path in _leaves(values)
        if not any(".".join(path[:length]) in rows for length in range(1, len(path) + 1))
    ]
    assert lacking == []
    assert len(rows) > 150


@pytest.mark.parametrize("written", [None, "stale"])
def test_a_stale_file_is_told_and_written(
    written: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "folder").mkdir()
    path = tmp_path / "folder/README.md"
    if written is not None:
        path.write_text(written)
    monkeypatch.setattr(command, "REPO", tmp_path)
    monkeypatch.setattr(command, "wanted", lambda: {path: "fresh"})
    monkeypatch.setattr("sys.argv", ["generate", "--check"])
    assert command.main() == 1
    assert capsys.readouterr().err == "folder/README.md is stale: run `make generate` and commit it\n"
    monkeypatch.setattr("sys.argv", ["generate"])
    assert command.main() == 0
    assert path.read_text() == "fresh"
    monkeypatch.setattr("sys.argv", ["generate", "--check"])
    assert command.main() == 0


def test_the_readme_is_one_of_the_generated_files() -> None:
    assert CHART / "README.md" in generate.wanted()
    makefile = (repo_root() / "Makefile").read_text()
    assert re.search(r"^verify:.*\n\t\$\(RUN\) -m tests\.generate --check$", makefile, re.MULTILINE)


def test_the_template_needs_a_place_for_the_values(tmp_path: Path) -> None:
    folder = tmp_path / "charts/webjobs"
    folder.mkdir(parents=True)
    (folder / "README.template.md").write_text("# Nothing\n")
    with pytest.raises(ValueError, match="needs one line <!-- values -->"):
        chart_readme.files(tmp_path)


def test_what_the_chart_says_of_itself() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    project = tomllib.loads((repo_root() / "pyproject.toml").read_text())["project"]
    assert chart["version"] == chart["appVersion"] == project["version"]
    notes = chart["annotations"]
    assert notes["artifacthub.io/license"] == project["license"]
    made = {
        (one["spec"]["names"]["kind"], name): one["spec"]["versions"][0]["name"]
        for (kind, name), one in render().items()
        if kind == "CustomResourceDefinition"
    }
    told = yaml.safe_load(notes["artifacthub.io/crds"])
    assert {(one["kind"], one["name"]): one["version"] for one in told} == made
    assert all(one["displayName"] == one["kind"] and one["description"] for one in told)
    head, _, icon = chart["icon"].partition(",")
    assert head == "data:image/svg+xml;base64"
    dashboard = repo_root() / "apiserver/webjobs_apiserver/ui/static/icon.svg"
    assert base64.b64decode(icon) == dashboard.read_bytes()


def test_helm_finds_nothing_to_complain_of() -> None:
    done = run_helm("lint", "--quiet", "--strict", str(CHART))
    assert done.returncode == 0, done.stdout + done.stderr
