"""One object that nobody can read, or run, takes no other along: lists stay, neighbours run, and it says why."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.security.attacker import restarts, write_status
from tests.site import Site, eventually, shell

TRIGGERED: dict[str, Any] = {"type": "triggered", **shell("echo fine")}
BIG = "x" * 200_000


def _template(**pod: Any) -> dict[str, Any]:
    return {"podTemplate": {"spec": pod}}


SPECS: dict[str, dict[str, Any]] = {
    "containers-are-a-text": _template(containers="none"),
    "containers-are-numbers": _template(containers=[1, None, {"name": 5}]),
    "volumes-are-an-object": _template(volumes={"a": "b"}),
    "an-unknown-field": _template(nonsense={"deep": {"er": []}}),
    "labels-are-a-list": {"podTemplate": {"metadata": {"labels": ["a"]}}},
    "the-spec-is-a-number": {"podTemplate": {"spec": 5}},
    "security-is-a-text": _template(securityContext="root"),
    "huge-numbers": _template(terminationGracePeriodSeconds=2**62, activeDeadlineSeconds=2**62),
    "a-node-selector-of-numbers": _template(nodeSelector={"a": 1}),
    "settings-of-odd-types": {"settings": {"schedule": {"a": 1}, "is_singleton": "yes", "stopping_wait_time": 1e300}},
    "settings-cpu": {"settings": {"cpu": "-5", "memory": "1e99Zi", "warm": 10**30, "command": [None]}},
    "settings-image": {"settings": {"image": "../..\n", "command": "'"}},
    "a-zone-that-is-none": {"schedule": "0 0 0 * * *", "timeZone": "Mars/Olympus"},
    "a-schedule-that-never-fires": {"schedule": "0 0 0 31 2 *"},
    "a-package-that-is-not-there": {
        "script": None,
        "package": {"digest": "sha256:" + "0" * 64, "entrypoint": "run.sh", "size": 2**60, "files": 2**30},
    },
    "resources": {"resources": {"requests": {"cpu": "10E", "memory": "9Ei"}}},
    "resources-of-nonsense": {"resources": {"requests": {"cpu": "many"}, "limits": {"memory": "-1"}}},
    "environment": {"env": [{"name": "A=B", "value": "x"}, {"name": "WEBJOBS_NAME", "value": "y"}]},
    "an-environment-from-nowhere": {"envFrom": [{"secretRef": {"name": "Not A Name!"}}]},
}


@pytest.fixture(scope="module")
def neighbour(site: Site) -> Iterator[str]:
    """A job that has done nothing."""
    site.put_script("neighbour", "echo fine\n")
    yield "neighbour"
    site.http.delete("/api/triggeredwebjobs/neighbour")
    site.kubectl("delete", "wj", "-l", "poison=true")


def applied(site: Site, name: str, spec: dict[str, Any], **metadata: Any) -> bool:
    """Whether the API server took a WebJob; what it refuses poisons nobody."""
    meta = {"name": name, "labels": {"poison": "true"}} | metadata
    body = {"apiVersion": "webjobs.dev/v1", "kind": "WebJob", "metadata": meta, "spec": spec}
    try:
        site.kubectl("create", "-f", "-", stdin=json.dumps(body))
    except subprocess.CalledProcessError:
        return False
    return True


def well(site: Site, neighbour: str) -> None:
    """All lists answer, and another job runs at once."""
    for path in ("/api/webjobs", "/api/triggeredwebjobs", "/api/continuouswebjobs", "/api/triggeredwebjobsswagger"):
        answer = site.http.get(path)
        assert answer.status_code == 200, answer.text
    assert neighbour in [job["name"] for job in site.http.get("/api/webjobs").json()]
    for path in ("/api/vfs/site/wwwroot/App_Data/jobs/triggered/", "/api/vfs/data/jobs/triggered/"):
        assert site.http.get(path).status_code == 200
    assert site.ended(site.run(neighbour).headers["Location"])["status"] == "Success"


def test_bad_specs_keep_to_themselves(site: Site, neighbour: str) -> None:
    taken = [
        f"{name}-{kind[0]}"
        for name, spec in SPECS.items()
        for kind in ("triggered", "continuous")
        if (kind == "triggered" or "schedule" not in spec)
        and applied(
            site, f"{name}-{kind[0]}", {k: v for k, v in (TRIGGERED | spec | {"type": kind}).items() if v is not None}
        )
    ]
    assert len(taken) > 15, "the API server lets most of them through"
    runs = {name: site.create_run(name) for name in taken if name.endswith("-t")}
    well(site, neighbour)

    def told() -> bool:
        statuses = [one.get("status", {}) for one in site.objects("wj", "poison=true")]
        return all(status.get("observedGeneration") and status["conditions"] for status in statuses)

    eventually(told, seconds=60, what="a word of the operator about each")
    for name in taken:
        found = site.http.get(f"/api/{'triggered' if name.endswith('-t') else 'continuous'}webjobs/{name}")
        assert found.status_code == 200, found.text
        ready = next(one for one in site.object("wj", name)["status"]["conditions"] if one["type"] == "Ready")
        assert ready["reason"] != "ReconcileFailed", f"{name}: {ready['message']}"
        assert ready["message"]
    assert len(runs) > 5
    site.kubectl("delete", "wj", *taken)


def test_large_and_odd_metadata(site: Site, neighbour: str) -> None:
    odd = {"a/b": "\u0000\u202e\n".replace("\u0000", ""), "c": "\ud7ff" * 10}
    assert applied(site, "annotated", TRIGGERED, annotations=odd | {"big": BIG})
    assert applied(site, "folds-one", TRIGGERED | {"jobName": "Stra\u00dfe"})
    assert applied(site, "folds-two", TRIGGERED | {"jobName": "STRASSE"})
    assert applied(site, "folds-three", TRIGGERED | {"jobName": "neighbour"}) in (True, False)
    assert applied(site, "rtl", TRIGGERED | {"jobName": "a\u202eb"}) in (True, False)
    assert applied(site, "path", TRIGGERED | {"jobName": "../../etc"}) in (True, False)
    well(site, neighbour)
    site.kubectl("delete", "wj", "-l", "poison=true")


RUN_STATUSES: list[dict[str, Any]] = [
    {"state": "Success", "startTime": "0000-01-01T00:00:00Z", "endTime": "9999-12-31T23:59:59Z"},
    {"state": "Failed", "endTime": "9999-12-31T23:59:59.999999999+14:00"},
    {"state": "Success", "endTime": "0001-01-01T00:00:00-14:00", "exitCode": 2**31 - 1},
    {"state": "Running", "startTime": "9999-12-31T23:59:59Z", "processStartTime": "0000-01-01T00:00:00Z"},
    {"state": "Aborted", "runId": "\uff12" * 18, "message": "\u202e<script>" + "x" * 4000},
    {"state": "Success", "runId": "-1", "jobName": "../..", "jobUID": "%2e%2e", "logPath": "\n", "errorLogPath": "/"},
]
RUNS: list[dict[str, Any]] = [
    {"scheduleTime": "9999-12-31T23:59:59Z"},
    {"scheduleTime": "0000-01-01T00:00:00Z", "scheduleName": "none"},
    {"cronJobName": "../../../secrets"},
    {"cronJobName": "neighbour", "trigger": "\r\nSet-Cookie: a=b"},
    {"arguments": '"' * 60_000},
]


def test_runs_of_other_times(site: Site, neighbour: str) -> None:
    site.apply("clock", TRIGGERED | {"concurrencyPolicy": "Allow", "schedule": "*/5 * * * * *", "historyLimit": 100})
    made = []
    for name in ("clock-999912312359599999", "clock-000001010000000000", "clock-202613990000000000", "clock-1"):
        body = {"apiVersion": "webjobs.dev/v1", "kind": "WebJobRun", "metadata": {"name": name}}
        site.kubectl("create", "-f", "-", stdin=json.dumps(body | {"spec": {"webJobName": "clock"}}))
        made.append(name)
    for spec in RUNS:
        made.append(site.create_run("clock", **spec))
    eventually(
        lambda: all(site.object("wjr", name)["status"]["state"] in ("Success", "Failed", "Aborted") for name in made),
        seconds=120,
        what="the ends",
    )
    for name, status in zip(made, RUN_STATUSES, strict=False):
        write_status(site, "wjr", name, **status)
    well(site, neighbour)
    history = site.http.get("/api/triggeredwebjobs/clock/history")
    assert history.status_code == 200
    assert "Set-Cookie" not in history.headers
    for run in history.json()["runs"]:
        assert site.http.get(httpx_path(run["url"])).status_code == 200
    before = {run["id"] for run in history.json()["runs"]}

    def fires() -> bool:
        now = site.http.get("/api/triggeredwebjobs/clock/history").json()["runs"]
        return any(run["id"] not in before and "Schedule" in run["trigger"] for run in now)

    eventually(fires, seconds=60, what="the schedule")
    site.kubectl("delete", "wj", "clock")


def httpx_path(url: str) -> str:
    """The path of an absolute URL."""
    return "/" + url.split("/", 3)[3]


def test_nothing_fell_over(site: Site, neighbour: str) -> None:
    assert set(restarts(site)) == {0}
    well(site, neighbour)
