"""Times and durations as Kubernetes and Kudu write them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

EPOCH = datetime.fromtimestamp(0, UTC)
"""The zero of Unix time, which stands for a time that is not there."""


_FIRST, _LAST = datetime(1000, 1, 1), datetime(9000, 1, 1)
_CLOCKS = timedelta(minutes=1)
_OFFSET = re.compile(r"([+-])(\d\d):(\d\d)\Z", re.ASCII)


def utc_now() -> datetime:
    """Return the time now, in UTC."""
    return datetime.now(UTC)


def parse_time(text: str | None) -> datetime:
    """Return the time that a Kubernetes text (RFC 3339) says, in UTC; the zero of Unix time without one.

    Anybody may have written it, and Kubernetes takes dates that Python has not. A time before the year 1000 or after
    9000 counts as that year, so that any duration can be added to it. Raises ValueError for what is no time.
    """
    if not text:
        return EPOCH
    if text.startswith("0000-"):
        return _FIRST.replace(tzinfo=UTC)
    local, shift = text.upper().removesuffix("Z"), timedelta()
    if offset := _OFFSET.search(local):  # Python knows no offset of a day or more
        local = local[: offset.start()]
        shift = timedelta(hours=int(offset[2]), minutes=int(offset[3])) * (-1 if offset[1] == "+" else 1)
    found = datetime.fromisoformat(local).replace(tzinfo=None)
    return min(max(found, _FIRST), _LAST).replace(tzinfo=UTC) + shift


def not_to_come(moments: Iterable[datetime], *, now: datetime) -> list[datetime]:
    """Return the moments that can have been: a record of a time to come is nobody's experience.

    Clocks of several machines may differ by a minute.
    """
    return [moment for moment in moments if moment <= now + _CLOCKS]


def parse_http_date(text: str | None) -> datetime | None:
    """Return the time of a header such as Date, in whole seconds; None for no text, and for one that says no time."""
    with suppress(ValueError):
        return parsedate_to_datetime(text) if text else None
    return None


def rfc3339(when: datetime, *, micro: bool = True) -> str:
    """Return a time as the text of a Kubernetes object: RFC 3339, UTC with ``Z``.

    ``micro``: with microseconds, else in whole seconds.
    """
    return when.astimezone(UTC).isoformat(timespec="microseconds" if micro else "seconds").replace("+00:00", "Z")


def kudu_time(when: datetime) -> str:
    """Return a time as Kudu writes it: ISO, UTC, the fraction without trailing zeros.

    Up to 7 fraction digits (docs/kudu-contract.md, section 2.3).
    """
    utc = when.astimezone(UTC)
    text = f"{utc:%Y-%m-%dT%H:%M:%S}"
    if utc.microsecond:
        text += f".{utc.microsecond:06d}".rstrip("0")
    return text + "Z"


def kudu_duration(length: timedelta) -> str:
    """Return a duration as .NET's constant-form TimeSpan ``[d.]hh:mm:ss[.fffffff]``.

    As in docs/kudu-contract.md, section 2.3; negative lengths count as zero.
    """
    length = max(length, timedelta())
    hours, rest = divmod(length.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    text = f"{hours:02d}:{minutes:02d}:{seconds:02d}"
    if length.days:
        text = f"{length.days}.{text}"
    return f"{text}.{length.microseconds:06d}0" if length.microseconds else text
