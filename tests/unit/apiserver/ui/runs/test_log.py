"""The log of a run in the dashboard: which lines a page holds, hostile ones, and those that come later."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import obstore
import pytest

from tests.fakes.objects import JOB_UID, pod, run_body, webjob_body
from tests.fakes.shim import RUN_ID, Shim, shim
from tests.fakes.visitor import Browser
from webjobs.store import run_logs
from webjobs_apiserver.service import run_tail
from webjobs_apiserver.ui import live
from webjobs_apiserver.ui.pages import run_log
from webjobs_apiserver.ui.runs import log_lines
from webjobs_apiserver.ui.runs.log_lines import CUT, PER_PAGE, Chosen, Line, Selection

LOG = f"/ui/jobs/triggered/job/runs/{RUN_ID}/log"
OBJECT = f"job-{RUN_ID}"


@pytest.fixture
def one(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shim]:
    monkeypatch.setattr(run_tail, "POLL_SECONDS", 0.01)
    with shim() as made:
        made.kube.add(webjob_body(name="job"))
        made.kube.add(run_body(OBJECT, state="Running", status={"jobUID": JOB_UID}))
        yield made


def kudu(number: int, text: str = "", level: str = "INFO") -> bytes:
    return f"[01/01/2026 12:00:{number % 60:02d} > abc123: {level:<4}] {text or f'line {number}'}".encode()


async def archive(one: Shim, *lines: bytes) -> None:
    """A run that has ended, with a log."""
    key = run_logs.run_log_key(namespace="site", webjob="job", run_id=RUN_ID)
    obstore.put(one.store, key, b"".join(line + b"\r\n" for line in lines))
    obstore.put(one.store, run_logs.error_log_key(key), b"oops\r\n")
    await end(one, logPath=key, errorLogPath=key)


async def end(one: Shim, **status: Any) -> None:
    status |= {"state": "Success", "exitCode": 0, "endTime": "2026-01-01T12:59:00Z"}
    await one.kube.patch("WebJobRun", "site", OBJECT, {"status": status}, subresource="status")
    await one.caught_up()


def begin(one: Shim) -> list[str]:
    """The process of the run begins; gives its log."""
    state = {"running": {"startedAt": "2026-01-01T12:00:02Z"}}
    labels = {"webjobs.dev/webjob": "job", "webjobs.dev/run": RUN_ID}
    one.kube.add(pod(name="p", labels=labels, state=state) | {"apiVersion": "v1"})
    lines: list[str] = []
    one.kube.logs[("site", "p", False)] = lines
    return lines


def numbers(page: str) -> list[int]:
    """Numbers of the lines of a page."""
    return [int(found) for found in re.findall(r'id="L(\d+)"', page)]


def ids(events: str) -> list[int]:
    return [int(found) for found in re.findall(r"^id: (\d+)$", events, re.MULTILINE)]


async def test_the_last_lines(one: Shim, visitor: Browser) -> None:
    await archive(one, *(kudu(number) for number in range(1, 5001)))
    for path in (LOG, LOG.removesuffix("/log")):
        page = (await visitor.client.get(path)).text
        assert numbers(page) == list(range(3001, 5001))
        assert page.count('<div class="chunk') == 4
        assert 'href="?to=3000"' in page
        assert f'hx-get="{LOG}/part?to=3000"' in page
        assert "5,000</span> lines" in page
    part = (await visitor.client.get(f"{LOG}/part?to=3000")).text
    assert numbers(part) == list(range(1001, 3001))
    assert "<html" not in part
    assert 'href="?to=1000"' in part
    assert 'id="earlier"' not in (await visitor.client.get(f"{LOG}/part?to=1000")).text


async def test_a_permalink(one: Shim, visitor: Browser) -> None:
    await archive(one, *(kudu(number) for number in range(1, 5001)))
    page = (await visitor.client.get(f"{LOG}?at=2500")).text
    assert numbers(page) == list(range(1500, 3500))
    assert 'class="log-line at" id="L2500"' in page
    assert '<a class="number" href="?at=2500#L2500">2500</a>' in page
    assert 'href="?to=1499"' in page
    assert 'href="?to=5000">Later lines' in page


async def test_filter(one: Shim, visitor: Browser) -> None:
    lines = [kudu(1), kudu(2, "Oh no", "ERR"), kudu(3, "\x1b[31moh\x1b[0m NO"), b"no form", kudu(5, "x", "WARN")]
    await archive(one, *lines, b"[01/01/2026 12:00:00 > a: SYS INFO] Status changed to Success")
    for query, shown in {
        "q=oh+no": [2, 3],
        "level=err": [2],
        "q=no&level=ERR": [2],
        "q=NO+FORM": [4],
        "level=warn": [5],
        "level=sys": [6],
        "level=info": [1, 3, 6],
        "level=nonsense": [1, 2, 3, 4, 5, 6],
        "q=%3Cscript%3E": [],
    }.items():
        page = (await visitor.client.get(f"{LOG}?{query}")).text
        assert numbers(page) == shown, query
        assert 'href="?at=2#L2">First error' in page
    assert 'value="&lt;script&gt;"' in page
    assert "No line has that." in page


async def test_hostile_lines(one: Shim, visitor: Browser) -> None:
    hostile = [
        "<script>alert(1)</script><img src=x onerror=alert(1)>",
        "\x00\x1b[31mred\x1b[0m \x1b]0;t\x07\x9b31m\u2028x\u0085y",
        "\u202eexe.gnp",
        "\ufeff\x1b[38;2;",
    ]
    raw = [kudu(number, text) for number, text in enumerate(hostile, start=1)]
    await archive(one, *raw, b"\xff\xfe \xc3", b'[01/01/2026 12:00:00 > "><b>: INFO] x')
    page = (await visitor.client.get(LOG)).text
    assert numbers(page) == [1, 2, 3, 4, 5, 6]
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "<b>" not in page
    assert '<span class="f1">red</span>' in page
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u202a-\u202e\ufeff]", page)


async def test_a_line_of_a_megabyte(one: Shim, visitor: Browser) -> None:
    await archive(one, kudu(1), kudu(2, "x" * 2_000_000), kudu(3))
    page = (await visitor.client.get(LOG)).text
    assert len(page) < 3 * CUT
    assert "x" * CUT in page
    assert 'href="?line=2">2.0 MB more: show all of this line' in page
    whole = (await visitor.client.get(f"{LOG}?line=2")).text
    assert numbers(whole) == [2]
    assert "x" * 1_000_000 in whole
    assert "the file has them" in whole


def test_a_page_is_bounded() -> None:
    for chosen in (Chosen(), Chosen(at=1500), Chosen(to=1800)):
        selection = Selection(chosen=chosen)
        selection.feed([kudu(number, "y" * CUT) for number in range(1, PER_PAGE + 1)])
        shown = [line.number for line in selection.lines]
        assert 100 < len(shown) < 300
        assert shown == list(range(shown[0], shown[-1] + 1))
        assert (chosen.at or chosen.to or PER_PAGE) in shown


async def test_what_is_not_read_is_told(one: Shim, visitor: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    await archive(one, *(kudu(number) for number in range(1, 3001)))
    assert "longer than what a page reads" not in (await visitor.client.get(LOG)).text
    monkeypatch.setattr(run_log, "_MOST_BYTES", 30_000)
    page = (await visitor.client.get(LOG)).text
    assert "longer than what a page reads" in page
    assert numbers(page)[-1] <= 1000


async def test_files(one: Shim, visitor: Browser) -> None:
    await archive(one, b"<script>")
    for name, content in (("output_log.txt", b"<script>\r\n"), ("error_log.txt", b"oops\r\n")):
        answer = await visitor.client.get(f"{LOG.removesuffix('log')}{name}")
        assert answer.content == content
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
        assert answer.headers["content-disposition"] == f'attachment; filename="{RUN_ID}_{name}"'


async def test_lines_that_come_later(one: Shim, visitor: Browser) -> None:
    lines = begin(one)
    lines += [f"2026-01-01T12:00:0{number}.5Z line {number}" for number in (3, 4)]
    page = (await visitor.client.get(LOG)).text
    assert numbers(page) == [1, 2, 3, 4, 5]
    assert f'hx-sse:connect="{LOG}/live?from=5" hx-swap="beforeend" hx-sse:close="ended"' in page
    assert "hx-sse:" not in (await visitor.client.get(f"{LOG}?q=line")).text, "what is narrowed does not grow"
    stream = asyncio.create_task(visitor.client.get(f"{LOG}/live?from=5"))
    await asyncio.sleep(0.1)
    lines += [f"2026-01-01T12:00:0{number}.5Z <line> {number}\u2028" for number in (5, 6)]
    await asyncio.sleep(0.1)
    await end(one)
    answer = await asyncio.wait_for(stream, 10)
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert numbers(answer.text) == [6, 7, 8]
    assert ids(answer.text)[-1] == 8
    assert "&lt;line&gt; 5[U+2028]" in answer.text.replace('<span class="unseen">', "").replace("</span>", "")
    assert answer.text.endswith("event: ended\ndata: 8\n\n")
    assert "hx-sse:" not in (await visitor.client.get(LOG)).text, "it has ended"


@pytest.mark.parametrize(("seen", "after"), [("7", 7), ("0", 0), ("", 5), ("x", 0), ("-1", 0), ("8", 8), ("9" * 40, 0)])
async def test_a_broken_connection_goes_on(one: Shim, visitor: Browser, seen: str, after: int) -> None:
    begin(one).extend(f"2026-01-01T12:00:0{number}.5Z line {number}" for number in (3, 4, 5, 6))
    await end(one)
    answer = await visitor.client.get(f"{LOG}/live?from=5", headers={"last-event-id": seen})
    assert numbers(answer.text) == list(range(after + 1, 9))


async def test_a_session_that_ends_ends_the_stream(
    one: Shim, visitor: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 0.05)
    begin(one)
    stream = asyncio.create_task(visitor.client.get(f"{LOG}/live?from=0"))
    await asyncio.sleep(0.2)
    one.pass_time(hours=13)
    events = (await asyncio.wait_for(stream, 10)).text
    assert ": alive" in events
    assert "ended" not in events


async def test_too_many_who_look(one: Shim, visitor: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_tail, "_FOLLOWERS", 0)
    begin(one)
    assert (await visitor.client.get(LOG)).status_code == 200
    answer = await visitor.client.get(f"{LOG}/live", headers={"hx-request": "true"})
    assert (answer.status_code, "followed already" in answer.text, "<html" in answer.text) == (503, True, False)


@pytest.mark.parametrize("query", ["at=0", "at=-1", "at=x", "to=99999999999", "line=²", "at="])
def test_numbers_that_are_none(query: str) -> None:
    assert Chosen.of(dict([query.split("=")])).is_end


def test_a_line() -> None:
    line = Line.of(7, b"[01/31/2026 12:00:01 > abc123: SYS ERR ] Job failed")
    assert (line.day, line.time, line.level, line.system, line.sign) == ("2026-01-31", "12:00:01", "ERR", True, "✗")
    assert (line.text, line.cut) == ("Job failed", 0)
    assert Line.of(1, b"", size=0).text == ""
    cut = Line.of(1, kudu(1, "é" * (CUT + 10)))
    assert (len(cut.text), cut.cut) == (CUT, 20)
    assert log_lines.chunks([line] * 1001) == [[line] * 500, [line] * 500, [line]]
