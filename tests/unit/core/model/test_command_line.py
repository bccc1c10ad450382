"""Arguments as Windows and .NET split them, and texts that they split into given words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webjobs.model.command_line import join_arguments, split_arguments


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, []),
        ("", []),
        (" \t ", []),
        ("a b\tc", ["a", "b", "c"]),
        ("--customer O'Brien --force --mode fast", ["--customer", "O'Brien", "--force", "--mode", "fast"]),
        ("'a b'", ["'a", "b'"]),
        ('"a b" c', ["a b", "c"]),
        ('--name="a b"c', ["--name=a bc"]),
        ('""', [""]),
        ('a "" b', ["a", "", "b"]),
        # Examples of Microsoft's page about parsing C++ command-line arguments.
        (r'"a b c" d e', ["a b c", "d", "e"]),
        (r'"ab\"c" "\\" d', ['ab"c', "\\", "d"]),
        (r'a\\\b d"e f"g h', [r"a\\\b", "de fg", "h"]),
        (r"a\\\"b c d", [r"a\"b", "c", "d"]),
        (r'a\\\\"b c" d e', [r"a\\b c", "d", "e"]),
        ('a"b"" c d', ['ab" c d']),
        (r"C:\data\in\ --out D:\x", ["C:\\data\\in\\", "--out", "D:\\x"]),
        (r'"C:\data\\" x', ["C:\\data\\", "x"]),
        ("a # b; c && $(d) `e` * %F% ^&", ["a", "#", "b;", "c", "&&", "$(d)", "`e`", "*", "%F%", "^&"]),
        ('"open it', ["open it"]),
        ("a\\", ["a\\"]),
        ('"a\\', ["a\\"]),
        ("a\nb", ["a\nb"]),
    ],
)
def test_split(text: str | None, expected: list[str]) -> None:
    assert split_arguments(text) == expected


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], ""),
        (["a", "--b=c", "O'Brien", r"C:\x\y"], r"a --b=c O'Brien C:\x\y"),
        (["a b", "", 'say "x"'], r'"a b" "" "say \"x\""'),
        (["C:\\x y\\"], r'"C:\x y\\"'),
    ],
)
def test_join(words: list[str], expected: str) -> None:
    assert join_arguments(words) == expected


@given(st.lists(st.text(max_size=8) | st.text(alphabet="a \\\"\t'", max_size=8), max_size=5))
def test_words_come_back(words: list[str]) -> None:
    assert split_arguments(join_arguments(words)) == words


@given(st.text(alphabet="ab '\"\\#\n\t$é", max_size=20) | st.text(max_size=20))
def test_splitting_never_fails_or_invents(text: str) -> None:
    for word in split_arguments(text):
        assert len(word) <= len(text)
        assert set(word) <= set(text)
