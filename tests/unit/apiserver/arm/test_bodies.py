"""ARM's addresses, envelopes and pages as pure functions, read with the models of Azure's own SDK."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from azure.mgmt.web import models
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.objects import run, webjob
from webjobs.runs import runs
from webjobs_apiserver.arm import bodies, paging, paths
from webjobs_apiserver.errors import BadRequest
from webjobs_apiserver.kudu import bodies as kudu
from webjobs_apiserver.sites import Site, Sites
from webjobs_apiserver.watching.job import Job

P = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/shop"
ENDED = {"state": "Success", "endTime": "2026-01-01T00:00:09Z"}


def test_the_sdk_finds_all_of_a_triggered_job() -> None:
    model = webjob({"settings": {"schedule": "0 0 0 * * *"}}, name="report")
    latest = run("report-202601010000000000", spec={"webJobName": "report"}, status=ENDED)
    body = kudu.triggered(Job(name="report", webjob=model, raw={}), latest=latest, base="https://s", now=None)  # type: ignore[arg-type]
    found: Any = models.TriggeredWebJob(
        bodies.envelope(bodies.job(body), identifier=f"{P}/triggeredwebjobs/report", location=None)
    )
    assert (found.id, found.name) == (f"{P}/triggeredwebjobs/report", "shop/report")
    assert found.type == "Microsoft.Web/sites/triggeredwebjobs"
    assert found.web_job_type == models.WebJobType.TRIGGERED
    assert (found.run_command, found.url) == ("run.sh", "https://s/api/triggeredwebjobs/report")
    assert found.history_url == "https://s/api/triggeredwebjobs/report/history"
    assert (found.settings, found.using_sdk, found.error) == ({"schedule": "0 0 0 * * *"}, False, None)
    assert found.latest_run.web_job_id == found.latest_run.web_job_name == "202601010000000000"
    assert found.latest_run.status == models.TriggeredWebJobStatus.SUCCESS
    assert found.latest_run.end_time.second == 9
    assert found.properties["type"] == "triggered"  # Kudu's keys stay, too
    assert found.properties["name"] == "report"


def test_the_sdk_finds_all_of_a_continuous_job() -> None:
    body = kudu.continuous(Job(name="w", webjob=webjob({"type": "continuous"}, name="w"), raw={}), base="https://s")
    found: Any = models.ContinuousWebJob(
        bodies.envelope(bodies.job(body), identifier=f"{P}/continuouswebjobs/w", location="west")
    )
    assert (found.name, found.type) == ("shop/w", "Microsoft.Web/sites/continuouswebjobs")
    assert found.web_job_type == models.WebJobType.CONTINUOUS
    assert found.status == models.ContinuousWebJobStatus.INITIALIZING
    assert found.detailed_status.endswith(" - Initializing")
    assert found.log_url.endswith("/job_log.txt")


@pytest.mark.parametrize("status", [ENDED, {"state": "Running"}, {}])
def test_the_sdk_finds_a_run_both_ways(status: dict[str, str]) -> None:
    one = run("job-202601010000000000", status=status)
    now = runs.start_time(one)
    body = kudu.run(one, job_name="job", base="https://s", now=now)
    where = f"{P}/triggeredwebjobs/job/history/{body['id']}"
    found: Any = models.TriggeredJobHistory(bodies.envelope(bodies.run(body), identifier=where, location=None))
    assert (found.name, found.type) == (f"shop/job/{body['id']}", "Microsoft.Web/sites/triggeredwebjobs/history")
    (inner,) = found.runs
    assert (inner.web_job_id, inner.web_job_name, inner.job_name) == (body["id"], body["id"], "job")
    assert (inner.status, inner.trigger, inner.duration) == (body["status"], body["trigger"], body["duration"])
    assert inner.start_time.year == 2026
    assert inner.end_time.year == (2026 if status is ENDED else 1)
    assert found.properties["output_url"] == inner.output_url  # as App Service, flat


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"{P}/webjobs", ("Microsoft.Web/sites/webjobs", "shop")),
        (f"{P}/triggeredwebjobs/a b", ("Microsoft.Web/sites/triggeredwebjobs", "shop/a b")),
        (f"{P}/slots/x/triggeredwebjobs/é", ("Microsoft.Web/sites/slots/triggeredwebjobs", "shop/x/é")),
        (P, ("Microsoft.Web/sites", "shop")),
        ("/api/triggeredwebjobs/a", None),
        ("", None),
    ],
)
def test_type_and_name_come_from_the_path(path: str, expected: tuple[str, str] | None) -> None:
    assert paths.resource(path) == expected
    found = bodies.envelope({}, identifier=path, location=None)
    assert (found["type"], found["name"]) == (expected or (None, None))


@pytest.mark.parametrize(
    ("raw", "slot", "rest"),
    [
        ("/webjobs", "", "/webjobs"),
        ("/WEBJOBS/A", "", "/webjobs/A"),
        ("/Slots/X/TriggeredWebJobs/Foo/RUN/", "/slots/X", "/triggeredwebjobs/Foo/run"),
        ("/slots", "", "/slots"),
        ("/triggeredwebjobs/a%20b/history", "", "/triggeredwebjobs/a b/history"),
        # an escaped slash is part of a name, and no name has one
        ("/triggeredwebjobs/a%2Frun", "", "/triggeredwebjobs/a\\run"),
        # Kudu's other spellings are none here
        ("/triggeredjobs/a/run", "", "/triggeredjobs/a/run"),
        ("/jobs/triggered", "", "/jobs/triggered"),
        ("/vfs/a/", "", "/vfs/a/"),
        ("/Config/AppSettings/List/", "", "/config/appsettings/list"),
        ("/slots/X/config/slotConfigNames", "/slots/X", "/config/slotconfignames"),
        ("/config/", "", "/config"),
        ("/config", "", "/config"),
        ("", "", ""),
    ],
)
def test_addresses(raw: str, slot: str, rest: str) -> None:
    for prefix in (P, P.upper()):
        address = paths.parse(paths.segments({"raw_path": f"{prefix}{raw}".encode(), "path": ""}))
        assert address
        assert address.path.lower() == f"{prefix}{slot}{rest}".lower()
        assert address.path.startswith("/subscriptions/")
        assert address.path.endswith(slot + rest)
        is_another = rest.startswith(("/triggeredjobs", "/jobs"))
        assert address.kudu_path == ("/api/-" if is_another else f"/api{rest}")


@pytest.mark.parametrize(
    "path",
    [
        "/subscriptions",
        "/subscriptions/s/resourceGroups/g",
        P.rpartition("/")[0],
        P.replace("/g/", "//"),
        P.replace("Web", "Sql"),
        P.replace("/resourceGroups/", "%2FresourceGroups/"),
    ],
)
def test_what_is_below_no_site(path: str) -> None:
    assert paths.is_arm(path)
    assert paths.parse(paths.segments({"raw_path": path.encode(), "path": path})) is None


def test_other_paths_are_not_arms() -> None:
    assert [path for path in ("/", "/subscriptionsx/", "/api/subscriptions/", "") if paths.is_arm(path)] == []


A, SHOP, STAGING = (Site(name=name, namespace=name, host=f"{name}.x") for name in ("a", "shop", "main-staging"))
DEFAULT = Site(name="Main", namespace="prod")
SITES = Sites(by_host={site.host: site for site in (A, SHOP, STAGING)}, domain="x", default=DEFAULT)


@pytest.mark.parametrize(
    ("host", "name", "slot", "expected"),
    [
        ("any", "prod", "", DEFAULT),
        ("any", "PROD", "", DEFAULT),
        ("any", "main", "", DEFAULT),
        ("any", "shop", "", SHOP),
        ("any:80", "SHOP", "", SHOP),
        ("any", "main", "staging", STAGING),
        ("any", "main-staging", "", STAGING),
        ("any", "main", "Production", DEFAULT),
        ("any", "a", "production", A),
        ("any", "a", "staging", None),
        ("any", "none", "", None),
        ("any", "none", "production", None),
        # a site's own host knows that site only
        ("a.x", "a", "", A),
        ("a.x", "a", "production", A),
        ("a.x", "shop", "", None),
        ("a.x", "main", "", None),
        ("b.x", "a", "", None),
    ],
)
def test_which_site_is_meant(host: str, name: str, slot: str, expected: Site | None) -> None:
    assert SITES.of_name(host, name, slot) == expected


def test_a_namespace_is_stronger_than_a_name() -> None:
    sites = Sites(by_host={"a.x": A}, default=Site(name="a", namespace="b"))
    assert sites.of_name("any", "a") == A


KEYS = st.lists(st.text(max_size=3), unique=True, max_size=12)


@given(KEYS, st.booleans())
def test_pages_are_the_whole_list(keys: list[str], descending: bool) -> None:
    known, paging_size = sorted(keys, reverse=descending), 3
    found: list[str] = []
    after = None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(paging, "PAGE", paging_size)
        for _ in range(len(keys) + 1):
            items, after = paging.page(known, key=str, after=after, descending=descending)
            assert len(items) <= paging_size
            found += items
            if after is None:
                break
    assert found == known


def test_a_list_that_shrinks_loses_nothing() -> None:
    items = [f"{number:03}" for number in range(150)]
    first, after = paging.page(items, key=str)
    assert len(first) == paging.PAGE
    rest, end = paging.page(items[50:], key=str, after=after)
    assert first + rest == items
    assert end is None


@given(st.text())
def test_links_carry_any_key(after: str) -> None:
    if any("\ud800" <= char <= "\udfff" for char in after):
        return
    url = paging.link("https://s/a%20b", "api-version=1&$skipToken=old&x=%26", after=after)
    query = parse_qs(urlsplit(url).query)
    assert (query["api-version"], query["x"]) == (["1"], ["&"])
    assert [name for name in query if "skip" in name.lower()] == (["$skiptoken"] if after else [])
    assert paging.after_of(urlsplit(url).query) == (after or None)


@pytest.mark.parametrize("query", ["$skiptoken=%00", "%24SkipToken=a", "$skiptoken=_w", "$skiptoken=+"])
def test_tokens_that_no_link_has(query: str) -> None:
    with pytest.raises(BadRequest):
        paging.after_of(query)


def test_errors_have_both_forms() -> None:
    assert bodies.error(409, "Busy.") == {"error": {"code": "Conflict", "message": "Busy."}, "Message": "Busy."}
    assert bodies.error(500, "x")["error"]["code"] == bodies.error(599, "x")["error"]["code"] == "InternalServerError"
