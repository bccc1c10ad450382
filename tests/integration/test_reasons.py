"""Every way to be stuck has a reason of its own on a real control plane: in the run, in Ready, an Event, over REST."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.site import Site, eventually, shell

IMAGE = "registry.invalid/no/such:image"
MISSING_VOLUME = {
    "volumes": [{"name": "keys", "secret": {"secretName": "not-there"}}],
    "containers": [{"name": "job", "volumeMounts": [{"name": "keys", "mountPath": "/keys"}]}],
}
HUGE = {"requests": {"cpu": "900"}}
NO_KEY = {"name": "KEY", "valueFrom": {"secretKeyRef": {"name": "not-there", "key": "key"}}}


def condition(site: Site, kind: str, name: str, type_: str) -> tuple[str, str, str]:
    """Status, reason and message of a condition; LookupError while it is not there."""
    status = site.object(kind, name)["status"]
    (found,) = [one for one in status["conditions"] if one["type"] == type_] or [status["no such condition"]]
    return found["status"], found["reason"], found["message"]


def is_told(site: Site, name: str, reason: str, *, seconds: float = 60) -> str:
    """The message of Ready, once it is False with a reason; an Event and REST say it, too."""

    def look() -> str | None:
        status, found, message = condition(site, "wj", name, "Ready")
        return message if (status, found) == ("False", reason) else None

    message = eventually(look, seconds=seconds, what=f"{reason} of {name}")
    events = json.loads(site.kubectl("get", "event", "-o", "json", "--field-selector", f"involvedObject.name={name}"))
    assert reason in {event["reason"] for event in events["items"]}
    kind = site.object("wj", name)["spec"]["type"]
    assert site.http.get(f"/api/{kind}webjobs/{name}").json()["error"] == message
    return message


@contextmanager
def limited(site: Site, kind: str, spec: dict[str, Any]) -> Iterator[None]:
    """A quota or a LimitRange over the site's namespace."""
    manifest = {"apiVersion": "v1", "kind": kind, "metadata": {"name": "reasons"}, "spec": spec}
    site.kubectl("apply", "-f", "-", stdin=json.dumps(manifest))
    if kind == "ResourceQuota":
        eventually(lambda: site.object("resourcequota", "reasons")["status"]["hard"], what="the quota in force")
    try:
        yield
    finally:
        site.kubectl("delete", kind, "reasons")


def uploaded(program: dict[str, Any] | None, *, entrypoint: str = "run.cmd") -> dict[str, Any]:
    """A package of which only the spec knows. ``program``: what its files said."""
    package: dict[str, Any] = {"digest": f"sha256:{'0' * 64}", "size": 9, "files": 1, "entrypoint": entrypoint}
    plain = {"host": "WindowsScriptHost", "runtime": {"name": "sh"}, "command": ["x"], "why": "It is so."}
    return {"package": package | ({"program": plain | program} if program else {})}


@pytest.mark.parametrize(
    ("reason", "spec"),
    [
        ("WindowsOnly", uploaded(None)),
        ("BatchNotTranslated", {"script": {"fileName": "run.cmd", "text": "tasklist"}}),
        ("NoRuntimeVersion", uploaded({"runtime": {"name": "dotnet", "version": "99.0"}})),
        ("NoCombinedImage", uploaded({"runtime": {"name": "dotnet"}, "also": [{"name": "js"}]})),
        ("WindowsDesktop", uploaded({"problem": {"reason": "WindowsDesktop", "message": "It has windows."}})),
        ("InvalidSettings", shell("true") | {"settings": {"cpu": "lots"}}),
        ("InvalidPodTemplate", shell("true") | {"podTemplate": {"spec": {"containers": ["x"]}}}),
        ("DeploymentMissing", {"fromDeployment": {"name": "not-there"}, "command": ["true"]}),
        ("PackageMissing", uploaded(None, entrypoint="run.sh")),
    ],
)
def test_a_job_that_can_not_run(site: Site, reason: str, spec: dict[str, Any]) -> None:
    name = f"stuck-{reason.lower()}"
    site.apply(name, {"type": "triggered"} | spec)
    message = is_told(site, name, reason)
    run = site.create_run(name)
    eventually(lambda: site.object("wjr", run)["status"]["state"] == "Failed", what="the end of its run")
    assert site.object("wjr", run)["status"]["message"] == message
    site.kubectl("delete", "wj", name)


def test_a_name_that_is_taken(site: Site) -> None:
    site.kubectl("create", "deployment", "stuck-taken", "--image", IMAGE)
    site.apply("stuck-taken", {"type": "continuous"} | shell("sleep 1000"))
    is_told(site, "stuck-taken", "NameTaken")
    site.kubectl("delete", "wj,deployment", "stuck-taken")


