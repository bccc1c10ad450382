"""Text of programs as HTML: colours of terminals become classes, and what cannot be seen is shown or removed. Pure.

Only the sequences that choose colours and styles (SGR) count, and of those only what has a class here. All other
sequences are removed. Characters that have no look of their own, or that change the order in which others are read,
are shown by a sign. Each line begins without colours: a page can begin at any line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from markupsafe import Markup, escape

_SGR = re.compile(r"\x1b\[([0-9;]*)m")
_SEQUENCES = (
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: cursors, screens
    r"|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)"  # OSC and the like: titles, links
    r"|\x1b[ -/]*[0-~]"
)
_CONTROLS = r"\x00-\x08\x0a-\x1f\x7f-\x9f"
_DIRECTIONS = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_OTHERS = r"\u200b\u2028\u2029\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff"
_PARTS = re.compile(rf"({_SEQUENCES})|((?:(?!{_SEQUENCES})[{_CONTROLS}{_DIRECTIONS}{_OTHERS}])+)")
_STYLES = {1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "inverse", 9: "strike"}
_ENDS = {21: (1,), 22: (1, 2), 23: (3,), 24: (4,), 27: (7,), 29: (9,)}
_HIGHEST = 999

CLASSES = frozenset({*_STYLES.values(), *(f"{kind}{colour}" for kind in "fb" for colour in range(8)), "unseen"})
"""All classes that can come: ``f`` and a digit for a colour, ``b`` and a digit for a background."""


@dataclass(frozen=True, kw_only=True)
class _Look:
    """Colours and styles from a place in a line on."""

    front: int | None = None
    back: int | None = None
    styles: frozenset[int] = frozenset()

    @property
    def classes(self) -> str:
        if 7 in self.styles:  # the page's own colours: those of a program could be hard to read
            return " ".join(_STYLES[one] for one in sorted(self.styles))
        colours = [f"f{self.front}"] if self.front is not None else []
        colours += [f"b{self.back}"] if self.back is not None else []
        return " ".join([*colours, *(_STYLES[one] for one in sorted(self.styles))])


def to_html(text: str) -> Markup:
    """Return a line as HTML: escaped text, and ``span`` elements with CLASSES."""
    found, look = list[str](), _Look()
    for kind, part in _parts(text):
        if kind == "sequence":
            if sgr := _SGR.fullmatch(part):
                look = _after(look, sgr[1])
            continue
        classes = look.classes
        inner = f'<span class="unseen">{_shown(part)}</span>' if kind == "unseen" else str(escape(part))
        found.append(f'<span class="{classes}">{inner}</span>' if classes else inner)
    return Markup("".join(found))  # noqa: S704  all text of others is escaped


def plain(text: str) -> str:
    """Return a line as its HTML is read, without colours."""
    return "".join(_shown(part) if kind == "unseen" else part for kind, part in _parts(text) if kind != "sequence")


def _parts(text: str) -> Iterator[tuple[str, str]]:
    """Yield the parts of a line in their order: ``text``, ``unseen`` (characters without a look) or ``sequence``."""
    at = 0
    for match in _PARTS.finditer(text):
        if match.start() > at:
            yield "text", text[at : match.start()]
        yield "sequence" if match[1] else "unseen", match[0]
        at = match.end()
    if at < len(text):
        yield "text", text[at:]


def _shown(unseen: str) -> str:
    """Return signs for characters that have no look."""
    return "".join(_sign(ord(one)) for one in unseen)


def _sign(code: int) -> str:
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else f"[U+{code:04X}]"


def _after(look: _Look, codes: str) -> _Look:
    """Return the look after a sequence with codes such as ``1;31``."""
    known = iter([min(int(code[:4] or 0), _HIGHEST) for code in codes.split(";")])
    for code in known:
        match code:
            case 0:
                look = _Look()
            case 38 | 48:
                colour = _mixed(known)
                look = replace(look, front=colour) if code == 38 else replace(look, back=colour)
            case 39:
                look = replace(look, front=None)
            case 49:
                look = replace(look, back=None)
            case _ if code in _STYLES:
                look = replace(look, styles=look.styles | {code})
            case _ if code in _ENDS:
                look = replace(look, styles=look.styles - set(_ENDS[code]))
            case _ if 30 <= code <= 37 or 90 <= code <= 97:
                look = replace(look, front=code % 10)
            case _ if 40 <= code <= 47 or 100 <= code <= 107:
                look = replace(look, back=code % 10)
    return look


def _mixed(codes: Iterator[int]) -> int | None:
    """Return the nearest of eight colours for ``5;N`` or ``2;R;G;B``."""
    kind = next(codes, 0)
    if kind == 2:
        return _nearest(next(codes, 0), next(codes, 0), next(codes, 0))
    if kind != 5:
        return None
    number = next(codes, 0)
    if number < 16:
        return number % 8
    if number >= 232:
        return 7 if number >= 244 else 0
    red, rest = divmod(number - 16, 36)
    return _nearest(*(51 * part for part in (red, *divmod(rest, 6))))


def _nearest(red: int, green: int, blue: int) -> int:
    return (red > 127) | (green > 127) << 1 | (blue > 127) << 2
