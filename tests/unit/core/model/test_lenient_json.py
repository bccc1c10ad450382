"""JSON as Newtonsoft.Json takes it: what it reads, what it refuses, and where."""

from __future__ import annotations

import codecs
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webjobs.model.job_settings import JobSettings, Unreadable, load_file, read
from webjobs.model.lenient_json import MOST_DEPTH, NotJson, decode, loads

FILES = Path(__file__).parent / "settings_files"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        (" // nothing\n/* at all */ ", None),
        ("null", None),
        ("{}", {}),
        ("{ // a\n 'a' /* b */ : 1, /* c */ }", {"a": 1}),
        ("{a:1,$b_2:2,3:3}", {"a": 1, "$b_2": 2, "3": 3}),
        ('{"a":1,"a":2}', {"a": 2}),
        ("[1,2,]", [1, 2]),
        ("[1,,2]", [1, None, 2]),
        ("[undefined]", [None]),
        ("[0x1F,-0xa,010,-012,0,-0]", [31, -10, 8, -12, 0, 0]),
        ("[NaN,Infinity,-Infinity]", [None, None, None]),
        ("[.5,1.,1.5e3,-1E-2]", [0.5, 1.0, 1500.0, -0.01]),
        ('"a\nb"', "a\nb"),
        ("'it\\'s \"so\"'", 'it\'s "so"'),
        ('"\\u00e9\\t\\/\\\\"', "é\t/\\"),
        ('"\\ud83d\\ude00"', "\U0001f600"),
        ('"\\ud83d"', "\ufffd"),
        ('"// no comment"', "// no comment"),
        ("[true,false]", [True, False]),
        ('{"url":"http://x"/*.*/}', {"url": "http://x"}),
        ("[" * MOST_DEPTH + "]" * MOST_DEPTH, json.loads("[" * MOST_DEPTH + "]" * MOST_DEPTH)),
    ],
)
def test_it_reads(text: str, expected: Any) -> None:
    found = loads(text)
    assert found == expected
    assert json.dumps(found) == json.dumps(expected)  # 1 and 1.0 and True are equal, and not the same


@pytest.mark.parametrize(
    ("text", "where", "why"),
    [
        ("{", "line 1, column 2", "'}' is missing"),
        ("[1", "line 1, column 3", "']' is missing"),
        ('{"a" 1}', "line 1, column 6", "':' is missing"),
        ('{"a":1 "b":2}', "line 1, column 8", "',' or '}' is missing"),
        ("{,}", "line 1, column 2", "a name was expected"),
        ('{"a":}', "line 1, column 6", "a value is missing"),
        ('{\n  "a": yes\n}', "line 2, column 8", "'yes' is no value"),
        ('{"a":"b', "line 1, column 6", "a text does not end"),
        ('"\\q"', "line 1, column 3", "\\q means nothing"),
        ('"\\u12"', "line 1, column 3", "\\u means nothing"),
        ("{} x", "line 1, column 4", "something follows"),
        ("/* x", "line 1, column 1", "a comment does not end"),
        ("[1e999]", "line 1, column 2", "'1e999' is no value"),
        ("[" + "1" * 381 + "]", "line 1, column 2", "is no value"),
        ("[" * 100_000, "line 1, column 65", "more than 64 levels"),
    ],
)
def test_it_refuses(text: str, where: str, why: str) -> None:
    with pytest.raises(NotJson) as error:
        loads(text)
    assert str(error.value).startswith(f"{where}: ")
    assert why in str(error.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)


@given(JSON, st.sampled_from([None, 2]), st.booleans())
def test_all_json_is_read_as_json(value: Any, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    assert loads(text) == value


@given(st.text(alphabet="{}[]:,'\"\\/*\n #au01.-+exN\u00e9", max_size=30))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(NotJson):
        json.dumps(loads(text), allow_nan=False)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32"])
def test_a_file_is_decoded_by_its_mark(encoding: str) -> None:
    mark = codecs.BOM_UTF16_BE if encoding == "utf-16-be" else b""  # the codec writes none
    assert decode(mark + '{"é":1}'.encode(encoding)) == '{"é":1}'


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert load_file(b'{"a":"\xff"}') == {"a": "\ufffd"}


@pytest.mark.parametrize(
    ("name", "settings", "schedule"),
    [
        ("01-line-comments.job", {"schedule": "0 15 2 * * *"}, "0 15 2 * * *"),
        ("03-single-quotes.job", {"schedule": "0 0 4 * * *"}, "0 0 4 * * *"),
        ("05-bom.job", {"schedule": "0 0 4 * * *"}, "0 0 4 * * *"),
        ("07-other-case.job", {"Schedule": "0 0 4 * * *", "IS_SINGLETON": True}, None),
        ("09-five-fields.job", {"schedule": "30 6 * * *"}, "30 6 * * *"),
        ("11-wrong-types.job", {"is_singleton": "true", "stopping_wait_time": "60", "schedule": None}, None),
    ],
)
def test_files_as_people_have_them(name: str, settings: dict[str, Any], schedule: str | None) -> None:
    found = load_file((FILES / name).read_bytes())
    assert found == settings
    assert read(found) == JobSettings(schedule=schedule)


@pytest.mark.parametrize("content", [b"[1]", b'"x"', b"5", b"true", b"{", b"\xff"])
def test_what_is_no_object_is_told(content: bytes) -> None:
    with pytest.raises(Unreadable, match=r"^settings\.job "):
        load_file(content)