@pytest.mark.parametrize(
    ("reason", "spec", "ends"),
    [
        ("ImagePullFailed", {"image": IMAGE}, True),
        ("ContainerRefused", {"env": [NO_KEY]}, True),
        ("NodeNotPrepared", {"podTemplate": {"spec": MISSING_VOLUME}}, True),
        ("Unschedulable", {"resources": HUGE}, False),
        ("SchedulingGated", {"podTemplate": {"spec": {"schedulingGates": [{"name": "example.com/gate"}]}}}, False),
    ],
)
def test_a_run_that_can_not_begin(site: Site, reason: str, spec: dict[str, Any], ends: bool) -> None:
    name = f"stuck-{reason.lower()}"
    deadline = 75 if reason == "NodeNotPrepared" else 20
    site.apply(name, {"type": "triggered", "startingDeadlineSeconds": deadline} | shell("true") | spec)
    answer = site.run(name)
    assert answer.status_code == 202
    message = is_told(site, name, reason, seconds=100)
    run = site.http.get(answer.headers["Location"]).json()
    object_name = f"{name}-{run['id']}"
    assert condition(site, "wjr", object_name, "Started") == ("False", reason, message)
    assert f"The run does not begin yet. {message}" in site.log(run)
    if ends:
        assert site.ended(answer.headers["Location"], seconds=deadline + 60)["status"] == "Failed"
        assert "It never began." in site.log(run)
        assert condition(site, "wj", name, "Ready")[:2] == ("True", "Runnable")
    site.kubectl("delete", "wj", name)


def test_an_init_container_that_fails(site: Site) -> None:
    spec = {"type": "continuous"} | shell("sleep 1000")
    site.apply("stuck-init", spec)
    (made,) = eventually(lambda: site.objects("deployment", "webjobs.dev/webjob=stuck-init"), what="its Deployment")
    own = made["spec"]["template"]["spec"]["containers"][0]
    broken = {key: own[key] for key in ("image", "securityContext")}
    broken |= {"name": "migrate", "command": ["/bin/sh", "-c", "exit 3"]}
    site.apply("stuck-init", spec | {"podTemplate": {"spec": {"initContainers": [broken]}}})
    assert "container migrate, exit code 3" in is_told(site, "stuck-init", "InitContainerFailed")
    site.kubectl("delete", "wj", "stuck-init")


@pytest.mark.parametrize("kind", ["triggered", "continuous"])
def test_a_pod_that_is_refused(site: Site, kind: str) -> None:
    name = f"stuck-pod-{kind}"
    limits = {"limits": [{"type": "Pod", "min": {"memory": "4Gi"}}]}
    with limited(site, "LimitRange", limits):
        more = {"startingDeadlineSeconds": 30} if kind == "triggered" else {}
        site.apply(name, {"type": kind} | more | shell("sleep 1000"))
        location = site.run(name).headers["Location"] if kind == "triggered" else None
        assert "minimum memory usage per Pod is 4Gi" in is_told(site, name, "PodRefused")
        if location:
            assert site.ended(location, seconds=100)["status"] == "Failed"
            assert "minimum memory usage per Pod is 4Gi" in site.log(site.http.get(location).json())
    site.kubectl("delete", "wj", name)


def test_a_job_that_is_refused(site: Site) -> None:
    """Cleaning up does not depend on what is refused, and the run begins when the quota lets it."""
    site.apply("stuck-job", {"type": "triggered"} | shell("true"))
    eventually(lambda: condition(site, "wj", "stuck-job", "Ready")[0] == "True", what="the job")
    with limited(site, "ResourceQuota", {"hard": {"count/jobs.batch": "0"}}):
        location = site.run("stuck-job").headers["Location"]
        assert "exceeded quota" in is_told(site, "stuck-job", "JobRefused")
        run = site.http.get(location).json()
        assert "exceeded quota" in site.log(run)
    assert site.ended(location, seconds=90)["status"] == "Success"
    assert condition(site, "wj", "stuck-job", "Ready")[:2] == ("True", "Runnable")
    site.kubectl("delete", "wj", "stuck-job")


def test_a_slot_whose_job_is_refused(site: Site) -> None:
    """A CronJob makes the Jobs of slots: there is no run yet that could say anything."""
    site.apply("stuck-slot", {"type": "triggered", "schedule": "0 * * * * *"} | shell("true"))
    eventually(lambda: condition(site, "wj", "stuck-slot", "Scheduled")[1] == "CronJob", what="its CronJob")
    with limited(site, "ResourceQuota", {"hard": {"count/jobs.batch": "0"}}):
        assert "exceeded quota" in is_told(site, "stuck-slot", "JobRefused", seconds=100)
    site.kubectl("delete", "wj", "stuck-slot")


def test_a_child_that_is_refused(site: Site) -> None:
    with limited(site, "ResourceQuota", {"hard": {"count/cronjobs.batch": "0"}}):
        site.apply("stuck-child", {"type": "triggered", "schedule": "0 0 4 * * *"} | shell("true"))
        assert "exceeded quota" in is_told(site, "stuck-child", "ChildRefused")
    site.kubectl("delete", "wj", "stuck-child")
