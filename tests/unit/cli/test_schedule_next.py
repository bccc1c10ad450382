"""`kubectl webjob schedule next` and the operator tell the same times, for any WebJob, WebJobSchedule and site."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.kube import FakeKube
from tests.fakes.objects import webjob_body
from tests.unit.cli.test_commands import Called
from webjobs.model import WebJob, WebJobSchedule
from webjobs.model.effective_spec import under
from webjobs.model.site.app_settings import CONFIG_MAP
from webjobs.model.site.site_settings import SiteSettings
from webjobs.schedules.plan import plan, plan_further
from webjobs.times import rfc3339
from webjobs_cli.errors import UsageError

Object = dict[str, Any]

ZONES = st.sampled_from([None, "Europe/Berlin", "W. Europe Standard Time", "America/New_York", "Australia/Lord_Howe"])
CRON = st.sampled_from(["0 0 3 * * *", "0 30 2 * * SUN", "*/20 * * * * *", "0 0 0 31 12 *", "15 5 4 1 * MON-FRI"])
MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)).map(
    lambda when: rfc3339(when.replace(microsecond=0, tzinfo=UTC), micro=False)
)
NOW = MOMENTS


@st.composite
def timings(draw: st.DrawFn) -> Object:
    """The spec of a WebJobSchedule."""
    kind = draw(st.sampled_from(["cron", "period", "at"]))
    spec: Object = {"webJobName": "job"}
    if kind == "cron":
        spec |= {"cron": draw(CRON), "timeZone": draw(ZONES)}
    elif kind == "period":
        spec |= {"periodSeconds": draw(st.integers(1, 10**6)), "startTime": draw(st.none() | MOMENTS)}
    else:
        spec |= {"at": draw(MOMENTS)}
    more = {
        "jitterSeconds": draw(st.none() | st.integers(0, 3000)),
        "deleteAt": draw(st.none() | MOMENTS),
        "suspend": draw(st.sampled_from([None, None, None, True])),
    }
    return {key: value for key, value in (spec | more).items() if value is not None}


@st.composite
def sites(draw: st.DrawFn) -> dict[str, str]:
    """The app settings of a site."""
    settings: dict[str, str] = {}
    if zone := draw(ZONES):
        settings["WEBSITE_TIME_ZONE"] = zone
    if draw(st.integers(0, 9)) == 0:
        settings["WEBJOBS_DISABLE_SCHEDULE"] = "1"
    return settings


def _told(webjob: Object, schedule: Object | None, site: dict[str, str], *, now: str) -> str | None:
    """The next time that the command prints."""
    kube = FakeKube()
    kube.add(webjob)
    kube.add(
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": CONFIG_MAP, "namespace": "site"}, "data": site}
    )
    if schedule:
        kube.add(schedule)
    called = Called(kube)
    called.now = datetime.fromisoformat(now)
    assert called("schedule", "next", "job", "-c", "1", "-o", "json") == 0
    found = json.loads(called.out.getvalue())
    return str(found[0]["time"]) if found else None


def _called(webjob: Object, *schedules: Object) -> Called:
    kube = FakeKube()
    kube.add(webjob)
    for number, spec in enumerate(schedules):
        metadata = {"name": f"s{number}", "namespace": "site", "creationTimestamp": "2026-01-01T00:00:00Z"}
        kube.add({"apiVersion": "webjobs.dev/v1", "kind": "WebJobSchedule", "metadata": metadata, "spec": spec})
    called = Called(kube)
    called.now = datetime(2026, 1, 1, tzinfo=UTC)
    return called


def test_one_that_can_not_be_read_stops_no_other() -> None:
    bad = {"webJobName": "job", "cron": "0 0 3 * * *", "timeZone": "Nowhere/City"}
    called = _called(webjob_body({"timeZone": "Elsewhere/City"}), bad, {"webJobName": "job", "periodSeconds": 60})
    assert called("schedule", "next", "job", "-c", "1") == 0
    assert "2026-01-01T00:01:00Z" in called.out.getvalue()
    assert "'s0' can't be read: time zone" in called.err.getvalue()


def test_a_zone_that_nobody_knows() -> None:
    with pytest.raises(UsageError, match="--time-zone: time zone 'Nowhere/City' is unknown"):
        _called(webjob_body({"schedule": "0 0 3 * * *"}))("schedule", "next", "job", "--time-zone", "Nowhere/City")


@pytest.mark.parametrize("suspended", ["job", "schedules"])
def test_what_rests_may_fire_again(suspended: str) -> None:
    rests = suspended == "schedules"
    spec = {"suspend": True, "schedule": "0 0 3 * * *"} if not rests else {}
    called = _called(webjob_body(spec), {"webJobName": "job", "periodSeconds": 60, "suspend": rests})
    assert called("schedule", "next", "job") == 0
    assert "suspended" in called.err.getvalue()
    assert "never" not in called.err.getvalue()


def _planned(when: datetime | None) -> str | None:
    return rfc3339(when, micro=False) if when else None


@given(CRON, ZONES, sites(), NOW, st.booleans())
def test_a_schedule_of_its_own(cron: str, zone: str | None, site: dict[str, str], now: str, suspend: bool) -> None:
    spec: Object = {"schedule": cron, "suspend": suspend} | ({"timeZone": zone} if zone else {})
    body = webjob_body(spec)
    webjob = under(WebJob.parse(body), SiteSettings.read(site))
    found = plan(webjob, known=[], now=datetime.fromisoformat(now))
    assert _told(body, None, site, now=now) == _planned(found.next)


@given(timings(), ZONES, sites(), NOW, MOMENTS, st.integers(0, 10**6))
def test_a_webjobschedule(
    spec: Object, zone: str | None, site: dict[str, str], now: str, created: str, number: int
) -> None:
    body = webjob_body({"timeZone": zone} if zone else {})
    created = min(created, now)  # nothing is planned from what is not there yet
    schedule = {
        "apiVersion": "webjobs.dev/v1",
        "kind": "WebJobSchedule",
        "metadata": {"name": "one", "namespace": "site", "uid": f"uid-{number}", "creationTimestamp": created},
        "spec": spec,
    }
    webjob = under(WebJob.parse(body), SiteSettings.read(site))
    parsed = WebJobSchedule.parse(schedule)
    found = plan_further(parsed, webjob=webjob, newest=None, now=datetime.fromisoformat(now))
    assert _told(body, schedule, site, now=now) == _planned(found.next)
