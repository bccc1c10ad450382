"""The starts of the day to come."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.fakes.shim import Shim, script
from tests.fakes.visitor import Browser
from tests.unit.apiserver.ui.jobs.test_job_row import job
from webjobs.model import WebJobSchedule
from webjobs.model.site.site_settings import SiteSettings
from webjobs_apiserver.ui.calendar import Calendar

NOW = datetime(2026, 1, 1, 12, 20, tzinfo=UTC)
NIGHT = "0 0 2 * * *"


def test_quarters_and_pile_ups() -> None:
    jobs = [job(f"night{number}", schedule=NIGHT) for number in range(3)]
    jobs += [job("hourly", schedule="0 30 * * * *"), job("other", schedule="0 5 2 * * *"), job("hand")]
    one = Calendar.of(jobs, {}, settings=SiteSettings(), now=NOW)
    assert one.quarters[0].begin == datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert (len(one.quarters), len(one.hours), one.jobs) == (96, 24, 5)
    starts = {f"{quarter.begin:%H:%M}": (quarter.starts, quarter.heat) for quarter in one.quarters if quarter.starts}
    assert starts["02:00"] == (4, 4)
    assert starts["12:30"] == (1, 1)
    assert len(starts) == 25
    assert [(moment.count, list(moment.jobs)) for moment in one.crowded] == [(3, ["night0", "night1", "night2"])]


def test_steady_jobs_are_told_apart() -> None:
    one = Calendar.of([job("busy", schedule="*/10 * * * * *")], {}, settings=SiteSettings(), now=NOW)
    assert (one.steady, one.crowded, sum(quarter.starts for quarter in one.quarters)) == (["busy"], [], 0)


def test_zones_switches_and_what_can_not_be_read() -> None:
    jobs = [
        job("night", schedule=NIGHT),
        job("odd", settings={"schedule": "at night"}),
        job("held", schedule=NIGHT, suspend=True),
    ]
    berlin = Calendar.of(jobs, {}, settings=SiteSettings.read({"WEBSITE_TIME_ZONE": "Europe/Berlin"}), now=NOW)
    assert [f"{one.begin:%H:%M}" for one in berlin.quarters if one.starts] == ["01:00"]
    off = Calendar.of(jobs, {}, settings=SiteSettings(schedules_disabled=True), now=NOW)
    assert off.jobs == 0


async def test_the_page(one: Shim, visitor: Browser) -> None:
    client = one.client()
    for name in ("a & co", "b"):
        await client.put(f"/api/triggeredwebjobs/{name}", content=b"echo", headers=script())
        await client.put(f"/api/triggeredwebjobs/{name}/settings", json={"schedule": NIGHT})
    await one.caught_up()
    page = (await visitor.client.get("/ui/calendar")).text
    assert ("a &amp; co, b" in page, "2 jobs" in page) == (True, True)


def test_further_schedules_of_a_job() -> None:
    def further(name: str, **spec: object) -> WebJobSchedule:
        meta = {"name": name, "namespace": "site", "creationTimestamp": "2026-01-01T00:00:00Z"}
        return WebJobSchedule.parse({"metadata": meta, "spec": {"webJobName": "night", **spec}})

    more = [
        further("noon", cron="0 0 15 * * *"),
        further("once", at="2026-01-01T18:10:00Z"),
        further("held", cron="0 0 16 * * *", suspend=True),
        further("odd", cron="every day at night ?"),
    ]
    one = Calendar.of([job("night", schedule=NIGHT)], {"night": more}, settings=SiteSettings(), now=NOW)
    assert [f"{quarter.begin:%H:%M}" for quarter in one.quarters if quarter.starts] == ["15:00", "18:00", "02:00"]
    held = Calendar.of([job("night", schedule=NIGHT, suspend=True)], {"night": more}, settings=SiteSettings(), now=NOW)
    assert held.jobs == 0
    alone = Calendar.of([job("night")], {"night": more}, settings=SiteSettings(), now=NOW)
    assert sum(quarter.starts for quarter in alone.quarters) == 2
