"""One row: a request, and the whole answer that the contract wants."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypedDict

JSON = "application/json; charset=utf-8"
TEXT = "text/plain; charset=utf-8"
BYTES = "application/octet-stream"

Headers = Mapping[str, str]
ALLOWED = {"allow": "GET,PATCH,POST,PUT,DELETE"}
CHALLENGE = {"www-authenticate": 'Basic realm="site"'}


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request."""

    method: str
    url: str
    """Path and query, escaped."""
    headers: Headers = field(default_factory=dict)
    """``<etag>`` in a value is the ETag of the call before."""
    content: bytes | None = None
    auth: bool = True


@dataclass(frozen=True, kw_only=True)
class Row:
    """A request and its answer."""

    route: str
    """``METHOD /template`` of the table, or ``unrouted``."""
    about: str
    call: Call
    status: int
    body: str = ""
    """With placeholders; see ``matching``."""
    headers: Headers = field(default_factory=dict)
    """Of COMPARED, with placeholders. Content-Type follows from the body where it is not given."""
    before: tuple[Call, ...] = ()
    """Calls that lead there; each must succeed."""
    after: tuple[Call, ...] = ()
    """Calls that take it back."""

    @property
    def expected(self) -> Headers:
        """All compared headers; those that are not in here must be absent."""
        kind = JSON if self.body[:1] in ("{", "[", '"') else TEXT
        return ({"content-type": kind} if self.body else {}) | dict(self.headers)

    def __str__(self) -> str:
        return f"{self.route}: {self.status} {self.about}"


COMPARED = (
    "accept-ranges",
    "allow",
    "content-disposition",
    "content-range",
    "content-type",
    "etag",
    "last-modified",
    "location",
    "retry-after",
    "www-authenticate",
    "x-webjobs-ignored-files",
)
"""Headers that are compared in every row, present or absent. Content-Length is checked against the body itself."""


class Around(TypedDict, total=False):
    """What several rows have before and after them."""

    before: tuple[Call, ...]
    after: tuple[Call, ...]


def rest(
    about: str,
    route: str,
    url: str,
    status: int,
    body: str = "",
    *,
    send: Headers | None = None,
    content: bytes | None = None,
    headers: Headers | None = None,
    before: tuple[Call, ...] = (),
    after: tuple[Call, ...] = (),
) -> Row:
    """A row of a route; its verb is the route's. ``send`` and ``content`` are the request's headers and body."""
    call = Call(method=route.partition(" ")[0], url=url, headers=send or {}, content=content)
    return Row(
        route=route,
        about=about,
        call=call,
        status=status,
        body=body,
        headers=headers or {},
        before=before,
        after=after,
    )


def put(url: str, content: bytes, **headers: str) -> Call:
    """A PUT; ``content_type`` in the arguments is Content-Type in the request."""
    return Call(method="PUT", url=url, content=content, headers={k.replace("_", "-"): v for k, v in headers.items()})


def delete(url: str, **headers: str) -> Call:
    """A DELETE."""
    return Call(method="DELETE", url=url, headers={k.replace("_", "-"): v for k, v in headers.items()})


def upload(kind: str, name: str, text: str = "echo hello\n", *, file_name: str = "run.sh") -> Call:
    """The upload of a job with one script."""
    return put(f"/api/{kind}webjobs/{name}", text.encode(), Content_Disposition=f"attachment; filename={file_name}")


def remove(kind: str, name: str) -> Call:
    """The end of a job."""
    return delete(f"/api/{kind}webjobs/{name}")
