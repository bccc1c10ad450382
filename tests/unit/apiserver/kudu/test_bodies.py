"""Whole objects, byte for byte (docs/kudu-contract.md, section 2)."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from tests.fakes.objects import run, webjob_body
from tests.fakes.shim import START
from webjobs.model import WebJob, WebJobRun
from webjobs_apiserver.http.responses import dump
from webjobs_apiserver.kudu import bodies
from webjobs_apiserver.service.jobs import Job

BASE = "https://S"


def job(spec: dict[str, Any] | None = None, *, name: str = "job1", **more: Any) -> Job:
    raw = webjob_body(spec, name="job1", **more)
    return Job(name=name, webjob=WebJob.parse(raw), raw=raw)


CONTINUOUS = {"type": "continuous"}


def test_a_triggered_job_that_never_ran() -> None:
    body = bodies.triggered(job(), latest=None, base=BASE, now=START)
    assert dump(body).decode() == (
        '{"latest_run":null,"history_url":"https://S/api/triggeredwebjobs/job1/history","scheduler_logs_url":null,'
        '"name":"job1","run_command":"run.sh","url":"https://S/api/triggeredwebjobs/job1",'
        '"extra_info_url":"https://S/azurejobs/#/jobs/triggered/job1","type":"triggered","error":null,'
        '"using_sdk":false,"settings":{},"runCommand":"run.sh"}'
    )


def test_a_run_that_goes_on() -> None:
    body = bodies.run(_run(state="Running"), job_name="job1", base=BASE, now=START + timedelta(milliseconds=921))
    assert dump(body).decode() == (
        '{"id":"202601011200001234","name":"202601011200001234","status":"Running",'
        '"start_time":"2026-01-01T12:00:00.1234Z","end_time":"0001-01-01T00:00:00","duration":"00:00:00.9210000",'
        '"output_url":"https://S/vfs/data/jobs/triggered/job1/202601011200001234/output_log.txt","error_url":null,'
        '"url":"https://S/api/triggeredwebjobs/job1/history/202601011200001234","job_name":"job1",'
        '"trigger":"External - curl/8.5.0"}'
    )


def _run(**more: Any) -> WebJobRun:
    return run("job1-202601011200001234", spec={"webJobName": "job1", "trigger": "External - curl/8.5.0"}, **more)


@pytest.mark.parametrize(
    ("status", "state", "end", "duration"),
    [
        ({}, "Initializing", "0001-01-01T00:00:00", "1.00:00:00"),
        (
            {"state": "Success", "endTime": "2026-01-01T12:00:01.1234Z"},
            "Success",
            "2026-01-01T12:00:01.1234Z",
            "00:00:01",
        ),
        ({"state": "Aborted"}, "Aborted", "0001-01-01T00:00:00", "1.00:00:00"),
        # an end before the end is none
        ({"state": "Running", "endTime": "2026-01-01T12:00:01Z"}, "Running", "0001-01-01T00:00:00", "1.00:00:00"),
        ({"state": "Failed", "endTime": "2026-01-01T11:00:00Z"}, "Failed", "2026-01-01T11:00:00Z", "00:00:00"),
    ],
)
def test_end_and_duration(status: dict[str, Any], state: str, end: str, duration: str) -> None:
    body = bodies.run(_run(status=status), job_name="job1", base=BASE, now=START + timedelta(days=1))
    assert (body["status"], body["end_time"], body["duration"]) == (state, end, duration)


def test_a_continuous_job_that_is_new() -> None:
    body = bodies.continuous(job(CONTINUOUS | {"settings": {"is_singleton": True}}), base=BASE)
    assert dump(body).decode() == (
        '{"status":"Initializing","detailed_status":"uidjob - Initializing",'
        '"log_url":"https://S/vfs/data/jobs/continuous/job1/job_log.txt","name":"job1","run_command":"run.sh",'
        '"url":"https://S/api/continuouswebjobs/job1","extra_info_url":"https://S/azurejobs/#/jobs/continuous/job1",'
        '"type":"continuous","error":null,"using_sdk":false,"settings":{"is_singleton":true},"runCommand":"run.sh"}'
    )


def _instances(*words: str) -> list[dict[str, str]]:
    return [{"id": f"abc12{at}", "pod": f"pod-{at}", "status": word} for at, word in enumerate(words)]


@pytest.mark.parametrize(
    ("stopped", "status", "one", "detailed"),
    [
        (False, {"state": "Running", "instances": _instances("Running")}, "Running", "abc120 - Running\r\n"),
        (
            False,
            {"instances": _instances("Running", "PendingRestart", "InactiveInstance")},
            "PendingRestart",
            "abc120 - Running\r\nabc121 - PendingRestart\r\nabc122 - InactiveInstance\r\n",
        ),
        (False, {"instances": _instances("InactiveInstance")}, "InactiveInstance", "abc120 - InactiveInstance\r\n"),
        (True, {"state": "Stopped", "observedGeneration": 1}, "Stopped", "uidjob - Stopped\r\n"),
        (True, {"state": "Running", "observedGeneration": 0}, "Disabling", "uidjob - Disabling\r\n"),
    ],
)
def test_statuses_of_a_continuous_job(stopped: bool, status: dict[str, Any], one: str, detailed: str) -> None:
    body = bodies.continuous(job(CONTINUOUS | {"stopped": stopped}, status=status), base=BASE)
    assert (body["status"], body["detailed_status"]) == (one, detailed)


@pytest.mark.parametrize(
    ("spec", "command"),
    [
        ({"package": {"digest": "sha256:" + "0" * 64, "entrypoint": "in/run.py", "size": 1, "files": 1}}, "in/run.py"),
        ({"image": "tool:1", "command": ["tool", "--all"]}, "tool --all"),
        ({"image": "tool:1"}, "tool:1"),
    ],
)
def test_run_command(spec: dict[str, Any], command: str) -> None:
    assert bodies.triggered(job({"script": None} | spec), latest=None, base=BASE, now=START)["run_command"] == command


def test_names_are_unescaped_in_bodies_and_escaped_in_location() -> None:
    body = bodies.triggered(job(name="Jöb #1 (x)"), latest=None, base=BASE, now=START)
    assert body["url"] == "https://S/api/triggeredwebjobs/Jöb #1 (x)"
    assert b"J\xc3\xb6b" in dump(body)
    where = bodies.location(BASE, job_name="Jöb #1 (x)", run_id="1")
    assert where == "https://S/api/triggeredwebjobs/J%C3%B6b%20%231%20(x)/history/1"


def test_list_etag_moves_with_what_counts() -> None:
    one = bodies.triggered(job(), latest=None, base=BASE, now=START)
    same = bodies.triggered(job({"settings": {"x": 1}}), latest=None, base="http://other", now=START)
    ran = bodies.triggered(job(), latest=_run(state="Running"), base=BASE, now=START)
    assert bodies.moving(one) == bodies.moving(same) != bodies.moving(ran)


def test_history_etag_is_of_the_newest_run() -> None:
    empty = bodies.history([], job_name="job1", base=BASE, now=START)
    one = bodies.history([_run(state="Running")], job_name="job1", base=BASE, now=START)
    two = bodies.history([_run(state="Running"), _run(state="Failed")], job_name="job1", base=BASE, now=START)
    tags = [bodies.history_etag(body, job_name="job1") for body in (empty, one, two)]
    assert tags[0].count("-") == 1
    assert tags[1] == tags[2] != tags[0]
    assert tags[1].count("-") == 2
    assert all(re.fullmatch("[0-9a-f]{16}", part) for tag in tags for part in tag.split("-"))
    same_crc = [bodies.history_etag(empty, job_name=name) for name in ("plumless", "buckeroo")]
    assert same_crc[0] != same_crc[1]


def test_half_a_surrogate_pair_is_no_error() -> None:
    assert dump({"a": "\ud800"}) == b'{"a":"?"}'
