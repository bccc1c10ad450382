"""The lowest version that a range of npm or Composer takes. Pure.

Both have ``^1.2``, ``~1.2``, ``1.x``, ``>=1 <2``, ``1 - 2`` and ``||``; Composer has ``,`` and ``|``, too.
"""

from __future__ import annotations

import re

Version = tuple[int, ...]
"""Major and minor version, or the major one alone."""

_LONGEST = 500
"""Most characters of a range; what is longer is none."""
_VERSION = re.compile(r"[vV=]?(\d{1,6})(?:\.(\d{1,6}|[xX*]))?(?:\.(\d{1,6}|[xX*]))?(?:[.+@-][\w.+@-]*)?", re.ASCII)
_OPERATOR = re.compile(r"(>=|<=|!=|<>|>|<|\^|~>?|==?|)\s*")
_HYPHEN = re.compile(r"\s+-\s+")
_ANY = re.compile(r"[xX*]|latest|node|stable|current", re.ASCII)


class NoRange(ValueError):
    """A text that is no range of versions."""


def lowest(text: str) -> Version | None:
    """Return the lowest version that a range takes; None for one that takes any.

    Of a range that has an upper end alone it is the highest one, for the lowest would be nobody's wish. Raises NoRange.
    """
    if len(text) > _LONGEST:
        raise NoRange(text[:_LONGEST])
    found = [_alternative(part) for part in re.split(r"\|\|?", text)]
    named = [version for version in found if version is not None]
    return min(named) if len(named) == len(found) else None


def _alternative(text: str) -> Version | None:
    """Return the lowest version of a range without ``||``."""
    parts = _HYPHEN.split(text.strip())
    if len(parts) == 2:
        return _comparator(">=", parts[0])[0]
    lower: list[Version] = []
    upper: list[Version] = []
    rest = text.strip().replace(",", " ")
    while rest := rest.lstrip():
        operator = _OPERATOR.match(rest)
        sign = operator[1] if operator else ""
        word, _, rest = (rest[operator.end() :] if operator else rest).partition(" ")
        low, high = _comparator(sign, word)
        lower += [low] if low is not None else []
        upper += [high] if high is not None else []
    if lower:
        return max(lower)
    return min(upper) if upper else None


def _comparator(operator: str, word: str) -> tuple[Version | None, Version | None]:
    """Return the lowest and the highest version that one comparison takes; None where it has no end."""
    if _ANY.fullmatch(word):
        return None, None
    found = _VERSION.fullmatch(word)
    if found is None:
        raise NoRange(word)
    major, minor = int(found[1]), _number(found[2])
    patch = _number(found[3])
    version = (major,) if minor is None else (major, minor)
    if operator in ("!=", "<>"):
        return None, None
    if operator == ">" and patch is None:
        return (*version[:-1], version[-1] + 1), None
    if operator == "<=" or (operator == "<" and patch):
        return None, version
    if operator == "<":
        return None, _below(version)
    return version, None


def _below(version: Version) -> Version:
    """Return the highest version that is lower, as far as it can be known."""
    if len(version) == 2 and version[1]:
        return version[0], version[1] - 1
    return (max(version[0] - 1, 0),)


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None
