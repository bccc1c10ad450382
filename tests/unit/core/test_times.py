"""Times as anybody may have written them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webjobs.times import EPOCH, parse_http_date, parse_time, rfc3339

FIRST, LAST = datetime(1000, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, EPOCH),
        ("", EPOCH),
        ("2026-03-29T02:30:00Z", datetime(2026, 3, 29, 2, 30, tzinfo=UTC)),
        ("2026-03-29T02:30:00.123456+02:00", datetime(2026, 3, 29, 0, 30, 0, 123456, tzinfo=UTC)),
        ("0000-01-01T00:00:00Z", FIRST),
        ("0001-01-01T00:00:00Z", FIRST),
        ("0001-01-01T00:00:00+14:00", FIRST - timedelta(hours=14)),
        ("9999-12-31T23:59:59Z", LAST),
        ("9999-12-31T23:59:59-14:00", LAST + timedelta(hours=14)),
        ("2026-03-29t02:30:00z", datetime(2026, 3, 29, 2, 30, tzinfo=UTC)),
        ("2026-03-29T02:30:00+24:00", datetime(2026, 3, 28, 2, 30, tzinfo=UTC)),
        ("2026-03-29T02:30:00-99:99", datetime(2026, 4, 2, 7, 9, tzinfo=UTC)),
    ],
)
def test_parse_time(text: str | None, expected: datetime) -> None:
    assert parse_time(text) == expected


@pytest.mark.parametrize("text", ["tomorrow", "2026-02-30T00:00:00Z", "12345-01-01T00:00:00Z"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_time(text)


OFFSETS = st.sampled_from(["Z", "+14:00", "-12:00", "+00:00"])
DATE_TIMES = st.builds(
    "{:04d}-{:02d}-{:02d}T{:02d}:00:00{}".format,
    st.integers(0, 9999),
    st.integers(1, 12),
    st.integers(1, 28),
    st.integers(0, 23),
    OFFSETS,
)


@given(DATE_TIMES)
def test_any_date_gives_a_time_that_can_be_counted_with(text: str) -> None:
    found = parse_time(text)
    assert found - timedelta(days=300_000) < found < found + timedelta(days=300_000)
    # The same, but for an offset at the very ends.
    assert abs(parse_time(rfc3339(found)) - found) <= timedelta(days=1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Thu, 01 Jan 2026 12:00:00 GMT", datetime(2026, 1, 1, 12, tzinfo=UTC)),
        ("yesterday", None),
        ("", None),
        (None, None),
    ],
)
def test_dates_of_headers(text: str | None, expected: datetime | None) -> None:
    assert parse_http_date(text) == expected
