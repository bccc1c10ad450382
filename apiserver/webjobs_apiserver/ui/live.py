"""Parts of a page that are sent anew when they have changed, as server-sent events.

Each page is made of parts, which are elements with an id. Who has the page open gets the parts that differ from what
was sent before. All of it comes from the watch-fed memory: open pages cost no request to the API server.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from webjobs_apiserver.ui.door import Visitor
from webjobs_apiserver.ui.rendering import HEADERS
from webjobs_apiserver.watching.watch import Feed

SETTLE_SECONDS = 0.2
"""Seconds for which more changes are waited for after one: a run that begins is several."""
HEARTBEAT_SECONDS = 15.0
"""Seconds between signs of life, and between looks whether the visitor may still see the page."""
_PROCESS = secrets.token_hex(4)
"""Name of this process in positions: another one has counted other changes."""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The parts of a page."""

    single: Mapping[str, Markup] = field(default_factory=dict)
    """Elements by their ids."""
    rows: Mapping[str, Markup] = field(default_factory=dict)
    """Elements of a list by their ids, in its order."""
    rows_in: str = ""
    """Id of the element that holds the list."""


def position(count: int) -> str:
    """Return what a page notes of the changes that it has seen."""
    return f"{_PROCESS}.{count}"


def difference(before: Parts | None, now: Parts) -> str:
    """Return the HTML that makes a page of the parts before one of the parts now; empty when nothing differs.

    ``before`` None: all parts are sent.
    """
    known = before or Parts()
    changed = [_part(key, html) for key, html in now.single.items() if known.single.get(key) != html]
    if before and list(before.rows) == list(now.rows):
        # Rows are rendered once for all pages: the same row is the same text.
        changed += [_part(key, html) for key, html in now.rows.items() if before.rows[key] is not html]
    elif now.rows_in:
        rows = Markup("").join(now.rows.values())
        changed.append(f'<hx-partial hx-target="#{now.rows_in}" hx-swap="innerMorph">{rows}</hx-partial>')
    return "".join(changed)


def _part(key: str, html: Markup) -> str:
    return f'<hx-partial hx-target="#{key}" hx-swap="outerMorph">{html}</hx-partial>'


def event(text: str, *, identifier: str) -> bytes:
    """Return a server-sent event."""
    lines = "".join(f"data: {line}\n" for line in text.splitlines() or [""])
    return f"id: {identifier}\n{lines}\n".encode("utf-8", "replace")


def answer(
    request: Request, feed: Feed, visitor: Visitor, *, parts: Callable[[], Awaitable[Parts]], stands_for: str
) -> Response:
    """Return the response that tells a page of its changes until the client goes, or may not see it any more.

    ``stands_for``: method and path of the request to Kudu's API for which the page stands.
    """
    seen = request.headers.get("last-event-id") or request.query_params.get("seen", "")
    method, _, path = stands_for.partition(" ")

    async def stays() -> bool:
        return await visitor.may(method, path)

    content = _events(feed, visitor.site.namespace, seen=seen, parts=parts, stays=stays)
    headers = {**HEADERS, "X-Accel-Buffering": "no"}
    return StreamingResponse(content, media_type="text/event-stream", headers=headers)


async def _events(
    feed: Feed,
    namespace: str,
    *,
    seen: str,
    parts: Callable[[], Awaitable[Parts]],
    stays: Callable[[], Awaitable[bool]],
) -> AsyncIterator[bytes]:
    yield b": connected\n\n"
    changes, last = feed.changes(namespace), None
    count = changes.count
    if seen == position(count):
        last = await parts()
    while True:
        # While the watch is broken nothing is told: what is there is as old as the page.
        if feed.known(namespace) and (last is None or changes.count > count):
            count = changes.count
            now = await parts()
            if html := difference(last, now):
                yield event(html, identifier=position(count))
            last = now
        try:
            async with asyncio.timeout(HEARTBEAT_SECONDS):
                await changes.after(count)
            await asyncio.sleep(SETTLE_SECONDS)
        except TimeoutError:
            if not await stays():
                return
            yield b": alive\n\n"
