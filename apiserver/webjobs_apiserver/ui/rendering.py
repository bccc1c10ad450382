"""HTML from templates, and the style sheet and scripts beside them, all of the package."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from webjobs import times
from webjobs_apiserver.http.responses import base_url
from webjobs_apiserver.ui import addresses, words
from webjobs_apiserver.ui.door import Visitor

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",  # after a logout the back button shows nothing
}
"""Headers of all pages."""
_TYPES = {"css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "svg": "image/svg+xml"}
_FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}


@dataclass(frozen=True, kw_only=True)
class _Asset:
    content: bytes
    media_type: str


class Renderer:
    """Renderer of pages."""

    def __init__(self) -> None:
        self._assets = _assets()
        self._by_name = {name.partition(".")[2]: f"{addresses.STATIC}/{name}" for name in self._assets}
        self._environment = Environment(
            loader=PackageLoader("webjobs_apiserver.ui"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.globals |= {
            "url": addresses,
            "word": words.of,
            "asset": self._by_name.__getitem__,
            "once": _once,
        }
        self._environment.filters |= {
            "moment": _moment,
            "duration": words.duration,
            "bytes": words.size,
            "visible": words.visible,
        }

    def page(
        self,
        request: Request,
        template: str,
        *,
        visitor: Visitor | None = None,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **values: Any,
    ) -> Response:
        """Return a page as a response."""
        known = {"visitor": visitor, "path": request.url.path, "base": base_url(request)}
        text = self.text(template, **known, **values)
        return HTMLResponse(text, status_code=status, headers={**HEADERS, **(headers or {})})

    def failure(
        self,
        request: Request,
        visitor: Visitor | None,
        *,
        status: int,
        message: str,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Return the response that tells why something was not done: a page, or a part of one for its script."""
        template = "parts/notice.html" if "hx-request" in request.headers else "failure.html"
        return self.page(
            request, template, visitor=visitor, status=status, headers=headers, message=message, code=status
        )

    def text(self, template: str, **values: Any) -> Markup:
        """Return what a template makes of values."""
        return Markup(self._environment.get_template(template).render(**values))  # noqa: S704  it escapes

    def asset(self, name: str) -> Response:
        """Return a file that pages load; 404 when there is none of the name."""
        found = self._assets.get(name)
        if found is None:
            return Response(status_code=404)
        return Response(found.content, media_type=found.media_type, headers=_FOR_EVER)


def _assets() -> dict[str, _Asset]:
    """Return the files of the folder ``static`` by name, with a digest before it: another content is another name."""
    found: dict[str, _Asset] = {}
    for file in sorted(_static(), key=lambda file: file.name):
        kind = _TYPES.get(file.name.rpartition(".")[2])
        if kind:
            content = file.read_bytes()
            digest = sha256(content).hexdigest()[:12]
            found[f"{digest}.{file.name}"] = _Asset(content=content, media_type=kind)
    return found


def _static() -> list[Traversable]:
    return list(files("webjobs_apiserver.ui").joinpath("static").iterdir())


def _once() -> str:
    return secrets.token_hex(8)


def _moment(when: datetime | str | None, *, full: bool = False) -> Markup:
    """Return a time as an element that a script shows in the reader's own way; in UTC without scripts.

    ``full``: as a date and time, else as the distance from now.
    """
    if when is None:
        return Markup('<span class="none">-</span>')
    moment = times.parse_time(when) if isinstance(when, str) else when
    utc = moment.astimezone(UTC)
    return Markup('<time datetime="{}"{}>{}</time>').format(
        utc.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        Markup(" data-full") if full else "",
        f"{utc:%Y-%m-%d %H:%M:%S} UTC",
    )
