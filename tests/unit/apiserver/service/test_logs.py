"""Logs over HTTP, live and archived."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import obstore
import pytest

from tests.fakes.objects import JOB_UID, KEPT_BACK, kept_back, pod, run_body, webjob_body
from tests.fakes.shim import RUN_ID, Shim, shim
from webjobs.logs.continuous_story import Position
from webjobs.model.site.app_settings import SECRET
from webjobs.store import continuous_journal, scheduler_logs
from webjobs.store import run_logs as stored_logs
from webjobs_kube.errors import Unreachable

LOG = f"/vfs/data/jobs/triggered/job/{RUN_ID}/output_log.txt"
JOB_LOG = "/vfs/data/jobs/continuous/work/job_log.txt"


@pytest.fixture
def one() -> Any:
    with shim() as made:
        made.kube.add(webjob_body(name="job"))
        made.kube.add(run_body(f"job-{RUN_ID}", status={"jobUID": JOB_UID}))
        made.kube.add(webjob_body({"type": "continuous"}, name="work"))
        yield made


def _pod(name: str, created: str, *, job: str = "job", run: str | None = RUN_ID, **status: Any) -> dict[str, Any]:
    labels = {"webjobs.dev/webjob": job} | ({"webjobs.dev/run": run} if run else {})
    meta: dict[str, Any] = {"name": name, "uid": f"{name}-uid", "creationTimestamp": created}
    return pod(labels=labels, **meta) | {"apiVersion": "v1", "status": status}


def _container(**state: Any) -> dict[str, Any]:
    return {"containerStatuses": [{"name": "side", "state": {}}, {"name": "job", **state}]}


ACCEPTED = "[01/01/2026 12:00:00 > {id}: SYS INFO] Status changed to Initializing\r\n"


def _say(one: Shim, **status: Any) -> None:
    """What the status of the run says, beside its Job."""
    one.set_status("WebJobRun", f"job-{RUN_ID}", jobUID=JOB_UID, **status)


async def test_a_run_without_a_pod(client: httpx.AsyncClient) -> None:
    found = await client.get(LOG)
    assert (found.status_code, found.headers["content-type"]) == (200, "text/plain")
    assert found.text == ACCEPTED.format(id="uidjob")


async def test_a_pod_that_has_not_started(one: Shim, client: httpx.AsyncClient) -> None:
    one.kube.add(_pod("abc123", "2026-01-01T12:00:01Z", **_container(state={"waiting": {}})))
    assert (await client.get(LOG)).text == ACCEPTED.format(id="abc123")


async def test_a_run_that_goes_on(one: Shim, client: httpx.AsyncClient) -> None:
    state = {"running": {"startedAt": "2026-01-01T12:00:02Z"}}
    one.kube.add(_pod("abc123", "2026-01-01T12:00:01Z", phase="Running", **_container(state=state)))
    # Schedules of two jobs can give the same run id.
    one.kube.add(_pod("other", "2026-01-01T12:00:09Z", job="other"))
    one.kube.logs[("site", "abc123", False)] = [
        "2026-01-01T12:00:03.123456789Z hello",
        "2026-01-01T13:00:04.1+01:00 né\r",
        "2026-01-01T12:00:05Z ",
        "no stamp",
    ]
    text = (
        ACCEPTED
        + "[01/01/2026 12:00:02 > {id}: SYS INFO] Run script 'run.sh' with script host - 'BashScriptHost'\r\n"
        + "[01/01/2026 12:00:02 > {id}: SYS INFO] Status changed to Running\r\n"
        + "[01/01/2026 12:00:03 > {id}: INFO] hello\r\n"
        + "[01/01/2026 12:00:04 > {id}: INFO] né\r\n"
        + "[01/01/2026 12:00:05 > {id}: INFO] \r\n"
        + "[01/01/1970 00:00:00 > {id}: INFO] no stamp\r\n"
    ).format(id="abc123")
    for path in (LOG, "/api" + LOG, LOG.upper().replace("/JOB/", "/job/")):
        assert (await client.get(path)).text == text
    head = await client.head(LOG)
    assert (head.status_code, head.headers["content-type"], head.content) == (200, "text/plain", b"")


async def test_a_run_that_ended_and_is_not_archived(one: Shim, client: httpx.AsyncClient) -> None:
    one.set_status(
        "WebJobRun",
        f"job-{RUN_ID}",
        state="Failed",
        exitCode=3,
        processStartTime="2026-01-01T12:00:02Z",
        endTime="2026-01-01T12:00:09Z",
    )
    for name, created in (("second", "2026-01-01T12:00:05Z"), ("first", "2026-01-01T12:00:01Z")):
        one.kube.add(_pod(name, created))
        one.kube.logs[("site", name, False)] = [f"{created} {name}"]
    lines = [line.partition("] ")[2] for line in (await client.get(LOG)).text.split("\r\n")]
    assert lines[3:] == ["first", "second", "Status changed to Failed", "Job failed due to exit code 3", ""]


async def _archive(one: Shim, key: str, content: bytes) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield content

    await stored_logs.write(one.store, key, pieces())


async def test_an_archived_log(one: Shim, client: httpx.AsyncClient) -> None:
    key = stored_logs.run_log_key(namespace="site", webjob="job", run_id=RUN_ID)
    _say(one, state="Success", endTime="2026-01-01T12:00:09Z", logPath=key)
    await _archive(one, key, "archivé\r\n".encode())
    found = await client.get(LOG)
    assert (found.text, found.headers["content-length"]) == ("archivé\r\n", "10")
    head = await client.head(LOG)
    assert (head.content, head.headers["content-length"]) == (b"", "10")
    assert not [call for call in one.kube.calls if call.kind == "Pod"]


@pytest.mark.parametrize("path", ["other/data/x", "site/data/../../other/data/x", "site/packages/x", "/x", ""])
async def test_a_log_path_does_not_lead_elsewhere(one: Shim, client: httpx.AsyncClient, path: str) -> None:
    await _archive(one, "other/data/x", b"secret")
    await _archive(one, "site/packages/x", b"secret")
    _say(one, state="Success", endTime="2026-01-01T12:00:09Z", logPath=path)
    assert "secret" not in (await client.get(LOG)).text


async def test_a_lost_archive_falls_back(one: Shim, client: httpx.AsyncClient) -> None:
    one.set_status(
        "WebJobRun",
        f"job-{RUN_ID}",
        jobUID=JOB_UID,
        state="Success",
        endTime="2026-01-01T12:00:09Z",
        logPath="site/data/x",
    )
    assert "Status changed to Success" in (await client.get(LOG)).text


@pytest.mark.parametrize(
    "path",
    [
        "data/jobs/triggered/job/202601010000000000/output_log.txt",
        f"data/jobs/triggered/none/{RUN_ID}/output_log.txt",
        f"data/jobs/triggered/job/{RUN_ID}/error_log.txt",
        "data/jobs/continuous/none/job_log.txt",
        "data/jobs/continuous/job/job_log.txt",
        "data/jobs/continuous/work/job_log.txt",
        "data/jobs/continuous/work/status_abc123",
        "etc/passwd",
    ],
)
async def test_files_that_are_not_there(client: httpx.AsyncClient, path: str) -> None:
    found = await client.get(f"/api/vfs/{path}")
    assert (found.status_code, found.text) == (404, f'{{"Message":"\'/home/{path}\' not found."}}')


async def test_an_error_before_the_first_line_is_told(one: Shim, client: httpx.AsyncClient) -> None:
    one.kube.add(_pod("abc123", "2026-01-01T12:00:01Z"))
    one.kube.fail(Unreachable("x"), verb="log")
    assert (await client.get(LOG)).status_code == 503


LIVES: list[tuple[str, str]] = [
    ("12:00:01 > aaaaaa: SYS INFO", "Status changed to Starting"),
    ("12:00:01 > aaaaaa: SYS INFO", "WebJob singleton setting is False"),
    ("12:00:02 > aaaaaa: SYS INFO", "Run script 'run.sh' with script host - 'BashScriptHost'"),
    ("12:00:02 > aaaaaa: SYS INFO", "Status changed to Running"),
    ("12:00:02 > bbbbbb: SYS INFO", "Status changed to Starting"),
    ("12:00:02 > bbbbbb: SYS INFO", "WebJob singleton setting is False"),
    ("12:00:03 > aaaaaa: INFO", "before"),
    ("12:00:04 > aaaaaa: SYS ERR ", "Job failed due to exit code 7"),
    ("12:00:04 > aaaaaa: SYS INFO", "Process went down, waiting for 1 seconds"),
    ("12:00:04 > aaaaaa: SYS INFO", "Status changed to PendingRestart"),
    ("12:00:05 > aaaaaa: SYS INFO", "Run script 'run.sh' with script host - 'BashScriptHost'"),
    ("12:00:05 > aaaaaa: SYS INFO", "Status changed to Running"),
    ("12:00:06 > aaaaaa: INFO", "after"),
]
WHOLE = "".join(f"[01/01/2026 {head}] {text}\r\n" for head, text in LIVES)


def _worker(one: Shim) -> None:
    """Two instances of the continuous job: one in its second life, one that has not begun."""
    first = {"startedAt": "2026-01-01T12:00:02Z", "finishedAt": "2026-01-01T12:00:04Z", "exitCode": 7}
    restarted = _container(
        state={"running": {"startedAt": "2026-01-01T12:00:05Z"}}, lastState={"terminated": first}, restartCount=1
    )
    one.kube.add(
        _pod("aaaaaa", "2026-01-01T12:00:01Z", job="work", run=None, phase="Running", startTime=None, **restarted)
    )
    one.kube.add(_pod("bbbbbb", "2026-01-01T12:00:02Z", job="work", run=None, phase="Pending"))
    one.kube.logs[("site", "aaaaaa", True)] = ["2026-01-01T12:00:03Z before"]
    one.kube.logs[("site", "aaaaaa", False)] = ["2026-01-01T12:00:06Z after"]


async def test_a_continuous_job(one: Shim, client: httpx.AsyncClient) -> None:
    _worker(one)
    found = await client.get(JOB_LOG)
    assert (found.text, found.headers["content-length"]) == (WHOLE, str(len(WHOLE)))
    head = await client.head(JOB_LOG)
    assert (head.content, head.headers["content-length"]) == (b"", str(len(WHOLE)))
    part = await client.get(JOB_LOG, headers={"Range": "bytes=-7"})
    assert (part.status_code, part.text) == (206, "after\r\n")
    (entry,) = (await client.get("/vfs/data/jobs/continuous/work/")).json()
    assert (entry["name"], entry["size"], entry["mtime"]) == ("job_log.txt", len(WHOLE), "2026-01-01T12:00:06+00:00")
    await client.post("/api/settings", json={"WEBJOBS_CONTINUOUS_LOG_LINES": "0"})
    assert (await client.get(JOB_LOG)).text == WHOLE


@pytest.mark.parametrize("lines", [0, 2, 4, 6, 7, 8, 10, 12, 13])
async def test_what_is_stored_and_what_comes_after_it(one: Shim, client: httpx.AsyncClient, lines: int) -> None:
    """Wherever the store ends, no line is missing and none is there twice."""
    _worker(one)
    uids = {"aaaaaa": "aaaaaa-uid", "bbbbbb": "bbbbbb-uid"}
    positions = {
        uids[head[11:17]]: position for (head, _), position in zip(LIVES[:lines], _POSITIONS[:lines], strict=True)
    }
    stored = "".join(f"[01/01/2026 {head}] {text}\r\n" for head, text in LIVES[:lines])
    await _store(one, stored.encode(), positions)
    found = await client.get(JOB_LOG)
    assert sorted(found.text.split("\r\n")) == sorted(WHOLE.split("\r\n"))
    for instance in uids:
        own = [line for line in found.text.split("\r\n") if instance in line]
        assert own == [line for line in WHOLE.split("\r\n") if instance in line]
    for start, end in ((0, 5), (len(stored) - 3, len(stored) + 3), (len(stored), len(stored) + 1)):
        if 0 <= start < end <= len(WHOLE):
            part = await client.get(JOB_LOG, headers={"Range": f"bytes={start}-{end - 1}"})
            assert part.content == found.content[start:end]


_BEGUN = Position(stage="begun")
_FIRST = Position(stage="running", process="#0")
_SECOND = Position(stage="running", process="#1")
_POSITIONS = [
    *[_BEGUN] * 2,
    *[_FIRST] * 2,
    *[_BEGUN] * 2,
    replace(_FIRST, lines=1, out=(("2026-01-01T12:00:03Z", 1),)),
    replace(_FIRST, stage="down", lines=1),
    *[replace(_FIRST, stage="waiting", lines=1)] * 2,
    *[_SECOND] * 2,
    replace(_SECOND, lines=1, out=(("2026-01-01T12:00:06Z", 1),)),
]
"""After each of the lines."""


async def _store(one: Shim, text: bytes, positions: Mapping[str, Position], *, owner: str = "uid-work") -> None:
    journal = await continuous_journal.read(one.store, namespace="site", webjob="work", owner=owner)
    await continuous_journal.append(one.store, journal, namespace="site", webjob="work", text=text, positions=positions)


async def test_the_log_of_a_stopped_job(one: Shim, client: httpx.AsyncClient) -> None:
    await _store(one, b"x" * 2**16 + b"said\r\n", {"gone": Position(stage="stopped")})
    await _store(one, b"more\r\n", {})
    found = await client.get(JOB_LOG)
    assert found.content[2**16 :] == b"said\r\nmore\r\n"
    same = await client.get(JOB_LOG, headers={"If-None-Match": found.headers["etag"]})
    assert same.status_code == 304
    assert (await client.get(JOB_LOG.replace("job_log", "job_prev_log"))).status_code == 404
    part = await client.get(JOB_LOG, headers={"Range": f"bytes={2**16 - 1}-{2**16 + 6}"})
    assert part.content == b"xsaid\r\nm"
    await _store(one, b"y" * 2**20, {})
    await _store(one, b"new\r\n", {})
    assert (await client.get(JOB_LOG)).content == b"new\r\n"
    previous = await client.get("/api" + JOB_LOG.replace("job_log", "job_PREV_log"))
    assert (previous.content[-1:], previous.headers["content-length"]) == (b"y", str(2**20 + 2**16 + 12))
    entries = (await client.get("/vfs/data/jobs/continuous/work/")).json()
    assert [(entry["name"], entry["size"]) for entry in entries] == [
        ("job_log.txt", 5),
        ("job_prev_log.txt", 2**20 + 2**16 + 12),
    ]


async def test_a_job_made_anew_does_not_show_the_log_of_the_old_one(one: Shim, client: httpx.AsyncClient) -> None:
    await _store(one, b"x" * 2**21, {}, owner="older")
    await _store(one, b"secret\r\n", {}, owner="older")
    for file in (JOB_LOG, JOB_LOG.replace("job_log", "job_prev_log")):
        assert (await client.get(file)).status_code == 404
    assert (await client.get("/vfs/data/jobs/continuous/work/")).json() == []


async def test_a_node_that_does_not_answer(one: Shim, client: httpx.AsyncClient) -> None:
    _worker(one)
    one.kube.fail(Unreachable("x"), verb="log", times=2)
    assert (await client.get(JOB_LOG)).status_code == 503
    await _store(one, b"stored\r\n", {})
    assert (await client.get(JOB_LOG)).text.startswith("stored\r\n"), "what is stored is there all the same"


async def test_a_continuous_job_that_waits_for_its_restart(one: Shim, client: httpx.AsyncClient) -> None:
    ended = {"startedAt": "2026-01-01T12:00:02Z", "finishedAt": "2026-01-01T12:00:04Z", "exitCode": 0}
    told = {"reason": "CrashLoopBackOff", "message": "back-off 1m20s restarting failed container=job pod=x"}
    waiting = _container(state={"waiting": told}, lastState={"terminated": ended})
    one.kube.add(_pod("aaaaaa", "2026-01-01T12:00:01Z", job="work", run=None, phase="Running", **waiting))
    lines = [line.partition("] ")[2] for line in (await client.get(JOB_LOG)).text.split("\r\n")]
    assert lines[3:] == [
        "Status changed to Running",
        "Status changed to Success",
        "Process went down, waiting for 80 seconds",
        "Status changed to PendingRestart",
        "",
    ]


@pytest.mark.parametrize(
    ("settings", "spec"),
    [({"WEBJOBS_RESTART_TIME": "60"}, {}), ({}, {"restartDelaySeconds": 60}), ({}, {"package": True})],
    ids=["site", "job", "uploaded"],
)
async def test_a_shell_that_waits_before_it_starts_the_process_again(
    one: Shim, client: httpx.AsyncClient, settings: dict[str, str], spec: dict[str, Any]
) -> None:
    """Its container is up already: that is not the start of a process, whoever says how long it waits."""
    if spec.pop("package", None):
        spec = {
            "script": None,
            "package": {"digest": "sha256:" + "0" * 64, "size": 1, "files": 1, "entrypoint": "run.sh"},
        }
    if settings:
        one.kube.add(
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": SECRET, "namespace": "site"},
                "data": {name: b64encode(value.encode()).decode() for name, value in settings.items()},
            }
        )
    one.kube.add(webjob_body({"type": "continuous"} | spec, name="waits"))
    ended = {"startedAt": "2026-01-01T11:59:50Z", "finishedAt": "2026-01-01T11:59:55Z", "exitCode": 0}
    up = _container(
        state={"running": {"startedAt": "2026-01-01T11:59:56Z"}}, lastState={"terminated": ended}, restartCount=1
    )
    one.kube.add(_pod("aaaaaa", "2026-01-01T11:59:49Z", job="waits", run=None, phase="Running", **up))
    url = JOB_LOG.replace("continuous/work", "continuous/waits")

    async def states() -> list[str]:
        lines = [line.partition("] ")[2] for line in (await client.get(url)).text.split("\r\n")]
        return [line.removeprefix("Status changed to ") for line in lines if line.startswith("Status changed to ")]

    assert await states() == ["Starting", "Running", "Success", "PendingRestart"]
    one.now += timedelta(seconds=70)
    assert await states() == ["Starting", "Running", "Success", "PendingRestart", "Running"]


async def test_a_run_that_is_kept_back_says_why(one: Shim, client: httpx.AsyncClient) -> None:
    _say(one, state="Initializing", **kept_back("Unschedulable"))
    told = f"[01/01/2026 00:00:00 > uidjob: SYS WARN] The run does not begin yet. {KEPT_BACK}\r\n"
    assert (await client.get(LOG)).text == ACCEPTED.format(id="uidjob") + told


async def test_the_log_of_a_schedule(one: Shim, client: httpx.AsyncClient) -> None:
    url = "/vfs/data/jobs/triggered/job/job_scheduler.log"
    assert (await client.get("/api/triggeredwebjobs/job")).json()["scheduler_logs_url"] is None
    assert (await client.get(url)).status_code == 404
    key = scheduler_logs.key(namespace="site", webjob="job")
    one.set_status("WebJob", "job", schedulerLogPath=key)
    assert (await client.get(url)).status_code == 404, "the file comes a moment later"
    await scheduler_logs.append(one.store, namespace="site", webjob="job", text=b"said\r\n")
    body = (await client.get("/api/triggeredwebjobs/job")).json()
    assert body["scheduler_logs_url"].endswith(url)
    for path in (url, "/api" + url, url.replace("job_s", "JOB_S")):
        found = await client.get(path)
        assert (found.status_code, found.content) == (200, b"said\r\n")
    entries = (await client.get("/vfs/data/jobs/triggered/job/")).json()
    assert [(one["name"], one["size"]) for one in entries if one["mime"] != "inode/directory"] == [
        ("job_scheduler.log", 6)
    ]
    assert (await client.get(url.replace("triggered/job", "triggered/work"))).status_code == 404


@pytest.mark.parametrize(
    ("now", "expected"), [(b"said\r\nand more\r\n", (200, b"said\r\n")), (b"new\r\n", (404, None)), (None, (404, None))]
)
async def test_a_log_that_changes_while_it_is_answered(
    one: Shim,
    client: httpx.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
    now: bytes | None,
    expected: tuple[int, bytes | None],
) -> None:
    """Content-Length was told by then: as much is sent, or nothing where the log began anew."""
    key, head = scheduler_logs.key(namespace="site", webjob="job"), stored_logs.head
    one.set_status("WebJob", "job", schedulerLogPath=key)
    await obstore.put_async(one.store, key, b"said\r\n")

    async def changing(*arguments: Any) -> Any:
        found = await head(*arguments)
        await (obstore.put_async(one.store, key, now) if now else obstore.delete_async(one.store, key))
        return found

    monkeypatch.setattr(stored_logs, "head", changing)
    found = await client.get("/vfs/data/jobs/triggered/job/job_scheduler.log")
    status, content = expected
    assert found.status_code == status
    assert content in (None, found.content)


async def test_the_log_of_stderr(one: Shim, client: httpx.AsyncClient) -> None:
    key = f"site/data/jobs/triggered/job/{RUN_ID}/error_log.txt"
    await _archive(one, key, b"oops\r\n")
    url = LOG.replace("output_log", "error_log")
    assert (await client.get(url)).status_code == 404, "nothing says that it is there"
    _say(one, state="Failed", endTime="2026-01-01T12:00:09Z", errorLogPath=key)
    run = (await client.get(f"/api/triggeredwebjobs/job/history/{RUN_ID}")).json()
    assert run["error_url"].endswith(url)
    assert (await client.get(url)).content == b"oops\r\n"
    assert [entry["name"] for entry in (await client.get(LOG.rpartition("/")[0] + "/")).json()] == [
        "error_log.txt",
        "output_log.txt",
        "status",
    ]
    one.set_status(
        "WebJobRun", f"job-{RUN_ID}", state="Failed", endTime="2026-01-01T12:00:09Z", errorLogPath="other/data/x"
    )
    assert (await client.get(url)).content == b"oops\r\n", "the place follows from the name, not from the status"
