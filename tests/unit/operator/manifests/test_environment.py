"""The environment of processes (docs/kudu-contract.md, section 5), and what wins when several sources say one name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.fakes.cluster import World
from tests.fakes.kube import FakeKube
from tests.fakes.objects import config, run_async, run_body, webjob, webjob_body
from webjobs.model.site.site_settings import SiteSettings
from webjobs_operator.manifests import children
from webjobs_operator.manifests.environment import marker
from webjobs_operator.manifests.pod import pod_template
from webjobs_operator.manifests.program import resolve

CONTRACT = {
    "WEBJOBS_PATH",
    "WEBJOBS_NAME",
    "WEBJOBS_TYPE",
    "WEBJOBS_DATA_PATH",
    "WEBJOBS_RUN_ID",
    "WEBJOBS_COMMAND_ARGUMENTS",
}
ANNOTATION = "webjobs.dev/app-settings"


def container_of(spec: dict[str, Any]) -> dict[str, Any]:
    one = webjob(spec)
    template = pod_template(one, program=resolve(one, config()), config=config(), restart_policy="Never", labels={})
    found: dict[str, Any] = template["spec"]["containers"][0]
    return found


def variables(spec: dict[str, Any]) -> dict[str, dict[str, Any]]:
    listed = container_of(spec)["env"]
    found = {one["name"]: one for one in listed}
    assert len(found) == len(listed), "server-side apply refuses a name that comes twice"
    return found


@pytest.mark.parametrize(
    ("spec", "further"),
    [
        ({"type": "triggered"}, {"WEBSITE_TRIGGERED_JOB_RUNNING_job"}),
        ({"type": "continuous"}, {"WEBSITE_ALWAYS_ON_JOB_RUNNING_job", "WEBJOBS_PORT", "WEBJOBS_SHUTDOWN_FILE"}),
    ],
)
def test_the_table_of_the_contract(spec: dict[str, Any], further: set[str]) -> None:
    assert set(variables(spec)) == CONTRACT | further | {"HOME", "TEMP", "TMP", "WEBSITE_INSTANCE_ID"}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, None),
        ({"WEBSITE_TIME_ZONE": "Europe/Berlin"}, "Europe/Berlin"),
        ({"website_time_zone": "W. Europe Standard Time"}, "Europe/Berlin"),
        ({"WEBSITE_TIME_ZONE": "Mars/Base"}, None),
        ({"WEBSITE_TIME_ZONE": "Europe/Berlin", "TZ": "Asia/Tokyo"}, None),  # an app setting as any other
    ],
)
@pytest.mark.parametrize("kind", ["triggered", "continuous"])
def test_processes_have_the_zone_of_the_site(kind: str, settings: dict[str, str], expected: str | None) -> None:
    world = World(webjob_body({"type": kind}), *([run_body()] if kind == "triggered" else []))
    world.cache.take("ConfigMap", settings_map(7, **settings))
    world.settle()
    made = world.one("Job" if kind == "triggered" else "Deployment")
    found = {one["name"]: one.get("value") for one in made["spec"]["template"]["spec"]["containers"][0]["env"]}
    assert found.get("TZ") == expected


def test_a_zone_of_the_job_itself_wins() -> None:
    one = webjob({"env": [{"name": "TZ", "value": "Asia/Tokyo"}]})
    program = replace(resolve(one, config()), environment={"TZ": "Europe/Berlin"})
    template = pod_template(one, program=program, config=config(), restart_policy="Never", labels={})
    found = [v["value"] for v in template["spec"]["containers"][0]["env"] if v["name"] == "TZ"]
    assert found == ["Asia/Tokyo"]


@pytest.mark.parametrize(
    ("name", "legal"),
    [("report", "report"), ("my-job.v2", "my_job_v2"), ("Ärger $(mit) =", "_rger___mit___"), ("9", "9")],
)
def test_the_marker_is_a_name_that_every_shell_takes(name: str, legal: str) -> None:
    assert marker(webjob({"jobName": name})) == f"WEBSITE_TRIGGERED_JOB_RUNNING_{legal}"


def test_what_the_contract_promises_is_not_replaced() -> None:
    mine = [{"name": name, "value": "mine"} for name in ("WEBJOBS_PATH", "WEBJOBS_RUN_ID", "HOME", "OTHER")]
    found = variables({"env": mine})
    assert found["WEBJOBS_PATH"]["value"] == "/webjobs/work"
    assert "fieldRef" in found["WEBJOBS_RUN_ID"]["valueFrom"]
    assert (found["HOME"]["value"], found["OTHER"]["value"]) == ("mine", "mine")


def test_app_settings_come_first_so_that_the_jobs_own_sources_win() -> None:
    own = {"secretRef": {"name": "own"}}
    before, settings = (
        {source: {"name": "webjobs-settings", "optional": True}} for source in ("configMapRef", "secretRef")
    )
    prefix = {"prefix": "APPSETTING_"}
    expected = [before, prefix | before, settings, prefix | settings, own]
    assert container_of({"envFrom": [own]})["envFrom"] == expected, "the last one that has a name wins"


def test_other_settings_are_another_digest() -> None:
    values = [{}, {"A": "b"}, {"A": "c"}, {"Ab": ""}, {"A": "b", "C": "d"}]
    digests = [SiteSettings.read(one).digest for one in values]
    assert digests[0] is None
    assert len(set(digests)) == len(values)
    assert SiteSettings.read({"C": "d", "A": "b"}).digest == digests[-1], "the order is not a change"


def test_the_digest_stands_beside_the_annotations_of_the_patch() -> None:
    one = webjob({"type": "continuous", "podTemplate": {"metadata": {"annotations": {"a": "b"}}}})
    made = children.deployment(one, program=resolve(one, config()), config=config(), app_settings="0a")
    assert made["spec"]["template"]["metadata"]["annotations"] == {"a": "b", ANNOTATION: "0a"}


def settings_map(version: int, **data: str) -> dict[str, Any]:
    labels = {"webjobs.dev/site-settings": "true", "app.kubernetes.io/managed-by": "webjobs"}
    meta = {"name": "webjobs-settings", "namespace": "site", "labels": labels, "uid": "s"}
    return {"kind": "ConfigMap", "metadata": meta | {"resourceVersion": str(version)}, "data": data}


def stamps_of(kube: FakeKube, kind: str) -> dict[str, str]:
    (found,) = kube.of_kind(kind)
    template = found["spec"].get("jobTemplate", found)["spec"]["template"]
    stamps: dict[str, str] = template["metadata"].get("annotations", {})
    return stamps


def test_changed_settings_replace_the_pods_of_a_continuous_job_once() -> None:
    world = World(webjob_body({"type": "continuous"}))
    world.settle()
    assert stamps_of(world.kube, "Deployment") == {}
    world.cache.take("ConfigMap", settings_map(7, COLOUR="red"))
    assert world.settle() == ["apply Deployment"]
    red = stamps_of(world.kube, "Deployment")
    world.cache.take("ConfigMap", settings_map(8, COLOUR="blue"))
    assert world.settle() == ["apply Deployment"]
    assert set(red) == {ANNOTATION}
    assert stamps_of(world.kube, "Deployment") != red
    world.cache.take("ConfigMap", settings_map(9, COLOUR="blue"))
    assert world.settle() == []


def test_changed_settings_write_nothing_for_a_triggered_job() -> None:
    world = World(webjob_body({"schedule": "0 */5 * * * *"}))
    world.settle()
    assert world.cache.take("ConfigMap", settings_map(7, COLOUR="red")) == [("site", "job")]
    assert run_async(world._pass()) is not None
    assert world.settle() == []
    assert stamps_of(world.kube, "CronJob") == {}
