"""Job names and object names."""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webjobs import names

_LEGAL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_NAMES = st.text(min_size=1, max_size=128) | st.text(alphabet="abcAB-019._ éßı", min_size=1, max_size=60)


@given(_NAMES)
def test_candidates_are_legal_and_differ(name: str) -> None:
    plain, triggered = names.candidates(name, "triggered")
    again, continuous = names.candidates(name, "continuous")
    assert plain == again
    assert len({plain, triggered, continuous}) == 3
    for candidate in (plain, triggered, continuous):
        assert _LEGAL.fullmatch(candidate)
        assert len(candidate) <= 43


@given(_NAMES)
def test_every_spelling_leads_to_the_same_objects(name: str) -> None:
    for spelling in (name.lower(), unicodedata.normalize("NFC", name), unicodedata.normalize("NFD", name)):
        if names.same(name, spelling):
            assert names.candidates(name, "triggered") == names.candidates(spelling, "triggered")
    for form in ("NFC", "NFD"):
        assert names.same(name, unicodedata.normalize(form, name))


@given(st.from_regex(r"[a-z]([-a-z0-9]{0,41}[a-z0-9])?", fullmatch=True))
def test_a_legal_name_is_its_own_object_name(name: str) -> None:
    assert names.candidates(name, "triggered")[0] == name
    assert names.candidates(name.upper(), "triggered")[0] == name


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Report", "rEPORT", True),
        ("Übung", "übung", True),
        ("ÉTÉ", "été", True),
        ("ΣΑΜ", "σαμ", True),
        ("Maße", "Masse", False),
        ("Maße", "MASSE", False),
        ("Iz", "\u0131z", False),
        ("iz", "\u0130z", False),
        ("k", "\u212a", True),
        ("\ufb01n", "fin", False),
    ],
)
def test_case_counts_for_nothing_one_character_at_a_time(one: str, other: str, same: bool) -> None:
    assert names.same(one, other) is same
    assert (names.candidates(one, "triggered") == names.candidates(other, "triggered")) is same


def test_examples() -> None:
    plain, qualified = names.candidates("My Job", "triggered")
    assert re.fullmatch(r"my-job-[0-9a-f]{6}", plain)
    assert re.fullmatch(r"my-job-[0-9a-f]{6}", qualified)
    assert names.candidates("9 to 5", "triggered")[0].startswith("job-9-to-5-")
    assert names.candidates("日本", "triggered")[0].startswith("job-")
    assert names.candidates("a\n", "triggered")[0] != "a\n"


@pytest.mark.parametrize("name", ["a", "My Job", "àéè.cmd", "a.b_c-d", "日本", "x" * 128])
def test_names_that_can_be_used(name: str) -> None:
    assert names.check(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        " a",
        "a ",
        ".",
        "..",
        ".a",
        "a.",
        "a/b",
        "a\\b",
        "a:b",
        "a*",
        "a?",
        'a"',
        "<a",
        "a|",
        "a\0",
        "a\n",
        "x" * 129,
        "a\u200bb",
        "\ud800",
    ],
)
def test_names_that_can_not(name: str) -> None:
    with pytest.raises(names.JobNameError):
        names.check(name)
