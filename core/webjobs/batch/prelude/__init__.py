"""The functions of sh that scripts made of batch files bring with them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from importlib import resources

_FUNCTION = re.compile(r"((?:^#[^\n]*\n)*)^(\w+)\(\) \{\n.*?^\}\n", re.MULTILINE | re.DOTALL)
_CALL = re.compile(
    r"(?:^|[;&|({!)]|\b(?:then|do|else|if|elif|while|until|called)\b)(?=[ \t]*(\w+)(?:[ \t;)]|$))", re.MULTILINE
)
_COMMENT = re.compile(r"^\s*#.*$", re.MULTILINE)


@cache
def functions() -> dict[str, str]:
    """Return the text of each function with its comment, by name, in the order of the files."""
    found: dict[str, str] = {}
    folder = resources.files(__name__)
    for file in sorted(folder.iterdir(), key=lambda each: each.name):
        if file.name.endswith(".sh"):
            for match in _FUNCTION.finditer(file.read_text(encoding="utf-8")):
                found[match[2]] = match[0]
    return found


@cache
def _called(name: str) -> frozenset[str]:
    known = functions()
    return frozenset(_CALL.findall(_COMMENT.sub("", known[name]))) & known.keys() - {name}


def needed(text: Iterable[str]) -> list[str]:
    """Return the functions that lines of sh call, and those that these call, in the order of the files."""
    known = functions()
    wanted = {word for line in text for word in _CALL.findall(_COMMENT.sub("", line))} & known.keys()
    scoped = bool(wanted & {"scope_begin", "scope_end"})
    seen: set[str] = set()
    while wanted:
        name = wanted.pop()
        seen.add(name)
        called = _called(name) if scoped or name != "invoke" else _called(name) - {"scope_end"}
        wanted |= called - seen
    found = [known[name] for name in known if name in seen]
    return found if scoped else [re.sub(r"^.*\bscope_end\b.*\n", "", text, flags=re.MULTILINE) for text in found]
