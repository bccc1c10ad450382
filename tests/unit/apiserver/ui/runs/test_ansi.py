"""Text of programs as HTML: colours, what cannot be seen, and what must never get to a browser."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from importlib.resources import files
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webjobs_apiserver.ui.runs import ansi

STATIC = files("webjobs_apiserver.ui").joinpath("static")
GROUNDS = ("--raised", *(f"--{name}-back" for name in ("bad", "good", "warn", "busy", "quiet", "violet", "teal")))
"""Grounds on which text of a log can stand."""
COLOURS = ("--text", "--quiet", "--bad", "--good", "--warn", "--busy", "--violet", "--teal")


class _Read(HTMLParser):
    """What a browser makes of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.text, self.classes, self.open = "", set[str](), 0
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag == "span", tag
        assert [name for name, _ in attrs] == ["class"]
        self.classes |= set((attrs[0][1] or "").split())
        self.open += 1

    def handle_endtag(self, tag: str) -> None:
        assert tag == "span"
        self.open -= 1

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(decl)

    def handle_pi(self, data: str) -> None:
        raise AssertionError(data)


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("plain", "plain"),
        ("<script>alert('a')</script> &", "&lt;script&gt;alert(&#39;a&#39;)&lt;/script&gt; &amp;"),
        ("\x1b[31mred\x1b[0m not", '<span class="f1">red</span> not'),
        ("\x1b[1;92mok\x1b[22m ok\x1b[39m no", '<span class="f2 bold">ok</span><span class="f2"> ok</span> no'),
        ("\x1b[97;104mx\x1b[49my\x1b[my", '<span class="f7 b4">x</span><span class="f7">y</span>y'),
        ("\x1b[38;5;196ma\x1b[38;2;0;200;0mb", '<span class="f1">a</span><span class="f2">b</span>'),
        ("\x1b[38;5;15ma\x1b[48;5;240mb", '<span class="f7">a</span><span class="f7 b0">b</span>'),
        ("\x1b[38;9;1ma", '<span class="bold">a</span>'),
        ("\x1b[31;7ma\x1b[27mb", '<span class="inverse">a</span><span class="f1">b</span>'),
        ("\x1b[4;9;3;2ma", '<span class="dim italic underline strike">a</span>'),
        ("\x1b[31m\x1b[31;1m", ""),
        ('\x1b[31"><b>m', "31&#34;&gt;&lt;b&gt;m"),
        ("\x1b[99999999999999999999mx", "x"),
        ("\x1b[2K\x1b[1Ga\x1b(B\x1b=b\x1bMc", "abc"),
        ("\x1b]0;title\x07a\x1b]8;;http://evil\x1b\\b", "ab"),
        ("a\x1b", 'a<span class="unseen">␛</span>'),
        ("a\x00\rb\x7f\x85\tc", 'a<span class="unseen">␀␍</span>b<span class="unseen">␡[U+0085]</span>\tc'),
        ("\u202egnp.exe\u2069", '<span class="unseen">[U+202E]</span>gnp.exe<span class="unseen">[U+2069]</span>'),
        ("\x1b[31m\u202e", '<span class="f1"><span class="unseen">[U+202E]</span></span>'),
        ("\x00\x1b[31m\x01\x1b", '<span class="unseen">␀</span><span class="f1"><span class="unseen">␁␛</span></span>'),
        ("née 日本 😀", "née 日本 😀"),
    ],
)
def test_lines(text: str, html: str) -> None:
    assert ansi.to_html(text) == html
    assert _Read(html).text == ansi.plain(text)


pieces = st.one_of(
    st.text(max_size=6),
    st.text(alphabet="\x1b\x9b\\[]();:0123456789mKJ\"'<>&/= \x07\x00\r\n\u202e\u2066\u2028\x85", max_size=12),
    st.lists(st.integers(0, 300), max_size=4).map(lambda codes: f"\x1b[{';'.join(map(str, codes))}m"),
    st.sampled_from(["<script>", "<!--", "-->", "</span>", '" onclick="', "&lt;", "\ud800", "\ufeff"]),
)


@given(st.lists(pieces, max_size=12).map("".join))
def test_nothing_but_text_and_known_classes(text: str) -> None:
    read = _Read(html := str(ansi.to_html(text)))
    assert read.text == ansi.plain(text)
    assert read.open == 0
    assert read.classes <= ansi.CLASSES
    assert len(html.splitlines()) <= 1, "an event is cut at its lines"
    assert not re.search("[\x00-\x08\x0a-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", html)


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=20))
def test_what_can_be_seen_stays(text: str) -> None:
    assert ansi.plain(text) == text


def _variables(*, dark: bool) -> dict[str, str]:
    """Colours of the style sheets, in light or dark."""
    found: dict[str, str] = {}
    for name in ("dashboard.css", "log.css"):
        light, _, rest = STATIC.joinpath(name).read_text().partition("prefers-color-scheme: dark")
        found |= dict(re.findall(r"(--[\w-]+): (#[0-9a-f]{6})", rest.partition("\n}")[0] if dark else light))
    return found


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("dark", [False, True])
def test_colours_can_be_read_on_each_ground(dark: bool) -> None:
    """WCAG AA."""
    known = _variables(dark=dark)
    for colour, ground in product(COLOURS, GROUNDS):
        low, high = sorted((_luminance(known[colour]), _luminance(known[ground])))
        assert (high + 0.05) / (low + 0.05) >= 4.5, (colour, ground, round((high + 0.05) / (low + 0.05), 2))


def test_each_class_has_a_look() -> None:
    style = STATIC.joinpath("log.css").read_text()
    assert [one for one in ansi.CLASSES if not re.search(rf"\.{one}\b", style)] == []
