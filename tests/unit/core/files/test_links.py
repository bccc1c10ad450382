"""Symbolic links of a package: what they lead to, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webjobs.files.links import LinkError, followed

FILES = ("lib/tool.js", "lib/in/a.txt", "run.sh")


@pytest.mark.parametrize(
    ("links", "expected"),
    [
        ({}, {}),
        ({"node_modules/.bin/tool": "../../lib/tool.js"}, {"node_modules/.bin/tool": "lib/tool.js"}),
        ({"x": "./lib//tool.js"}, {"x": "lib/tool.js"}),
        ({"x": "lib\\tool.js"}, {"x": "lib/tool.js"}),
        ({"x": "lib/../run.sh"}, {"x": "run.sh"}),
        ({"x": "y", "y": "run.sh"}, {"x": "run.sh", "y": "run.sh"}),
        ({"lib64": "lib"}, {"lib64/tool.js": "lib/tool.js", "lib64/in/a.txt": "lib/in/a.txt"}),
        ({"lib64": "lib/"}, {"lib64/tool.js": "lib/tool.js", "lib64/in/a.txt": "lib/in/a.txt"}),
        ({"d": "lib/in", "x": "d/a.txt"}, {"d/a.txt": "lib/in/a.txt", "x": "lib/in/a.txt"}),
        (
            {"lib/again": "in", "other": "lib"},
            {
                "lib/again/a.txt": "lib/in/a.txt",
                "other/tool.js": "lib/tool.js",
                "other/in/a.txt": "lib/in/a.txt",
                "other/again/a.txt": "lib/in/a.txt",
            },
        ),
    ],
)
def test_within_the_tree_they_are_further_paths(links: dict[str, str], expected: dict[str, str]) -> None:
    assert followed(FILES, links, most=100) == expected


@pytest.mark.parametrize(
    ("links", "message"),
    [
        ({"x": "/etc/passwd"}, "'x' leads out of the package"),
        ({"x": "C:\\Windows"}, "'x' leads out"),
        ({"x": "../y"}, "'x' leads out"),
        ({"a/b": "../../run.sh"}, "'a/b' leads out"),
        ({"x": "lib/../../y"}, "'x' leads out"),
        ({"x": "nothing"}, "'x' leads to nothing: 'nothing'"),
        ({"x": ""}, "'x' leads to a folder that holds it"),
        ({"x": "x"}, "'x' leads in a circle"),
        ({"x": "y", "y": "x"}, "leads in a circle"),
        ({"lib/in/up": ".."}, "'lib/in/up' leads to a folder that holds it"),
        ({"x": "."}, "'x' leads to a folder that holds it"),
        ({"a/x": "../b", "b/y": "../a"}, "leads in a circle"),
    ],
)
def test_what_is_refused(links: dict[str, str], message: str) -> None:
    with pytest.raises(LinkError, match=message):
        followed(FILES, links, most=100)


def test_links_do_not_multiply_without_end() -> None:
    """Each level doubles the files: ten links would make a thousand paths of one file."""
    links = {f"{level}/{side}": f"../{level + 1}" for level in range(10) for side in "ab"}
    with pytest.raises(LinkError, match="more than 100 files"):
        followed(["10/file"], links, most=100)


def test_a_link_to_an_empty_folder_is_nothing() -> None:
    assert followed(FILES, {"current": "logs"}, folders=["logs"]) == {}


def test_the_work_is_bounded() -> None:
    """Many links to one long chain: results are few, the way to each is long."""
    chain = {f"d{level}/x": f"../d{level + 1}" for level in range(38)}
    links = chain | {f"l{number}": "d0" for number in range(5000)}
    with pytest.raises(LinkError, match=r"lead to too much|more than 100 files"):
        followed(["d38/f"], links, most=100)


def test_paths_do_not_grow_without_end() -> None:
    name = "n" * 200
    with pytest.raises(LinkError, match="too long paths"):
        followed([f"b/{name}/f"], {f"a/{name}/{name}": "../../b"}, most=100)


NAMES = st.sampled_from(["a", "b", "c"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
TARGETS = st.lists(st.sampled_from(["a", "b", "c", "..", "."]), min_size=1, max_size=4).map("/".join)


@given(st.sets(PATHS, min_size=1, max_size=4), st.dictionaries(PATHS, TARGETS, min_size=1, max_size=3))
def test_they_lead_where_linux_says(files: set[str], links: dict[str, str]) -> None:
    """Whatever is not refused is what the file system finds under the path."""
    whole = [*files, *links]
    if len(set(whole)) != len(whole) or any(
        str(parent) in whole for path in whole for parent in PurePosixPath(path).parents
    ):
        return
    try:
        found = followed(files, links, most=1000)
    except LinkError:
        return
    with TemporaryDirectory() as name:
        root = Path(name)
        for path in files:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(path)
        for path, target in links.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            os.symlink(target, root / path)
        assert {path: (root / path).read_text() for path in found} == found
