"""The text of a run's arguments as words, by the rules of Windows' and .NET's command lines. Pure.

App Service hands the text of ``?arguments=`` to .NET, which splits it: blanks and tabs separate, ``"`` keeps together,
two of them within quotes are one, and ``\\`` escapes a ``"`` and nothing else. ``'`` is a letter. Source: .NET's
``ProcessUtils.ParseArgumentsIntoList`` and Windows' ``CommandLineToArgvW``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_BLANKS = " \t"
_PLAIN = re.compile(r'[^\s"\\]+(?:\\+[^\s"\\]+)*')
"""Words that need no quotes: backslashes count as they are, unless a quote follows."""


def split_arguments(text: str | None) -> list[str]:
    """Return the words of an arguments text. A quote that is never closed ends with the text; nothing is expanded."""
    words: list[str] = []
    at, text = 0, text or ""
    while True:
        while at < len(text) and text[at] in _BLANKS:
            at += 1
        if at == len(text):
            return words
        word, at = _word(text, at)
        words.append(word)


def _word(text: str, at: int) -> tuple[str, int]:
    """Return the word that begins at a place, and the place after it."""
    word: list[str] = []
    quoted = False
    while at < len(text) and (quoted or text[at] not in _BLANKS):
        slashes = 0
        while text[at : at + 1] == "\\":
            slashes, at = slashes + 1, at + 1
        if text[at : at + 1] != '"':
            word.append("\\" * slashes)
            if not slashes:
                word.append(text[at])
                at += 1
            continue
        word.append("\\" * (slashes // 2))
        at += 1
        if slashes % 2:
            word.append('"')
        elif quoted and text[at : at + 1] == '"':
            word.append('"')
            at += 1
        else:
            quoted = not quoted
    return "".join(word), at


def join_arguments(words: Iterable[str]) -> str:
    """Return a text that ``split_arguments`` splits into these words."""
    return " ".join(word if _PLAIN.fullmatch(word) else _quoted(word) for word in words)


def _quoted(word: str) -> str:
    # Backslashes are doubled where a quote follows: one of the word, or the closing one.
    escaped = re.sub(r'(\\*)"', r'\1\1\\"', word)
    return '"' + re.sub(r"(\\+)\Z", r"\1\1", escaped) + '"'
