"""Changing the schedule and the settings of a job: what is shown before, what is saved where, and who comes second."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import httpx
import pytest

from tests.fakes.shim import Shim, script
from tests.fakes.visitor import Browser
from webjobs_kube.errors import Invalid

EDIT = "/ui/jobs/triggered/hello/edit"
SETTINGS = "/api/triggeredwebjobs/hello/settings"
OLD = "0 0 1 * * *"
NEW = "0 30 2 * * *"


def spec(one: Shim, name: str = "hello") -> dict[str, Any]:
    found: dict[str, Any] = one.kube.objects["WebJob", "site", name]["spec"]
    return found


def fields_of(page: httpx.Response) -> dict[str, str]:
    """What the fields of the page hold, by name."""
    found = re.findall(r'name="(schedule|zone|version)"[^>]* value="([^"]*)"', page.text)
    found += re.findall(r'name="(version)" value="([^"]*)"', page.text)
    found += re.findall(r'<textarea[^>]* name="(settings)"[^>]*>\n([^<]*)</textarea>', page.text)
    return {name: unescape(value) for name, value in found}


async def opened(visitor: Browser, address: str = EDIT) -> dict[str, str]:
    """The fields of the page as it is now."""
    page = await visitor.client.get(address)
    assert page.status_code == 200
    return fields_of(page)


async def save(visitor: Browser, what: str, fields: dict[str, str], **changes: str) -> httpx.Response:
    return await visitor.send(EDIT, **{**fields, "what": what, "act": "save", **changes})


async def test_the_schedule_of_an_upload_is_kept_in_its_settings(one: Shim, visitor: Browser) -> None:
    await one.client().put(SETTINGS, json={"schedule": OLD, "note": 1})
    fields = await opened(visitor)
    assert (fields["schedule"], fields["zone"]) == (OLD, "")
    answer = await save(visitor, "schedule", fields, schedule=f" {NEW} ", zone="Europe/Berlin")
    assert (answer.status_code, answer.headers["location"]) == (303, EDIT.removesuffix("/edit"))
    assert spec(one)["settings"] == {"schedule": NEW, "note": 1}
    assert (spec(one)["timeZone"], "schedule" in spec(one)) == ("Europe/Berlin", False)
    assert "kept in settings.job" in (await visitor.client.get(EDIT)).text


async def test_the_schedule_of_a_spec_stays_there(one: Shim, visitor: Browser) -> None:
    await one.client().put(SETTINGS, json={"schedule": OLD})
    await one.kube.patch("WebJob", "site", "hello", {"spec": {"schedule": "0 0 2 * * *", "timeZone": "UTC"}})
    await one.caught_up()
    page = await visitor.client.get(EDIT)
    assert "kept in spec.schedule" in page.text
    assert f"<code>{OLD}</code>): it counts when this one is empty" in page.text
    await save(visitor, "schedule", fields_of(page), schedule=NEW, zone="")
    assert (spec(one)["schedule"], "timeZone" in spec(one), spec(one)["settings"]) == (NEW, False, {"schedule": OLD})
    await save(visitor, "schedule", await opened(visitor), schedule="")
    assert "schedule" not in spec(one)
    assert (await opened(visitor))["schedule"] == OLD


async def test_no_schedule_any_more(one: Shim, visitor: Browser) -> None:
    await one.client().put(SETTINGS, json={"schedule": OLD, "note": 1})
    await save(visitor, "schedule", await opened(visitor), schedule="")
    assert spec(one)["settings"] == {"note": 1}
    await save(visitor, "schedule", await opened(visitor), schedule="")
    assert spec(one)["settings"] == {"note": 1}


async def test_a_job_of_kubectl_gets_it_in_its_spec(one: Shim, visitor: Browser) -> None:
    body = {"apiVersion": "webjobs.dev/v1", "kind": "WebJob", "metadata": {"name": "plain", "namespace": "site"}}
    one.kube.add(body | {"spec": {"type": "triggered", "image": "own:1"}})
    one.kube.end_watches()
    await one.caught_up()
    path = "/ui/jobs/triggered/plain/edit"
    fields = await opened(visitor, path)
    await visitor.send(path, **{**fields, "what": "schedule", "act": "save", "schedule": NEW})
    assert (spec(one, "plain")["schedule"], "settings" in spec(one, "plain")) == (NEW, False)


@pytest.mark.parametrize(
    ("schedule", "zone", "said"),
    [
        ("*/5 * * * *", "", "five-field cron expression"),
        ("0 61 * * * *", "", "minute: &#39;61&#39; is out of range"),
        (NEW, "Europe/Berln", "did you mean &#39;Europe/Berlin&#39;?"),
        ("", "Nowhere", "is unknown"),
        ("<script>alert(1)</script> * * * * *", "", "&lt;script&gt;"),
    ],
)
async def test_what_the_parser_refuses(one: Shim, visitor: Browser, schedule: str, zone: str, said: str) -> None:
    before = dict(spec(one))
    answer = await save(visitor, "schedule", await opened(visitor), schedule=schedule, zone=zone)
    assert answer.status_code == 400
    assert said in answer.text
    assert "<script>" not in answer.text
    assert fields_of(answer)["schedule"] == schedule, "nothing that was typed is lost"
    assert spec(one) == before


async def test_preview(one: Shim, visitor: Browser) -> None:
    query = {"schedule": NEW, "zone": "Europe/Berlin"}
    fragment = await visitor.client.get("/ui/jobs/triggered/hello/preview", params=query)
    assert (fragment.status_code, "<html" in fragment.text) == (200, False)
    for part in ("every day at 02:30, Europe/Berlin", "skip 02:00 to 03:00", "02:30:00 CET", "01:30:00"):
        assert part in fragment.text
    page = await visitor.send(EDIT, **{**await opened(visitor), "what": "schedule", "act": "preview", **query})
    assert (page.status_code, "every day at 02:30, Europe/Berlin" in page.text) == (200, True)
    assert fields_of(page)["schedule"] == NEW
    assert not spec(one).get("settings")


async def test_the_zone_of_the_site_counts_without_another(one: Shim, visitor: Browser) -> None:
    await one.client().post("/api/settings", json={"WEBSITE_TIME_ZONE": "Asia/Tokyo"})
    page = (await visitor.client.get("/ui/jobs/triggered/hello/preview", params={"schedule": NEW})).text
    assert "02:30:00 JST" in page
    assert "that of the site, Asia/Tokyo" in (await visitor.client.get(EDIT)).text


async def test_settings(one: Shim, visitor: Browser) -> None:
    text = '{"stopping_wait_time": 60, // comment\n "text": "</textarea><script>\u202e",}'
    assert (await save(visitor, "settings", await opened(visitor), settings=text)).status_code == 303
    assert spec(one)["settings"] == {"stopping_wait_time": 60, "text": "</textarea><script>\u202e"}
    page = await visitor.client.get(EDIT)
    assert "<script>" not in page.text
    assert (await save(visitor, "settings", fields_of(page))).status_code == 303
    assert spec(one)["settings"]["text"] == "</textarea><script>\u202e", "what is shown can be saved"


@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        ("{", 400, "settings.job is no JSON"),
        ("[]", 400, "holds no object"),
        ('{"a": "' + "a" * 300_000 + '"}', 413, "more than"),
    ],
)
async def test_settings_that_are_refused(one: Shim, visitor: Browser, text: str, status: int, said: str) -> None:
    answer = await save(visitor, "settings", await opened(visitor), settings=text)
    assert (answer.status_code, said in answer.text) == (status, True)
    assert fields_of(answer)["settings"] == text
    assert not spec(one).get("settings")


async def test_what_the_api_server_refuses(one: Shim, visitor: Browser) -> None:
    one.kube.fail(Invalid(422, "Invalid", "spec.schedule: no <b>"), verb="replace")
    answer = await save(visitor, "schedule", await opened(visitor), schedule=NEW)
    assert (answer.status_code, "spec.schedule: no &lt;b&gt;" in answer.text) == (400, True)
    assert fields_of(answer)["schedule"] == NEW


@pytest.mark.parametrize(("what", "mine"), [("schedule", NEW), ("settings", '{"mine": 1}')])
async def test_who_comes_second_sees_both(one: Shim, visitor: Browser, what: str, mine: str) -> None:
    fields = await opened(visitor)
    await one.client().put(SETTINGS, json={"schedule": OLD})
    answer = await save(visitor, what, fields, **{what: mine})
    assert (answer.status_code, "changed by somebody else" in answer.text) == (409, True)
    theirs = OLD if what == "schedule" else '"schedule": "0 0 1 * * *"'
    assert all(text in unescape(answer.text) for text in (theirs, mine))
    assert spec(one)["settings"] == {"schedule": OLD}
    again = await save(visitor, what, fields_of(answer))
    assert again.status_code == 303
    assert spec(one)["settings"] == ({"schedule": NEW} if what == "schedule" else {"mine": 1})


async def test_a_status_in_between_is_no_change(one: Shim, visitor: Browser) -> None:
    fields = await opened(visitor)
    await one.kube.patch("WebJob", "site", "hello", {"status": {"state": "Idle"}}, subresource="status")
    assert (await save(visitor, "schedule", fields, schedule=NEW)).status_code == 303


async def test_a_job_made_anew_is_another_one(one: Shim, visitor: Browser) -> None:
    fields = await opened(visitor)
    await one.client().delete("/api/triggeredwebjobs/hello")
    await one.client().put("/api/triggeredwebjobs/hello", content=b"echo", headers=script())
    assert (await save(visitor, "schedule", fields, schedule=NEW)).status_code == 409


async def test_a_form_without_a_version_saves_nothing(one: Shim, visitor: Browser) -> None:
    assert (await visitor.send(EDIT, what="schedule", act="save", schedule=NEW)).status_code == 409
    assert (await visitor.send(EDIT, act="save", schedule=NEW)).status_code == 400
    assert not spec(one).get("settings")


async def test_a_continuous_job_has_settings_and_no_schedule(one: Shim, visitor: Browser) -> None:
    path = "/ui/jobs/continuous/worker/edit"
    fields = await opened(visitor, path)
    assert "schedule" not in fields
    answer = await visitor.send(path, **fields, what="schedule", act="save")
    assert answer.status_code == 400
    sent = {**fields, "what": "settings", "act": "save", "settings": '{"is_singleton": true}'}
    assert (await visitor.send(path, **sent)).status_code == 303
    assert spec(one, "worker")["settings"] == {"is_singleton": True}


async def test_what_was_wrong_with_the_file_is_said(one: Shim, visitor: Browser) -> None:
    await one.kube.patch("WebJob", "site", "hello", {"spec": {"package": {"settingsError": "settings.job is <odd>"}}})
    await one.caught_up()
    page = await visitor.client.get(EDIT)
    assert "settings.job is &lt;odd&gt;" in page.text
    await save(visitor, "schedule", fields_of(page), schedule=NEW)
    assert ("settingsError" in spec(one)["package"], spec(one)["settings"]) == (False, {"schedule": NEW})
