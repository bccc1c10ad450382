"""Every reference to a page of docs/ is an open door: its file, section and anchor are there.

References are the path or name of a page followed by ", section 8" or by an anchor, in code and in pages; "section 8"
alone in a page with numbered sections; and all relative links of pages.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.cluster.paths import repo_root

ROOT = repo_root()
FOLDERS = ("core", "operator", "apiserver", "cli", "tests")
CODE = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
PAGES = sorted(
    [*ROOT.glob("*.md"), *(path for folder in ("charts", "docs", "tests") for path in (ROOT / folder).rglob("*.md"))]
)
LAST_SECTIONS = {"kudu-contract.md": "14", "arm-contract.md": "7", "kragle.md": "6"}
"""Pages with numbered sections, and the last number of each."""

_NUMBER = r"\d+(?:\.\d+)*"
_NUMBERS = rf"{_NUMBER}(?:(?:, | and |, and ){_NUMBER})*"
_HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"(`+)[^`].*?\1", re.DOTALL)
_LINK = re.compile(r"\]\(([^()\s]+)\)")
_NAMED = re.compile(r"\bdocs/([\w/-]+\.md)(?:#([\w-]+))?")
_SECTIONS = re.compile(rf"\b([\w-]+\.md)(?:#[\w-]+)?[)`]*, sections? ({_NUMBERS})")
_OWN_SECTIONS = re.compile(rf"(?<!\.md, )(?<!\), )\bsections? ({_NUMBERS})")
_UNNAMED = re.compile(r"\bcontract(?:'s)?,? (?:sections? \d|\(?\d+\.\d)", re.IGNORECASE)
_BREAK = re.compile(r"\s*\n\s*(?:#:? )?\s*")


def flat(text: str) -> str:
    """The text on one line: a reference may go on on the next line of its comment or paragraph."""
    return _BREAK.sub(" ", text)


def prose(text: str) -> str:
    """A page without its blocks of code."""
    return _FENCE.sub("", text)


@cache
def headings(page: Path) -> tuple[str, ...]:
    return tuple(_HEADING.findall(prose(page.read_text())))


@cache
def anchors(page: Path) -> frozenset[str]:
    """Names by which links reach the headings of a page, as GitHub makes them."""
    found: dict[str, int] = {}
    for heading in headings(page):
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", heading).lower()
        slug = re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")
        count = found[slug] = found.get(slug, -1) + 1
        if count:
            found[f"{slug}-{count}"] = 0
    return frozenset(found)


@cache
def sections(page: Path) -> frozenset[str]:
    """Numbers at the beginning of headings."""
    return frozenset(found[1] for heading in headings(page) if (found := re.match(rf"({_NUMBER})\.? ", heading)))


def _numbers(text: str) -> list[str]:
    return re.findall(_NUMBER, text)


def wrong_names(text: str) -> Iterator[str]:
    """What a text says of pages of docs/ that is not so."""
    line = flat(text)
    for name, anchor in _NAMED.findall(line):
        page = ROOT / "docs" / name
        if not page.is_file():
            yield f"there is no docs/{name}"
        elif anchor and anchor not in anchors(page):
            yield f"docs/{name} has no heading #{anchor}"
    for name, numbers in _SECTIONS.findall(line):
        page = ROOT / "docs" / name
        known = sections(page) if page.is_file() else ()
        yield from (f"docs/{name} has no section {number}" for number in _numbers(numbers) if number not in known)
    yield from (f"{found!r} names no file" for found in _UNNAMED.findall(line))


def wrong_links(text: str, page: Path) -> Iterator[str]:
    """The links of a page that lead nowhere in the repository."""
    for target in _LINK.findall(_SPAN.sub("", prose(text))):
        path, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", path):
            continue
        there = (page.parent / path).resolve() if path else page
        if not there.exists():
            yield f"{target}: there is no such file"
        elif anchor and anchor not in anchors(there):
            yield f"{target}: there is no such heading"


def wrong_own(text: str, page: Path) -> Iterator[str]:
    """The numbers of its own sections that a page names and does not have."""
    for numbers in _OWN_SECTIONS.findall(flat(prose(text))):
        yield from (f"there is no section {number}" for number in _numbers(numbers) if number not in sections(page))


def test_code_names_what_is_there() -> None:
    wrong = {str(path.relative_to(ROOT)): list(wrong_names(path.read_text())) for path in CODE}
    assert {path: found for path, found in wrong.items() if found} == {}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_pages_name_what_is_there(page: Path) -> None:
    text = page.read_text()
    assert [*wrong_names(text), *wrong_links(text, page)] == []


@pytest.mark.parametrize("name", LAST_SECTIONS)
def test_numbered_pages(name: str) -> None:
    page = ROOT / "docs" / name
    tops = [number for number in sections(page) if "." not in number]
    assert max(tops, key=int) == LAST_SECTIONS[name]
    assert list(wrong_own(page.read_text(), page)) == []


def test_the_code_refers_to_the_contract() -> None:
    """The search finds what is there: else nothing that it does not find would say anything."""
    found = {name for path in CODE for name, _ in _SECTIONS.findall(flat(path.read_text()))}
    assert found >= {"kudu-contract.md", "arm-contract.md", "kragle.md"}


@pytest.mark.parametrize("number", ["15", "1.7", "2.3.1", "8.1", "99"])
@pytest.mark.parametrize("before", ["section", "sections 1.3,", "sections 8 and"])
def test_a_wrong_number_is_found(before: str, number: str) -> None:
    page = "docs/" + "kudu-contract.md"
    texts = (f"({page}, {before} {number}).", f"({page},\n    {before} {number})", f"# {page}, {before}\n# {number}")
    for text in texts:
        assert list(wrong_names(text)) == [f"{page} has no section {number}"]


def test_wrong_names_are_found() -> None:
    docs, nowhere = "docs/", "no-such-page.md"
    assert list(wrong_names(f"see {docs}{nowhere}")) == [f"there is no {docs}{nowhere}"]
    assert list(wrong_names(f"{docs}{nowhere}, section {1}"))[1:] == [f"{docs}{nowhere} has no section 1"]
    assert list(wrong_names(f"{docs}rest.md#{nowhere[:2]}")) == [f"{docs}rest.md has no heading #no"]
    assert list(wrong_names(f"{docs}rest.md#the-site")) == []
    for text in ("(contract, {} 8)", "Contract, {} 2.5.", "the contract's {} 1.5"):
        assert len(list(wrong_names(text.format("section")))) == 1
    assert len(list(wrong_names("(contract" + ", 1.4)"))) == 1


@pytest.mark.parametrize(
    ("target", "wrong"),
    [
        ("rest.md", False),
        ("rest.md#the-site", False),
        ("#no-heading-of-this-name", True),
        ("rest.md#no-heading-of-this-name", True),
        ("no-such-page.md", True),
        ("../tests/cluster/README.md", False),
        ("../tests/cluster/no-such-page.md", True),
        ("https://example.com/no-such-page.md", False),
    ],
)
def test_links_are_followed(target: str, wrong: bool) -> None:
    page = ROOT / "docs" / "kragle.md"
    assert bool(list(wrong_links(f"[a text]({target})", page))) is wrong
    assert list(wrong_links(f"```\n[a text]({target})\n```\n`[a]({target})`", page)) == []


def test_numbers_of_a_pages_own_sections_are_followed() -> None:
    page = ROOT / "docs" / "kudu-contract.md"
    assert list(wrong_own("see section 8 and sections 1.4 and 2.5", page)) == []
    wrong = list(wrong_own("see section 15, and\nsection\n1.9", page))
    assert wrong == ["there is no section 15", "there is no section 1.9"]


def test_the_glossary_names_what_is_there() -> None:
    """Files and folders by their path, fields by what the CRDs have."""
    text = (ROOT / "docs" / "glossary.md").read_text()
    paths = set(re.findall(r"`((?:core|operator|apiserver|cli)/[^`]+)`", text))
    assert len(paths) > 40
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []
    fields = set(re.findall(r"`(?:spec|status)\.(\w+)`", text))
    crds = "".join(path.read_text() for path in (ROOT / "crds").glob("*.yaml"))
    assert len(fields) > 15
    assert [name for name in sorted(fields) if not re.search(rf"^ +{name}:", crds, re.MULTILINE)] == []
