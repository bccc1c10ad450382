"""Paths of uploads. Whole zips are in test_apiserver_uploads."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webjobs.files.unpack import Limits, UploadError, safe_path

LIMITS = Limits()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a", "a"),
        ("a/b", "a/b"),
        ("a\\b", "a/b"),
        ("./a//b/.", "a/b"),
        ("a..b/...", "a..b/..."),
        ("é 1", "é 1"),
        ("ab:c", "ab:c"),
    ],
)
def test_safe_path(name: str, expected: str) -> None:
    assert safe_path(name, limits=LIMITS) == expected


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "/",
        "/a",
        "\\a",
        "//a",
        "..",
        "a/..",
        "a\\..\\b",
        "C:a",
        "./C:a",
        "c:\\a",
        "a\0",
        "a\n",
        "\x7f",
        "x" * 256,
        "/".join(["x" * 200] * 3),
    ],
)
def test_unsafe_path(name: str) -> None:
    with pytest.raises(UploadError):
        safe_path(name, limits=LIMITS)


@given(st.text(alphabet="ab./\\:\0 é", max_size=20) | st.text(max_size=20))
def test_a_safe_path_stays_inside(name: str) -> None:
    try:
        path = safe_path(name, limits=LIMITS)
    except UploadError:
        return
    assert path
    pure = PurePosixPath(path)
    assert not pure.is_absolute()
    assert str(pure) == path
    assert not {"..", ".", ""} & set(path.split("/"))
    assert "\\" not in path
    assert safe_path(path, limits=LIMITS) == path
