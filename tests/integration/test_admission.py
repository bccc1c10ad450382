"""What the API server itself accepts and refuses, with the words that a person sees."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import pytest
import yaml

from tests import stack as stacks
from tests.site import Site

SCRIPT = {"fileName": "run.sh", "text": "true"}
TRIGGERED: dict[str, Any] = {"type": "triggered", "script": SCRIPT}
CONTINUOUS: dict[str, Any] = {"type": "continuous", "script": SCRIPT}
DIGEST = "sha256:" + "0" * 64
GOLDEN = stacks.REPO / "tests/unit/operator/manifests/golden"


def submit(site: Site, spec: dict[str, Any], *, name: str = "admission", kind: str = "WebJob") -> str:
    """Error text of a server-side dry run; empty when it is accepted."""
    manifest = {"apiVersion": "webjobs.dev/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
    command = [stacks.tool("kubectl"), "--kubeconfig", str(site.stack.kubeconfig), "-n", stacks.SITE]
    done = subprocess.run(
        [*command, "create", "--dry-run=server", "-f", "-"], input=json.dumps(manifest), text=True, capture_output=True
    )
    return done.stderr if done.returncode else ""


@pytest.mark.parametrize(
    "spec",
    [
        TRIGGERED,
        CONTINUOUS,
        TRIGGERED | {"schedule": "0 */5 * * * *", "timeZone": "W. Europe Standard Time", "concurrencyPolicy": "Queue"},
        TRIGGERED | {"schedule": "0 0 9 * JAN,MAR MON-FRI"},
        CONTINUOUS | {"singleton": True, "replicas": 1},
        CONTINUOUS | {"singleton": False, "replicas": 5},
        {"type": "triggered", "image": "busybox", "command": ["true"]},
        {"type": "triggered", "package": {"digest": DIGEST, "entrypoint": "run.sh", "size": 1, "files": 1}},
        TRIGGERED | {"settings": {"anything": {"nested": [1, 2.5, None]}}, "jobName": "Ärger mit Blanks"},
        TRIGGERED | {"data": {"size": "1.5Gi", "storageClassName": "fast", "accessMode": "ReadWriteMany"}},
        CONTINUOUS | {"data": {"claimName": "shared"}},
        TRIGGERED | {"fromDeployment": {"name": "web", "container": "site"}},
        {"type": "continuous", "fromDeployment": {"name": "web"}, "command": ["worker"]},
        TRIGGERED | {"podTemplate": {"spec": {"nodeSelector": {"a": "b"}}}, "env": [{"name": "A", "value": "b"}]},
    ],
)
def test_accepted(site: Site, spec: dict[str, Any]) -> None:
    assert submit(site, spec) == ""


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (CONTINUOUS | {"singleton": True, "replicas": 3}, "a singleton runs as one instance: set replicas to 1"),
        (CONTINUOUS | {"schedule": "0 * * * * *"}, "schedule is for type triggered only"),
        (CONTINUOUS | {"retries": 1}, "retries is for type triggered only"),
        (TRIGGERED | {"replicas": 2}, "replicas is for type continuous only"),
        (TRIGGERED | {"stopped": True}, "stopped is for type continuous only"),
        (TRIGGERED | {"schedule": "*/5 * * * *"}, "put '0 ' in front of a five-field cron expression"),
        (TRIGGERED | {"schedule": "0 0 0 ? * * *"}, "six fields are needed"),
        (TRIGGERED | {"schedule": "0 0 0 ? * *"}, "only digits, names, '*', '/'"),
        (TRIGGERED | {"timeZone": "../etc"}, "spec.timeZone"),
        (TRIGGERED | {"concurrencyPolicy": "Never"}, 'supported values: "Forbid", "Queue", "Allow", "Replace"'),
        (TRIGGERED | {"startingDeadlineSeconds": 5}, "greater than or equal to 10"),
        ({"type": "triggered"}, "nothing to run: give an image"),
        ({"type": "triggered", "fromDeployment": {"name": "web"}}, "fromDeployment with a command"),
        (TRIGGERED | {"fromDeployment": {}}, "spec.fromDeployment.name"),
        ({"type": "sometimes", "script": SCRIPT}, 'supported values: "triggered", "continuous"'),
        (TRIGGERED | {"package": {"digest": DIGEST, "entrypoint": "r", "size": 1, "files": 1}}, "exclude each other"),
        (TRIGGERED | {"command": ["x"]}, "command has no meaning with a script or package"),
        (TRIGGERED | {"script": {"fileName": "../run.sh", "text": ""}}, "spec.script.fileName"),
        (TRIGGERED | {"env": [{"value": "x"}]}, "spec.env[0].name"),
        (TRIGGERED | {"data": {}}, "exactly one is needed: size"),
        (TRIGGERED | {"data": {"size": "1Gi", "claimName": "shared"}}, "exactly one is needed: size"),
        (TRIGGERED | {"data": {"claimName": "a", "accessMode": "ReadWriteOnce"}}, "remove them beside claimName"),
        (TRIGGERED | {"data": {"size": "1GB"}}, "spec.data.size"),
    ],
)
def test_refused(site: Site, spec: dict[str, Any], message: str) -> None:
    assert message in submit(site, spec)


AT = "2030-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"cron": "0 0 3 * * MON", "timeZone": "Europe/Berlin", "arguments": "a", "jitterSeconds": 60}, ""),
        ({"periodSeconds": 420, "startTime": AT}, ""),
        ({"at": AT, "suspend": True}, ""),
        ({}, "exactly one of cron, periodSeconds and at is needed"),
        ({"cron": "0 0 3 * * *", "at": AT}, "exactly one of cron, periodSeconds and at is needed"),
        ({"cron": "0 3 * * *  "}, "put '0 ' in front of a five-field cron expression"),
        ({"cron": "0 0 3 * * L"}, ""),  # a name of no weekday: told by a condition
        ({"cron": "0 0 3 ? * *"}, "only digits, names"),
        ({"periodSeconds": 0}, "greater than or equal to 1"),
        ({"periodSeconds": 5, "timeZone": "UTC"}, "timeZone is for cron only"),
        ({"at": AT, "startTime": AT}, "startTime is for periodSeconds only"),
        ({"at": "tomorrow"}, "spec.at"),
    ],
)
def test_schedules(site: Site, spec: dict[str, Any], message: str) -> None:
    found = submit(site, {"webJobName": "job"} | spec, kind="WebJobSchedule")
    assert message in found if message else found == ""


def test_a_schedule_can_move_to_another_job(site: Site) -> None:
    assert "at most 63 characters" in submit(
        site, {"webJobName": "job", "at": AT}, name="a" * 64, kind="WebJobSchedule"
    )
    site.apply("bound", {"webJobName": "one", "at": AT}, kind="WebJobSchedule")
    site.kubectl("patch", "wjs", "bound", "--type=merge", "-p", '{"spec":{"webJobName":"two"}}')
    heading, row = site.kubectl("get", "wjs", "bound").splitlines()
    assert heading.split()[:4] == ["NAME", "WEBJOB", "SCHEDULE", "SUSPENDED"]
    assert row.split()[:2] == ["bound", "two"]
    assert "periodSeconds" in site.kubectl("explain", "webjobschedule.spec")
    site.kubectl("delete", "wjs", "bound")


def test_names_leave_room_for_their_runs(site: Site) -> None:
    assert submit(site, TRIGGERED, name="a" * 43) == ""
    assert "at most 43 characters" in submit(site, TRIGGERED, name="a" * 44)


def test_a_run_needs_a_webjob_name(site: Site) -> None:
    assert "spec.webJobName" in submit(site, {}, kind="WebJobRun")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"type": "continuous"}, "type can't be changed"),
        ({"jobName": "other"}, "jobName can't be added or removed"),
        ({"data": {"size": "512Mi"}}, "size can only grow"),
        ({"data": {"storageClassName": "other"}}, "storageClassName can't be changed"),
        ({"data": {"accessMode": "ReadWriteOnce"}}, "can't be added or removed"),
    ],
)
def test_immutable(site: Site, change: dict[str, Any], message: str) -> None:
    site.apply("fixed", TRIGGERED | {"data": {"size": "1Gi", "storageClassName": "none"}})
    with pytest.raises(subprocess.CalledProcessError):
        site.kubectl("patch", "wj", "fixed", "--type=merge", "-p", json.dumps({"spec": change}))
    command = [stacks.tool("kubectl"), "--kubeconfig", str(site.stack.kubeconfig), "-n", stacks.SITE]
    done = subprocess.run(
        [*command, "patch", "wj", "fixed", "--type=merge", "-p", json.dumps({"spec": change})],
        text=True,
        capture_output=True,
    )
    assert message in done.stderr
    site.kubectl("delete", "wj", "fixed")


def test_kubectl_reads_well(site: Site) -> None:
    explained = site.kubectl("explain", "webjob.spec")
    for field in ("schedule", "singleton", "package", "podTemplate"):
        assert field in explained
    assert "NCRONTAB" in explained
    site.apply("columns", TRIGGERED | {"schedule": "0 0 3 * * *"})
    site.kubectl("wait", "wj/columns", "--for=condition=Scheduled", "--timeout=30s")
    heading, row = site.kubectl("get", "wj", "columns").splitlines()
    assert heading.split()[:5] == ["NAME", "TYPE", "STATE", "READY", "SCHEDULE"]
    assert row.split()[:10] == ["columns", "triggered", "Scheduled", "True", *["0", "0", "3", "*", "*", "*"]]
    assert "columns" in site.kubectl("get", "all")
    site.kubectl("delete", "wj", "columns")


def test_a_pod_for_windows_nodes(site: Site) -> None:
    """The API server takes it, under Pod Security "restricted" too: it refuses what Linux alone knows."""
    spec = yaml.safe_load((GOLDEN / "job-windows.yaml").read_text())["spec"]["template"]["spec"]
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "windows"}, "spec": spec}
    done = site.kubectl("create", "--dry-run=server", "-f", "-", stdin=json.dumps(pod))
    assert "pod/windows created (server dry run)" in done
