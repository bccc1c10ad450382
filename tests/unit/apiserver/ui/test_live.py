"""What a page that is open is told: the parts that differ, once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from markupsafe import Markup

from tests.fakes.shim import PASSWORD, USER, Shim, script
from tests.fakes.visitor import Browser
from tests.fakes.wire import wire
from webjobs_apiserver.ui import live
from webjobs_apiserver.ui.live import Parts, difference, event
from webjobs_apiserver.watching.changes import Changes

ONE, TWO, NEW = Markup("<tr>1</tr>"), Markup("<tr>2</tr>"), Markup("<tr>new</tr>")


def rows(**of: Markup) -> Parts:
    return Parts(rows=of, rows_in="rows")


@pytest.mark.parametrize(
    ("before", "now", "told"),
    [
        (rows(a=ONE, b=TWO), rows(a=ONE, b=TWO), ""),
        (rows(a=ONE, b=TWO), rows(a=ONE, b=NEW), "#b outerMorph <tr>new</tr>"),
        (rows(a=ONE), rows(a=ONE, b=TWO), "#rows innerMorph <tr>1</tr><tr>2</tr>"),
        (rows(a=ONE, b=TWO), rows(b=TWO, a=ONE), "#rows innerMorph <tr>2</tr><tr>1</tr>"),
        (rows(a=ONE), rows(), "#rows innerMorph "),
        (None, rows(a=ONE), "#rows innerMorph <tr>1</tr>"),
        (Parts(single={"x": ONE, "y": TWO}), Parts(single={"x": ONE, "y": NEW}), "#y outerMorph <tr>new</tr>"),
        (None, Parts(single={"x": ONE}), "#x outerMorph <tr>1</tr>"),
    ],
)
def test_difference(before: Parts | None, now: Parts, told: str) -> None:
    html = difference(before, now)
    if not told:
        assert html == ""
        return
    target, swap, content = told.split(" ", 2)
    assert html == f'<hx-partial hx-target="{target}" hx-swap="{swap}">{content}</hx-partial>'


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("a", b"id: 7\ndata: a\n\n"),
        ("a\nb", b"id: 7\ndata: a\ndata: b\n\n"),
        ("a\r\n\nb", b"id: 7\ndata: a\ndata: \ndata: b\n\n"),
        ("", b"id: 7\ndata: \n\n"),
    ],
)
def test_event(text: str, sent: bytes) -> None:
    assert event(text, identifier="7") == sent


async def test_changes_are_counted_and_waited_for() -> None:
    changes = Changes()
    waiting = asyncio.create_task(changes.after(0))
    await asyncio.sleep(0)
    assert not waiting.done()
    changes.note("a")
    await asyncio.wait_for(waiting, 1)
    await asyncio.wait_for(changes.after(0), 1)  # it was before
    changes.note("b")
    assert (changes.count, changes.of("a"), changes.of("b"), changes.of("c")) == (2, 1, 2, 0)


@pytest.fixture
async def stream(one: Shim, visitor: Browser, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a real socket: an answer without an end can't be read otherwise."""
    monkeypatch.setattr(live, "SETTLE_SECONDS", 0.0)
    await one.client().put("/api/triggeredwebjobs/first", content=b"echo", headers=script())
    await one.caught_up()
    async with wire(one.app, one.config) as made, httpx.AsyncClient(base_url=f"http://127.0.0.1:{made.port}") as client:
        await client.post("/ui/login", data={"username": USER, "password": PASSWORD})
        yield client


async def _event(lines: AsyncIterator[str]) -> str:
    found = []
    async with asyncio.timeout(10):
        async for line in lines:
            if line.startswith("data: "):
                found.append(line.removeprefix("data: "))
            elif not line and found:
                break
    return "\n".join(found)


async def test_a_list_is_told_of_changes(one: Shim, stream: httpx.AsyncClient) -> None:
    page = (await stream.get("/ui/jobs")).text
    address = page.partition('hx-sse:connect="')[2].partition('"')[0].replace("&amp;", "&")
    async with stream.stream("GET", address) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.aiter_lines()
        await one.client().put("/api/triggeredwebjobs/second", content=b"echo", headers=script())
        told = await _event(lines)
        assert ("#rows" in told, "first" in told, "second" in told) == (True, True, True)
        await one.client().post("/api/triggeredwebjobs/second/run")
        told = await _event(lines)
        assert ("outerMorph" in told, "first" in told, "Waiting" in told) == (True, False, True)


async def test_what_happened_since_the_page_was_made_is_told_at_once(one: Shim, stream: httpx.AsyncClient) -> None:
    page = (await stream.get("/ui/jobs")).text
    address = page.partition('hx-sse:connect="')[2].partition('"')[0].replace("&amp;", "&")
    await one.client().put("/api/triggeredwebjobs/between", content=b"echo", headers=script())
    await one.caught_up()
    async with stream.stream("GET", address) as answer:
        assert "between" in await _event(answer.aiter_lines())
    other = {"last-event-id": "another-process.5"}
    async with stream.stream("GET", address, headers=other) as answer:
        assert "between" in await _event(answer.aiter_lines())


async def test_open_pages_ask_nobody(one: Shim, stream: httpx.AsyncClient) -> None:
    one.kube.calls.clear()
    async with stream.stream("GET", "/ui/jobs/live?seen=x") as first, stream.stream("GET", "/ui/live?seen=x") as second:
        for answer in (first, second):
            assert await _event(answer.aiter_lines())
        await asyncio.sleep(0.1)
    assert not [call for call in one.kube.calls if call.verb != "watch"]


async def test_who_may_not_see_it_any_more_is_told_nothing(
    one: Shim, stream: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 0.05)
    async with stream.stream("GET", "/ui/jobs/live") as answer:
        lines = answer.aiter_lines()
        assert await _event(lines)
        (one.directory / "password").write_text("another password, and a long one")
        async with asyncio.timeout(10):
            assert [line async for line in lines if line.startswith("data")] == []
