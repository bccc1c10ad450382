"""Garbage collection of stored packages: which of them nobody refers to any more.

Pure decisions, and the record that they need.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

Marks = Mapping[str, datetime]
"""Digests of packages, each with the time (aware) since when it has been seen unreferenced."""


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A manifest or blob in the store."""

    digest: str
    """Digest in hex."""
    modified: datetime
    """When the object was written last."""


@dataclass(frozen=True, kw_only=True)
class Packages:
    """The decision about manifests: which go, and what is known of those that stay."""

    due: frozenset[str] = frozenset()
    """Digests of the manifests to delete now."""
    marks: Marks
    """Marks of the manifests that stay, though nobody refers to them."""


def packages(
    stored: Iterable[Stored], *, referenced: Set[str], marks: Marks, now: datetime, grace: timedelta, limit: int
) -> Packages:
    """Return which manifests go: those that for all of ``grace`` were neither referred to nor written anew.

    Not the age of a package counts but how long nobody has referred to it: until then a WebJob can be set back to it.
    ``limit``: at most so many at once, the longest unreferenced first.
    """
    since = {
        one.digest: max(marks.get(one.digest, now), one.modified) for one in stored if one.digest not in referenced
    }
    over = sorted((when, digest) for digest, when in since.items() if now - when >= grace)
    due = frozenset(digest for _, digest in over[:limit])
    return Packages(due=due, marks={digest: when for digest, when in since.items() if digest not in due})


def blobs(stored: Iterable[Stored], *, listed: Set[str], now: datetime, grace: timedelta, limit: int) -> frozenset[str]:
    """Return which blobs go: those that no manifest lists (``listed``) and that were not written for ``grace``.

    ``limit``: at most so many at once, the oldest first.
    """
    over = sorted((one.modified, one.digest) for one in stored if one.digest not in listed)
    return frozenset(digest for when, digest in over[:limit] if now - when >= grace)


def marks_to_json(marks: Marks) -> bytes:
    """Return marks as they are stored."""
    return json.dumps({digest: when.isoformat() for digest, when in sorted(marks.items())}, indent=0).encode()


def marks_of_json(content: bytes) -> dict[str, datetime]:
    """Return the marks of a stored record.

    Empty when the content is no record, so that every grace begins anew.
    """
    try:
        raw = {str(digest): datetime.fromisoformat(when) for digest, when in json.loads(content).items()}
    except (ValueError, TypeError, AttributeError):
        return {}
    return {digest: when if when.tzinfo else when.replace(tzinfo=UTC) for digest, when in raw.items()}
