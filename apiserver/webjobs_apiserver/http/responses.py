"""Answers as Kudu forms them: compact JSON, plain texts, HttpError objects, empty ones.

They are described in docs/kudu-contract.md, section 1.3.
"""

from __future__ import annotations

import json
from typing import Any

from fastapi import Request
from starlette.responses import Response

_JSON = "application/json; charset=utf-8"
_TEXT = "text/plain; charset=utf-8"
_MEANT_FOR_US = ("GET", "PATCH", "POST", "PUT", "DELETE")
"""Verbs that Kudu's catch-all takes."""


def dump(value: Any) -> bytes:
    """Return a value as compact JSON in UTF-8; nulls are written, nothing is escaped that needs no escape."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", "replace")  # half of a surrogate pair is no text


def json_answer(value: Any, *, status: int = 200) -> Response:
    """Return a response with a value as JSON."""
    return Response(dump(value), status_code=status, headers={"Content-Type": _JSON})


def text(message: str, *, status: int) -> Response:
    """Return a response with a bare sentence."""
    return Response(message.encode("utf-8", "replace"), status_code=status, headers={"Content-Type": _TEXT})


def empty(status: int = 200) -> Response:
    """Return a response without a body and without a content type."""
    return Response(status_code=status)


def http_error(message: str, *, status: int) -> Response:
    """Return a response with Web API's error object, with the one key that is for people."""
    return json_answer({"Message": message}, status=status)


def tagged(request: Request, content: bytes, *, etag: str) -> Response:
    """Return a response with JSON and an ETag, or 304 when the client has it.

    Only the first tag of the client counts. ``etag`` is without quotes.
    """
    return unchanged(request, etag=etag) or Response(content, headers={"Content-Type": _JSON, "ETag": f'"{etag}"'})


def unchanged(request: Request, *, etag: str) -> Response | None:
    """Return a response with status 304 when the client has the version of an ETag; else None."""
    tag = f'"{etag}"'
    first = request.headers.get("if-none-match", "").split(",")[0].strip().removeprefix("W/")
    return Response(status_code=304, headers={"ETag": tag}) if first == tag else None


def base_url(request: Request) -> str:
    """Return scheme and host of the request, for URLs in bodies."""
    return f"{request.url.scheme}://{request.url.netloc}"


def no_route(request: Request) -> Response:
    """Return the answer to a request that no route takes, by its path or its verb.

    Both are 404 (docs/kudu-contract.md, section 1.2), but 405 for a verb that Kudu's catch-all does not take.
    """
    if request.method not in _MEANT_FOR_US:
        message = f"The requested resource does not support http method '{request.method}'."
        refused = http_error(message, status=405) if request.method != "HEAD" else empty(405)
        refused.headers["Allow"] = ",".join(_MEANT_FOR_US)
        return refused
    raw: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    asked = raw.split(b"?")[0] + (b"?" + request.scope["query_string"] if request.scope["query_string"] else b"")
    return json_answer(f"No route registered for '{asked.decode('latin-1')}'", status=404)
