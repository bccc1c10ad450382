"""Lists of jobs as bytes, each job rendered once for as long as it stays unchanged.

A thousand jobs are a megabyte of JSON; what changes between two calls is mostly nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from cachetools import LRUCache

from webjobs.model import WebJob, WebJobRun
from webjobs_apiserver.http.responses import dump
from webjobs_apiserver.kudu import bodies
from webjobs_apiserver.watching.job import Job

_KEPT = 16
"""Lists that are remembered: site, type and the URL base that the client used make one."""

_EMPTY_ETAG = "11"


def etag_of(moving: Iterable[bytes]) -> str:
    """Return the ETag of a list, without quotes, from what moves it in each of its jobs, which is JSON."""
    pieces = b"\n".join(moving)
    return bodies.digest(pieces) if pieces else _EMPTY_ETAG


@dataclass(frozen=True, kw_only=True)
class _Piece:
    webjob: WebJob
    latest: WebJobRun | None
    body: bytes
    moving: bytes
    """Bytes that the ETag of the list is made of."""


@dataclass(frozen=True, kw_only=True)
class Rendered:
    """A list on the wire."""

    body: bytes
    """JSON of the list."""
    etag: str
    """ETag of the list without quotes."""


class Listing:
    """The renderer of lists of jobs, which remembers what it rendered."""

    def __init__(self) -> None:
        self._known: LRUCache[tuple[str, ...], dict[str, _Piece]] = LRUCache(_KEPT)

    def render(
        self, key: tuple[str, ...], jobs: Iterable[Job], *, latest: Mapping[str, WebJobRun], base: str, now: datetime
    ) -> Rendered:
        """Return a list of jobs, rendered.

        ``key``: whatever makes this another list than those before, besides ``base``. ``latest``: newest runs by object
        name.
        """
        known = self._known.get((*key, base), {})
        pieces = {job.object_name: _piece(known, job, latest.get(job.object_name), base=base, now=now) for job in jobs}
        self._known[(*key, base)] = pieces
        body = b"[" + b",".join(piece.body for piece in pieces.values()) + b"]"
        return Rendered(body=body, etag=etag_of(piece.moving for piece in pieces.values()))


def _piece(known: Mapping[str, _Piece], job: Job, latest: WebJobRun | None, *, base: str, now: datetime) -> _Piece:
    before = known.get(job.object_name)
    # Models never change, so the same model says the same; only the duration of a run that goes on moves by itself.
    if before and before.webjob is job.webjob and before.latest is latest and (latest is None or latest.ended):
        return before
    if job.webjob.spec.type == "continuous":
        body = bodies.continuous(job, base=base)
    else:
        body = bodies.triggered(job, latest=latest, base=base, now=now)
    return _Piece(webjob=job.webjob, latest=latest, body=dump(body), moving=dump(bodies.moving(body)))
