"""JSON as Newtonsoft.Json reads it, which is what Kudu reads settings.job with. Pure.

Beside JSON it takes comments, single quotes, names without quotes, a comma after the last member, line breaks in texts,
hexadecimal and octal numbers, and ``undefined``. Of two members with one name the last one counts. Source: Newtonsoft's
``JsonTextReader`` and ``JsonConvert.DeserializeObject``, with their defaults.
"""

from __future__ import annotations

import codecs
import math
import re
from typing import Any, NoReturn

MOST_DEPTH = 64
"""Most levels of objects and lists, as Newtonsoft has it."""

_BOMS = (  # UTF-32 before UTF-16, whose mark it begins with
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_GAP = re.compile(r"(?:\s|//[^\r\n]*|/\*.*?\*/)*", re.DOTALL)
_NAME = re.compile(r"[\w$]+")
_WORD = re.compile(r"[^\s,:\[\]{}\"'/]+")
_PLAIN = re.compile(r"[^\\\"']+")
_INTEGER = re.compile(r"-?(?:0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)", re.ASCII)
_FLOAT = re.compile(r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?", re.ASCII)
_MOST_DIGITS = 380
"""Characters of the longest number that Newtonsoft takes."""
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", '"': '"', "'": "'", "/": "/", "\\": "\\"}
_WORDS: dict[str, Any] = {
    "true": True,
    "false": False,
    "null": None,
    "undefined": None,
    # Kubernetes can't store these three.
    "NaN": None,
    "Infinity": None,
    "-Infinity": None,
}


class NotJson(ValueError):
    """A text that can't be read; the message says where and why."""


def decode(content: bytes) -> str:
    """Return the text of a file by its byte order mark, else as UTF-8; what is none becomes U+FFFD (.NET)."""
    for mark, encoding in _BOMS:
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding, "replace")
    return content.decode("utf-8", "replace")


def loads(text: str) -> Any:
    """Return the value of a text; None for one that holds nothing but blanks and comments. Raises NotJson."""
    reader = _Reader(text)
    reader.gap()
    if reader.at == len(text):
        return None
    value = reader.value(depth=0)
    reader.gap()
    if reader.at < len(text):
        reader.fail("something follows the end")
    return value


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self.at = 0

    def fail(self, why: str) -> NoReturn:
        before = self._text[: self.at]
        line, column = before.count("\n") + 1, self.at - (before.rfind("\n") + 1) + 1
        raise NotJson(f"line {line}, column {column}: {why}")

    def gap(self) -> None:
        """Pass over blanks and comments."""
        found = _GAP.match(self._text, self.at)
        self.at = found.end() if found else self.at
        if self._text.startswith("/*", self.at):
            self.fail("a comment does not end")

    def _next(self) -> str:
        self.gap()
        return self._text[self.at : self.at + 1]

    def value(self, *, depth: int) -> Any:
        char = self._next()
        if char in ("{", "["):
            if depth >= MOST_DEPTH:
                self.fail(f"there are more than {MOST_DEPTH} levels")
            self.at += 1
            return self._object(depth + 1) if char == "{" else self._list(depth + 1)
        if char in ('"', "'") and char:
            return self._string(char)
        return self._word()

    def _object(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while (char := self._next()) != "}":
            if char in ('"', "'") and char:
                name = self._string(char)
            elif word := _NAME.match(self._text, self.at):
                name, self.at = word[0], word.end()
            else:
                self.fail("a name was expected, or '}'" if char else "'}' is missing")
            if self._next() != ":":
                self.fail(f"':' is missing after the name {name[:40]!r}")
            self.at += 1
            found[name] = self.value(depth=depth)
            self._comma("}")
        self.at += 1
        return found

    def _list(self, depth: int) -> list[Any]:
        found: list[Any] = []
        while (char := self._next()) != "]":
            if not char:
                self.fail("']' is missing")
            if char == ",":
                found.append(None)  # as Newtonsoft: a place that was left out
            else:
                found.append(self.value(depth=depth))
            self._comma("]")
        self.at += 1
        return found

    def _comma(self, end: str) -> None:
        char = self._next()
        if char == ",":
            self.at += 1
        elif char != end:
            self.fail(f"',' or '{end}' is missing")

    def _string(self, quote: str) -> str:
        begin, self.at = self.at, self.at + 1
        pieces: list[str] = []
        while self.at < len(self._text):
            if plain := _PLAIN.match(self._text, self.at):
                pieces.append(plain[0])
                self.at = plain.end()
                continue
            char = self._text[self.at]
            self.at += 1
            if char == quote:
                return "".join(pieces).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
            pieces.append(self._escaped() if char == "\\" else char)
        self.at = begin
        self.fail("a text does not end")

    def _escaped(self) -> str:
        char = self._text[self.at : self.at + 1]
        self.at += 1
        if char == "u":
            digits = self._text[self.at : self.at + 4]
            if re.fullmatch("[0-9a-fA-F]{4}", digits):
                self.at += 4
                return chr(int(digits, 16))
        elif char in _ESCAPES:
            return _ESCAPES[char]
        self.at -= 1
        self.fail(f"\\{char} means nothing in a text: write \\\\ for a backslash")

    def _word(self) -> Any:
        found = _WORD.match(self._text, self.at)
        if found is None:
            self.fail("a value is missing")
        word = found[0]
        if word in _WORDS:
            self.at = found.end()
            return _WORDS[word]
        number = _number(word)
        if number is None:
            self.fail(f"{word[:40]!r} is no value: texts stand in quotes")
        self.at = found.end()
        return number


def _number(word: str) -> int | float | None:
    """Return the number that a word means; None for anything else, and for one that JSON can't write."""
    if len(word) > _MOST_DIGITS:
        return None
    if _INTEGER.fullmatch(word):
        digits = word.lstrip("-")
        octal = len(digits) > 1 and digits[0] == "0" and not word.startswith("-")
        base = 16 if digits[:2] in ("0x", "0X") else 8 if octal else 10
        return int(word, base)
    if _FLOAT.fullmatch(word) and math.isfinite(number := float(word)):
        return number
    return None
