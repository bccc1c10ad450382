"""The page of a run: what it tells, to whom it offers what, and what its forms do."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import obstore
import pytest

from tests.fakes.objects import JOB_UID, KEPT_BACK, kept_back, run, run_body, webjob_body
from tests.fakes.shim import RUN_ID, Shim, shim
from tests.fakes.visitor import Browser
from webjobs.store import run_logs, run_records, stored_run
from webjobs_apiserver.ui import live
from webjobs_apiserver.ui.runs.run_view import RunView, exit_words

PAGE = f"/ui/jobs/triggered/job/runs/{RUN_ID}"
OBJECT = f"job-{RUN_ID}"
READER, READ_PASSWORD = "reader", "a password to read with"
BY = {"webjobs.dev/requested-by": "account:ann"}
ENDED: dict[str, Any] = {
    "state": "Failed",
    "exitCode": 137,
    "message": "OOMKilled: it <took> too much.",
    "processStartTime": "2026-01-01T12:00:05Z",
    "endTime": "2026-01-01T13:00:05Z",
}


@pytest.fixture
def one() -> Iterator[Shim]:
    with shim() as made:
        (made.directory / "readonlyUsername").write_text(READER)
        (made.directory / "readonlyPassword").write_text(READ_PASSWORD)
        made.kube.add(webjob_body(name="job"))
        spec = {"arguments": '--name "a b" <c>', "trigger": "Schedule - 0 * * * * *"}
        made.kube.add(run_body(OBJECT, spec=spec, status={"jobUID": JOB_UID}, annotations=BY))
        yield made


async def said(one: Shim, **status: Any) -> None:
    """The operator writes a status."""
    await one.kube.patch("WebJobRun", "site", OBJECT, {"status": status}, subresource="status")
    await one.caught_up()


async def test_what_a_run_tells(one: Shim, visitor: Browser) -> None:
    await said(one, **ENDED)
    page = (await visitor.client.get(PAGE)).text
    for text in (
        "Failed",
        "Schedule - 0 * * * * *",
        "account:ann",
        "137: ended by the signal SIGKILL",
        "OOMKilled: it &lt;took&gt; too much.",
        "--name &#34;a b&#34; &lt;c&gt;",
        "<li><code>a b</code></li>",
        "after 1 h",
        f'href="/api/triggeredwebjobs/job/history/{RUN_ID}"',
        f'href="/api/vfs/data/jobs/triggered/job/{RUN_ID}/output_log.txt"',
        f'href="{PAGE}/output_log.txt"',
        'href="/ui/jobs/triggered/job"',
    ):
        assert text in page
    assert "stderr alone" not in page
    assert "hx-sse:connect" not in page, "nothing comes any more"


@pytest.mark.parametrize(
    ("status", "text"),
    [
        ({}, "It waits for its turn"),
        ({"state": "Initializing", **kept_back("ImagePullBackOff")}, KEPT_BACK),
        ({"state": "Running", "processStartTime": "2026-01-01T12:00:05Z"}, "Running"),
    ],
)
async def test_a_run_that_goes_on(one: Shim, visitor: Browser, status: dict[str, Any], text: str) -> None:
    await said(one, **status)
    page = (await visitor.client.get(PAGE)).text
    assert text in page
    assert f'hx-sse:connect="{PAGE}/live?seen=' in page
    assert f'formaction="{PAGE}/cancel"' in page
    assert "Run again" not in page


async def test_run_again(one: Shim, visitor: Browser) -> None:
    await said(one, **ENDED)
    page = (await visitor.client.get(PAGE)).text
    again = re.search(
        r'<button form="acts" formaction="/ui/jobs/triggered/job/run" name="arguments" value="(.*?)">', page
    )
    assert again
    assert again[1] == "--name &#34;a b&#34; &lt;c&gt;"
    assert 'href="/ui/jobs/triggered/job?arguments=--name+%22a+b%22+%3Cc%3E#run"' in page
    assert "/cancel" not in page


async def test_arguments_that_are_too_long_for_an_address(one: Shim, visitor: Browser) -> None:
    page = f"/ui/jobs/triggered/job/runs/{RUN_ID[:-1]}9"
    await one.kube.create(run_body(OBJECT[:-1] + "9", spec={"arguments": "x" * 60_000}))
    await one.kube.patch("WebJobRun", "site", OBJECT[:-1] + "9", {"status": ENDED}, subresource="status")
    await one.caught_up()
    text = (await visitor.client.get(page)).text
    assert f'value="{"x" * 60_000}"' in text
    assert 'href="/ui/jobs/triggered/job#run"' in text


async def test_cancel(one: Shim, visitor: Browser) -> None:
    answer = await visitor.send(f"{PAGE}/cancel")
    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
    there = one.kube.objects[("WebJobRun", "site", OBJECT)]
    assert there["spec"]["cancel"] is True
    assert there["metadata"]["annotations"]["webjobs.dev/cancelled-by"] == "account:user"
    page = (await visitor.client.get(PAGE)).text
    assert "account:user asked for its end" in page
    assert "Stopping" in page
    assert f"{PAGE}/cancel" not in page, "once is enough"


async def test_a_run_that_has_ended_is_not_cancelled(one: Shim, visitor: Browser) -> None:
    await said(one, **ENDED)
    answer = await visitor.send(f"{PAGE}/cancel")
    assert (answer.status_code, "has ended already: Failed" in answer.text) == (409, True)


@pytest.mark.parametrize("status", [{}, ENDED])
async def test_a_reader_reads(one: Shim, reader: Browser, status: dict[str, Any]) -> None:
    if status:
        await said(one, **status)
    page = await reader.client.get(PAGE)
    assert page.status_code == 200
    assert "formaction" not in page.text
    assert "Run again" not in page.text
    for path in ("/log", "/log/part", "/output_log.txt"):
        assert (await reader.client.get(PAGE + path)).status_code == 200
    refused = await reader.send(f"{PAGE}/cancel")
    assert (refused.status_code, "may only read" in refused.text) == (403, True)
    assert "cancel" not in one.kube.objects[("WebJobRun", "site", OBJECT)]["spec"]


async def test_a_run_that_is_not_there(one: Shim, visitor: Browser) -> None:
    token = await visitor.token()
    for name, run_id in (("job", "202601011200001235"), ("job", "x"), ("job", "..%2f.."), ("other", RUN_ID)):
        page = f"/ui/jobs/triggered/{name}/runs/{run_id}"
        for path in ("", "/log", "/log/part", "/log/live", "/live", "/output_log.txt", "/error_log.txt"):
            answer = await visitor.client.get(page + path)
            assert answer.status_code == 404, path
        assert (await visitor.client.post(f"{page}/cancel", data={"csrf": token})).status_code == 404
    assert "not there" in (await visitor.client.get(page)).text


async def test_a_run_that_is_only_in_the_store(one: Shim, visitor: Browser) -> None:
    run_id = "202501010000000000"
    key = run_records.key(namespace="site", webjob="job", run_id=run_id)
    log_key = run_logs.run_log_key(namespace="site", webjob="job", run_id=run_id)
    spec = {"trigger": "External - me", "arguments": "old"}
    status = {"state": "Success", "endTime": "2025-01-01T00:00:09Z", "logPath": log_key, "exitCode": 0}
    model = run(f"job-{run_id}", spec=spec, status=status)
    obstore.put(one.store, key, stored_run.to_json(model, owner="uid-job"))
    obstore.put(one.store, log_key, b"[01/01/2025 00:00:01 > abc123: INFO] of old\r\n")
    one.set_status("WebJob", "job", storedRuns={"newest": run_id, "limit": 50})
    await one.kube.patch("WebJob", "site", "job", {"metadata": {"labels": {"a": "b"}}})
    await one.caught_up()
    page = (await visitor.client.get(f"/ui/jobs/triggered/job/runs/{run_id}")).text
    for text in ("Success", "External - me", "of old", 'value="old"'):
        assert text in page


async def test_changes_come_by_themselves(one: Shim, visitor: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "SETTLE_SECONDS", 0.0)
    monkeypatch.setattr(live, "HEARTBEAT_SECONDS", 0.2)
    address = re.search(rf'"({PAGE}/live\?seen=[^"]*)"', (await visitor.client.get(PAGE)).text)
    assert address
    stream = asyncio.create_task(visitor.client.get(address[1]))
    await asyncio.sleep(0.1)
    await said(one, **ENDED)
    await asyncio.sleep(0.1)
    one.pass_time(hours=13)  # the session ends, and with it the stream
    events = (await asyncio.wait_for(stream, 10)).text
    for part in ("run-head", "run-acts", "run-facts"):
        assert events.count(f'hx-target="#{part}"') == 1
    assert "137" in events


def test_steps() -> None:
    status = {**ENDED, "endTime": "2026-01-01T12:00:15Z"}
    spec = {"scheduleTime": "2026-01-01T11:59:59Z"}
    steps = RunView.of(run(OBJECT, spec=spec, status=status), job_name="job").steps
    assert [step.name for step in steps] == ["Scheduled for", "Accepted", "Process started", "Ended"]
    assert [step.after for step in steps[2:]] == [timedelta(seconds=4.8766), timedelta(seconds=10)]


def test_arguments_that_hide_something() -> None:
    view = RunView.of(run(OBJECT, spec={"arguments": "a\u202e \x1b[31mb\x07"}), job_name="job")
    assert (view.shown, view.words) == ("a[U+202E] b\u2407", ("a[U+202E]", "b\u2407"))
    assert view.arguments == "a\u202e \x1b[31mb\x07", "the next run gets what this one got"


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (None, ""),
        (0, "0"),
        (1, "1"),
        (127, "127: a command was not found"),
        (143, "143: ended by the signal SIGTERM"),
        (128, "128"),
        (-1, "-1"),
        (999, "999"),
    ],
)
def test_exit_codes(code: int | None, text: str) -> None:
    assert exit_words(code) == text
