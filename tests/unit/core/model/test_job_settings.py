"""settings.job (docs/kudu-contract.md, section 4.1)."""

from __future__ import annotations

from typing import Any

import pytest

from webjobs.model.job_settings import JobSettings, Unreadable, load_file, read


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, JobSettings()),
        ({"schedule": "0 0 * * * *", "other": 1}, JobSettings(schedule="0 0 * * * *")),
        ({"schedule": ""}, JobSettings()),
        ({"schedule": 5}, JobSettings()),
        ({"is_singleton": True}, JobSettings(is_singleton=True)),
        ({"is_singleton": "true"}, JobSettings()),
        ({"is_singleton": 1}, JobSettings()),
        ({"stopping_wait_time": 60}, JobSettings(stopping_wait_time=60)),
        ({"stopping_wait_time": -1}, JobSettings(stopping_wait_time=0)),
        ({"stopping_wait_time": 60.0}, JobSettings()),
        ({"stopping_wait_time": "60"}, JobSettings()),
        ({"stopping_wait_time": True}, JobSettings()),
        ({"stopping_wait_time": 2**31 - 1}, JobSettings(stopping_wait_time=2**31 - 1)),
        ({"stopping_wait_time": 2**31}, JobSettings()),
        ({"stopping_wait_time": None, "is_singleton": None, "schedule": None}, JobSettings()),
        ({"is_singleton": False}, JobSettings(is_singleton=False)),
        ({"Is_Singleton": True}, JobSettings()),
        ({"schedule": ["0 0 * * * *"]}, JobSettings()),
        ({"is_in_place": True}, JobSettings(is_in_place=True)),
        ({"is_in_place": "true", "is_singleton": True}, JobSettings(is_singleton=True)),
    ],
)
def test_types_are_strict(settings: dict[str, Any], expected: JobSettings) -> None:
    assert read(settings) == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b'{"a": {"b": [1, null, "\xc3\xa9"]}}', {"a": {"b": [1, None, "é"]}}),
        (b'\xef\xbb\xbf{"a":1}', {"a": 1}),
        (b"", {}),
        (b"null", {}),
        (b"[1]", None),
        (b"{a:1}", {"a": 1}),
        (b"\xff", None),
        (b'{"a":NaN}', {"a": None}),
        (b'{"a":-Infinity}', {"a": None}),
        (b'{"a":1e999}', None),
        (b'{"a":' + b"1" * 5000 + b"}", None),
        (b'{"a":' + b"[" * 100_000, None),
    ],
)
def test_load_file(content: bytes, expected: dict[str, Any] | None) -> None:
    if expected is not None:
        assert load_file(content) == expected
        return
    with pytest.raises(Unreadable):
        load_file(content)
