"""The page of a job: what it tells, to whom, and what of it changes while it is open."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from tests.fakes.objects import pod, run_body, webjob_body
from tests.fakes.shim import RUN_ID, Shim, shim
from tests.fakes.visitor import Browser, browser
from webjobs_apiserver.ui import live
from webjobs_kube.errors import Unreachable

READER, READ_PASSWORD = "reader", "a password to read with"
JOB, WORKER = "/ui/jobs/triggered/hello", "/ui/jobs/continuous/worker"
SINCE = "2026-01-01T00:00:00Z"
HOSTILE = "<img src=x onerror=alert(1)> \"'\u202e"
SHOWN = "&lt;img src=x onerror=alert(1)&gt; &#34;&#39;⌈U+202E⌉"


def condition(kind: str, status: str, *, message: str = "All is well.", reason: str = "Fine") -> dict[str, Any]:
    return {"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": SINCE}


def run_of(run_id: str, state: str | None = None, *, job: str = "hello", **status: Any) -> dict[str, Any]:
    spec = {"webJobName": job, "trigger": f"External - {HOSTILE}"}
    return run_body(f"{job}-{run_id}", state=state, spec=spec, status=status, labels={"webjobs.dev/webjob": job})


@pytest.fixture
def one() -> Iterator[Shim]:
    with shim() as made:
        (made.directory / "readonlyUsername").write_text(READER)
        (made.directory / "readonlyPassword").write_text(READ_PASSWORD)
        made.kube.add(webjob_body({"schedule": "0 30 2 * * *", "timeZone": "Europe/Berlin"}, name="hello"))
        made.kube.add(webjob_body({"type": "continuous", "replicas": 2}, name="worker"))
        yield made


@pytest.fixture
async def visitor(one: Shim) -> AsyncIterator[Browser]:
    async with one.running():
        there = browser(one)
        assert (await there.log_in()).status_code == 303
        one.kube.calls.clear()
        yield there


async def text(visitor: Browser, address: str = JOB) -> str:
    """The page, with one blank for all that a browser shows as one."""
    page = await visitor.client.get(address)
    assert page.status_code == 200
    return re.sub(r"\s+", " ", page.text)


async def say(one: Shim, name: str, **status: Any) -> None:
    """What the operator would write, and the shim hears of it."""
    await one.kube.patch("WebJob", "site", name, {"status": status}, subresource="status")
    await one.caught_up()


async def test_schedule(one: Shim, visitor: Browser) -> None:
    page = await text(visitor)
    for part in (
        "<code>0 30 2 * * *</code>",
        "in spec.schedule, time zone Europe/Berlin",
        "every day at 02:30",
        "<span>Fri 2026-01-02</span> <span>02:30:00 CET</span>",
        "<span>Fri 2026-01-02</span> <span>01:30:00</span>",
        "one run at a time, another one is refused",
        "50 ended runs are kept",
    ):
        assert part in page, part
    assert page.count(" CET</span>") == 10


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"schedule": None, "concurrencyPolicy": "Queue", "historyLimit": 7}, ["by hand", "others wait", "7 ended"]),
        ({"schedule": "0 61 * * * *"}, ["minute: &#39;61&#39; is out of range"]),
        ({"suspend": True}, ["It is suspended", "Suspended</span>", "Resume the schedule"]),
        ({"schedule": None, "settings": {"schedule": "0 0 1 * * *"}}, ["in settings.job"]),
        ({"schedule": None, "settings": {"schedule": HOSTILE}}, [SHOWN]),
    ],
)
async def test_other_schedules(one: Shim, visitor: Browser, spec: dict[str, Any], said: list[str]) -> None:
    await one.kube.patch("WebJob", "site", "hello", {"spec": spec})
    await one.caught_up()
    page = await text(visitor)
    for part in said:
        assert part in page, part


async def test_settings_of_the_site_count(one: Shim, visitor: Browser) -> None:
    settings = {"WEBJOBS_DISABLE_SCHEDULE": "1", "WEBJOBS_HISTORY_SIZE": "9"}
    await one.client().post("/api/settings", json=settings)
    page = await text(visitor)
    assert "keep its schedules from running" in page
    assert "9 ended runs are kept" in page


@pytest.mark.parametrize(("next_time", "told"), [("2026-01-01T13:00:00Z", True), ("2026-01-02T01:30:00Z", False)])
async def test_a_further_schedule_comes_before(one: Shim, visitor: Browser, next_time: str, told: bool) -> None:
    await say(one, "hello", nextRunTime=next_time)
    assert ("A WebJobSchedule runs it before them" in await text(visitor)) == told


async def test_conditions_in_plain_words(one: Shim, visitor: Browser) -> None:
    await say(one, "hello", conditions=[condition("Ready", "True"), condition("Scheduled", "Unknown", message=HOSTILE)])
    page = await text(visitor)
    for part in ("Ready to run", "Yes</span> All is well.", "Schedule in force", "Not known", SHOWN, "Fine, since"):
        assert part in page, part
    assert "<img" not in page


async def test_a_problem_comes_first_and_once(one: Shim, visitor: Browser) -> None:
    await say(one, "hello", conditions=[condition("Ready", "False", message="Nothing runs .xyz.", reason="NoRuntime")])
    page = await text(visitor)
    assert page.count("Nothing runs .xyz.") == 1
    assert "Needs attention" in page


async def test_what_runs(one: Shim, visitor: Browser) -> None:
    assert "Nothing is known of it yet." in await text(visitor)
    program = {"file": HOSTILE, "host": "WindowsScriptHost", "image": "own:1", "why": "A batch file.", "notes": ["No."]}
    await say(one, "hello", program=program | {"runtime": "sh", "version": "5", "script": "hello-script"})
    page = await text(visitor)
    for part in (SHOWN, "WindowsScriptHost", "sh 5", "own:1", "A batch file.", "<dd>No.</dd>"):
        assert part in page, part
    assert 'href="/api/triggeredwebjobs/hello/script"' in page


async def test_the_image_of_a_job_without_a_script(one: Shim, visitor: Browser) -> None:
    await one.kube.patch("WebJob", "site", "hello", {"spec": {"image": "shop:<1>", "script": None}})
    await one.caught_up()
    assert "<code>shop:&lt;1&gt;</code>" in await text(visitor)


async def test_commands_and_links(one: Shim, visitor: Browser) -> None:
    one.kube.add(webjob_body({"jobName": "it's &c"}, name="odd"))
    one.set_status("WebJob", "hello", schedulerLogPath="a")
    await one.caught_up()
    page = await text(visitor, "/ui/jobs/triggered/it%27s%20%26c")
    quoted = "&#39;it&#39;&#34;&#39;&#34;&#39;s &amp;c&#39;"
    for part in (
        "curl -u USER -X POST https://s/api/triggeredwebjobs/it%27s%20%26c/run",
        f"az webapp webjob triggered run --resource-group any --name webjobs --webjob-name {quoted}",
        f"kubectl webjob run {quoted} --namespace site",
        "kubectl get webjob odd --namespace site",
        'href="/api/vfs/data/jobs/triggered/it%27s%20%26c/"',
        'formaction="/ui/jobs/triggered/it%27s%20%26c/split"',
    ):
        assert part in page, part
    worker = await text(visitor, WORKER)
    assert "curl -u USER -X POST https://s/api/continuouswebjobs/worker/start" in worker
    assert 'href="/api/vfs/data/jobs/continuous/worker/job_log.txt"' in worker


async def test_the_run_that_goes_on(one: Shim, visitor: Browser) -> None:
    one.kube.add(run_of(RUN_ID, "Running"))
    await one.caught_up()
    page = await text(visitor)
    assert f'<a href="{JOB}/runs/{RUN_ID}">Run since' in page
    assert "No run has ended yet." in page
    assert f"External - {SHOWN}" in page
    assert "<img" not in page


async def test_instances(one: Shim, visitor: Browser) -> None:
    assert "None now." in await text(visitor, WORKER)
    instances = [{"id": "abc123", "pod": "worker-1", "status": "PendingRestart"}]
    await say(one, "worker", state="Running", readyReplicas=1, instances=instances)
    page = await text(visitor, WORKER)
    for part in ("1 of 2 ready", "Pending restart", "<code>abc123</code>", "<code>worker-1</code>", 'value="2"'):
        assert part in page, part


async def test_the_log_of_a_continuous_job(one: Shim, visitor: Browser) -> None:
    assert "Nothing has been written yet." in await text(visitor, WORKER)
    meta: dict[str, Any] = {
        "name": "worker-1",
        "uid": "u",
        "creationTimestamp": SINCE,
        "labels": {"webjobs.dev/webjob": "worker"},
    }
    state = {"name": "job", "state": {"running": {"startedAt": SINCE}}}
    one.kube.add(pod(**meta) | {"apiVersion": "v1", "status": {"containerStatuses": [state]}})
    lines = [f"2026-01-01T00:00:{n // 60:02}.{n:09}Z line {n} <b>\u202e" for n in range(400)]
    one.kube.logs["site", "worker-1", False] = lines
    await one.client().post("/api/settings", json={"WEBJOBS_CONTINUOUS_LOG_LINES": "1000"})
    page = await text(visitor, WORKER)
    assert "newest 200 lines" in page
    assert "line 399 &lt;b&gt;⌈U+202E⌉" in page
    assert "line 199 " not in page


async def test_a_log_that_can_not_be_read_breaks_no_page(one: Shim, visitor: Browser) -> None:
    one.kube.fail(Unreachable("no answer"), verb="list", kind="Pod", times=9)
    page = await text(visitor, WORKER)
    assert "The log can't be shown. The Kubernetes API did not do it" in page


async def test_a_reader_sees_all_of_it_and_no_buttons(one: Shim, visitor: Browser) -> None:
    one.kube.add(run_of(RUN_ID, "Success", endTime="2026-01-01T12:00:09Z", exitCode=0))
    await one.caught_up()
    reader = browser(one)
    await reader.log_in(READER, READ_PASSWORD)
    for address in (JOB, WORKER):
        page = await text(reader, address)
        main = page[page.index("<main") : page.index("</main>")]
        for part in ("<button", "<form", "/edit", "<input"):
            assert part not in main, part
    assert RUN_ID in await text(reader)
    assert "Nothing has been written yet." in await text(reader, WORKER)
    assert (await reader.client.get(f"{JOB}/edit")).status_code == 403, "settings can hold secrets"
    assert (await reader.client.get(f"{JOB}/preview")).status_code == 403


async def test_who_may_not_see_runs(one: Shim, visitor: Browser) -> None:
    one.kube.users["good"] = "ann"
    one.kube.rights |= {("ann", "site", "get", "webjobs"), ("ann", "site", "list", "webjobs")}
    one.kube.add(run_of(RUN_ID, "Failed", endTime="2026-01-01T12:00:09Z"))
    await one.caught_up()
    ann = browser(one)
    await ann.client.post("/ui/login", data={"token": "good"})
    page = await text(ann)
    assert "may not see the history" in page
    assert "External - " not in page


async def stream(one: Shim, visitor: Browser, address: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The events of an open page while the caller's block runs."""
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 0.05)
    monkeypatch.setattr(live, "SETTLE_SECONDS", 0.0)
    page = await text(visitor, address)
    found = re.search(r'hx-sse:connect="([^"]*)"', page)
    assert found
    task = asyncio.create_task(visitor.client.get(found[1].replace("&amp;", "&")))
    await asyncio.sleep(0.02)
    one.kube.calls.clear()
    return task


async def end(one: Shim, task: Any) -> str:
    """What came, up to when the visitor may not see the page any more."""
    await asyncio.sleep(0.1)
    reads = [call for call in one.kube.calls if call.verb in ("get", "list") and call.kind != "Secret"]
    (one.directory / "password").write_text("another password, and a long one")
    answer = (await task).text
    assert not reads, "an open page costs no request to the API server"
    return str(answer)


async def test_an_open_page_gets_what_changes(one: Shim, visitor: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    task = await stream(one, visitor, JOB, monkeypatch)
    one.kube.add(run_of(RUN_ID, "Running"))
    await asyncio.sleep(0.1)
    events = await end(one, task)
    assert 'hx-target="#job-head"' in events
    assert 'hx-target="#runs"' in events
    assert f'<tr id="run-{RUN_ID}">' in events
    assert "job-program" not in events, "it has not changed"


async def test_an_open_page_hears_that_its_job_is_gone(
    one: Shim, visitor: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = await stream(one, visitor, WORKER, monkeypatch)
    await one.kube.delete("WebJob", "site", "worker")
    await asyncio.sleep(0.1)
    (one.directory / "password").write_text("another password, and a long one")
    assert "This job is not there any more" in (await task).text
