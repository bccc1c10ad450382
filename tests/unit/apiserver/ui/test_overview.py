"""A site at a glance."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.fakes.shim import Shim, script
from tests.fakes.visitor import Browser
from tests.unit.apiserver.ui.jobs.test_job_row import job, run
from webjobs.model import WebJobRun
from webjobs_apiserver.ui.jobs.job_row import JobRow
from webjobs_apiserver.ui.overview import HOURS, SHOWN, overview

NOW = datetime(2026, 1, 1, 12, 30, tzinfo=UTC)


def ended(name: str, state: str, *, ago: timedelta, number: int = 0) -> WebJobRun:
    return run(name, state, number=number, end=(NOW - ago).isoformat())


def test_a_day() -> None:
    of_a = [
        ended("a", "Failed", ago=timedelta(minutes=29), number=1),
        ended("a", "Success", ago=timedelta(minutes=1)),
    ]
    of_b = [
        run("b", None, number=5),
        ended("b", "Success", ago=timedelta(hours=23), number=3),
        ended("b", "Aborted", ago=timedelta(minutes=31), number=2),
        ended("b", "Failed", ago=timedelta(hours=25), number=1),
        run("b", "Failed", number=0, end="never"),
    ]
    one = overview([JobRow.of(job("a"), of_a), JobRow.of(job("b"), of_b)], now=NOW)
    assert [hour.total for hour in one.hours if hour.total] == [1, 1, 2]
    assert (len(one.hours), one.hours[-1].begin) == (HOURS, datetime(2026, 1, 1, 12, tzinfo=UTC))
    assert one.counts["failures"] == 1, "of the last day"
    assert [(bar.tone, bar.x, bar.height) for bar in one.bars[-2:]] == [("good", 230, 20.0), ("bad", 230, 20.0)]
    assert [failure.job for failure in one.failures] == ["a", "b", "b"], "the newest first, older than a day too"


def test_nothing_has_happened() -> None:
    one = overview([], now=NOW)
    assert (one.counts, one.bars, one.failures, one.coming) == ({"all": 0, "failures": 0}, [], [], [])


def test_what_comes_next() -> None:
    times = {f"job{number:02}": {"nextRunTime": f"2026-01-01T{number:02}:00:00Z"} for number in reversed(range(15))}
    one = overview([JobRow.of(job(name, status=status), []) for name, status in times.items()], now=NOW)
    assert [row.name for row in one.coming] == [f"job{number:02}" for number in range(SHOWN)]


async def test_the_page(one: Shim, visitor: Browser) -> None:
    client = one.client()
    await client.put("/api/triggeredwebjobs/a & b", content=b"echo", headers=script())
    await client.put("/api/triggeredwebjobs/fine", content=b"echo", headers=script())
    assert (await client.post("/api/triggeredwebjobs/fine/run")).status_code == 202
    name = next(key[2] for key in one.kube.objects if key[0] == "WebJobRun")
    failed = {"state": "Failed", "endTime": "2026-01-01T12:00:01Z", "message": "It <i>broke</i>."}
    await one.kube.patch("WebJobRun", "site", name, {"status": failed}, subresource="status")
    await one.caught_up()
    one.pass_time(seconds=2)
    page = (await visitor.client.get("/ui/")).text
    assert "It &lt;i&gt;broke&lt;/i&gt;." in page
    assert "1 run ended, 1 of them failed" in page
    await client.post("/api/settings", json={"WEBJOBS_STOPPED": "1"})
    assert "The whole site is stopped" in (await visitor.client.get("/ui/")).text
