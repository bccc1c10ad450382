"""Manifests against golden files: ``UPDATE_GOLDEN=1`` writes them anew, the diff is what a reviewer reads."""

from __future__ import annotations

import gc
import os
import tracemalloc
from base64 import b64decode
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from tarfile import TarFile
from typing import Any

import pytest
import yaml

from tests.fakes.objects import config, run, webjob
from webjobs.model.site.site_content import SiteContent
from webjobs.schedules.plan import Plan
from webjobs_operator.manifests import children
from webjobs_operator.manifests.environment import literal
from webjobs_operator.manifests.merge import covers, merge
from webjobs_operator.manifests.program import Unrunnable, inline_tar, resolve

GOLDEN = Path(__file__).parent / "golden"
SLOT = datetime(2026, 1, 1, 2, 3, 4, tzinfo=UTC)
DIGEST = "sha256:" + "ab" * 32
PACKAGE = {"digest": DIGEST, "entrypoint": "inner/run.py", "size": 2000, "files": 3}
LARGE = PACKAGE | {"size": 50_000_000}
CONTENT = SiteContent(digest="sha256:" + "cd" * 32, size=70_000, files=12)
IMAGE = {"script": None, "image": "tool:1", "command": ["/tool"], "args": ["-v"]}


def continuous(**spec: Any) -> dict[str, Any]:
    return {"type": "continuous"} | spec


def build_job(spec: dict[str, Any], run_spec: dict[str, Any], *, content: SiteContent | None = None) -> dict[str, Any]:
    one = webjob(spec)
    program = replace(resolve(one, config()), site_content=content)
    return children.job(one, run(spec=run_spec), program=program, config=config())


def build_armed_job(spec: dict[str, Any], *, app_settings: str) -> dict[str, Any]:
    one = webjob(spec)
    return children.armed_job(one, program=resolve(one, config()), config=config(), app_settings=app_settings)


WITH_WINDOWS = config(runtimes={"sh": {"image": "sh:1"}, "windows": {"image": "win:1"}})


def build_windows_job(spec: dict[str, Any], run_spec: dict[str, Any]) -> dict[str, Any]:
    one = webjob(spec)
    return children.job(one, run(spec=run_spec), program=resolve(one, WITH_WINDOWS), config=WITH_WINDOWS)


def build_deployment(spec: dict[str, Any], *, content: SiteContent | None = None, **more: Any) -> dict[str, Any]:
    one = webjob(continuous(**spec))
    program = replace(resolve(one, config()), site_content=content)
    return children.deployment(one, program=program, config=config(), **more)


def build_cron_job(spec: dict[str, Any], *, time_zone: str | None = "Europe/Berlin") -> dict[str, Any]:
    one = webjob(spec)
    return children.cron_job(
        one, program=resolve(one, config()), config=config(), expression="*/5 * * * *", time_zone=time_zone
    )


CASES: dict[str, dict[str, Any]] = {
    "job-inline": build_job({}, {"arguments": '"first arg" $(HOME) $$'}),
    "job-package": build_job({"script": None, "package": PACKAGE, "retries": 2, "timeoutSeconds": 60}, {}),
    "job-large-package": build_job({"script": None, "package": LARGE}, {}),
    "job-image": build_job(
        {"script": None, "image": "tool:1", "command": ["/tool"], "args": ["-v"]}, {"arguments": "x"}
    ),
    "cronjob": build_cron_job({"schedule": "0 */5 * * * *", "settings": {"stopping_wait_time": 7}}),
    "deployment": build_deployment(
        {"replicas": 3, "env": [{"name": "A", "value": "b"}], "envFrom": [{"secretRef": {"name": "s"}}]},
        app_settings="0a",
    ),
    "job-windows": build_windows_job(
        {"script": {"fileName": "run.cmd", "text": "echo %1"}, "shutdownFile": True, "data": {"size": "1Gi"}},
        {"arguments": '"a b" $(HOME)'},
    ),
    "job-runtime": build_job(
        {
            "script": None,
            "package": PACKAGE,
            "args": ["-v"],
            "settings": {"image": "mine:1", "command": ["python3", "-X", "$(dev)"], "cpu": 0.5, "memory": "64Mi"},
        },
        {"arguments": "x"},
    ),
    "deployment-singleton": build_deployment({"settings": {"is_singleton": True}, "stoppingWaitSeconds": 20}),
    "deployment-stopped": build_deployment({"stopped": True, "serviceAccountName": "robot"}),
    "deployment-data": build_deployment({"data": {"claimName": "shared"}}),
    "job-armed": build_armed_job(
        {"script": None, "package": LARGE, "args": ["$(x)"], "retries": 2, "timeoutSeconds": 60}, app_settings="0a"
    ),
    "job-in-site": build_job({"script": None, "package": PACKAGE}, {}, content=CONTENT),
    "deployment-in-site": build_deployment({"script": None, "package": LARGE, "jobName": "my job"}, content=CONTENT),
    "data-claim": children.data_claim(webjob({"data": {"size": "1Gi", "storageClassName": "fast"}})) or {},
    "scheduled-run": children.scheduled_run(
        webjob(),
        name="job-202601010203040000",
        slot=datetime(2026, 1, 1, 2, 3, 4, tzinfo=UTC),
        origin=children.SlotOrigin(plan=Plan(text="4 * * * * *"), cron_job_name="job-29"),
    ),
}


@pytest.mark.parametrize("name", sorted(CASES))
def test_golden(name: str) -> None:
    path = GOLDEN / f"{name}.yaml"
    text = yaml.safe_dump(CASES[name], sort_keys=False, width=110)
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text)
    assert path.read_text() == text


@pytest.mark.parametrize(
    ("time_zone", "written"),
    [
        (None, "Etc/UTC"),
        ("Europe/Berlin", "Europe/Berlin"),
        ("w. europe standard time", "Europe/Berlin"),
        ("UTC-11", "Etc/GMT+11"),
    ],
)
def test_a_cronjob_gets_the_iana_name(time_zone: str | None, written: str) -> None:
    """The API server takes no other."""
    assert build_cron_job({}, time_zone=time_zone)["spec"]["timeZone"] == written


def test_no_golden_file_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(CASES)


def pod_of(manifest: dict[str, Any]) -> dict[str, Any]:
    spec = manifest["spec"].get("jobTemplate", manifest)["spec"]
    pod: dict[str, Any] = spec["template"]["spec"]
    return pod


@pytest.mark.parametrize("name", sorted(set(CASES) - {"scheduled-run", "data-claim"}))
def test_pods_meet_pod_security_restricted(name: str) -> None:
    """With the chart's defaults; the admission plugin itself is asked in the end-to-end tests."""
    pod = pod_of(CASES[name])
    assert pod["securityContext"]["runAsNonRoot"] is True
    if "os" in pod:
        return  # what else is asked, Linux alone knows
    for container in pod["containers"] + pod.get("initContainers", []):
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert not [volume for volume in pod["volumes"] if "hostPath" in volume]


def test_the_inline_package_holds_the_script() -> None:
    one = webjob()
    manifest = children.config_map(one, name="x", files={"package.tar": inline_tar(one)})
    with TarFile(fileobj=BytesIO(b64decode(manifest["binaryData"]["package.tar"]))) as archive:
        member = archive.extractfile("run.sh")
        assert member is not None
        assert member.read() == b"echo hello\n"


def test_a_changed_script_gets_another_config_map() -> None:
    texts = ("a", "b", "a")
    names = {resolve(webjob({"script": {"fileName": "run.sh", "text": text}}), config()).config_map for text in texts}
    assert len(names) == 2


@pytest.mark.parametrize(
    ("spec", "reason"),
    [
        ({"script": None, "package": PACKAGE | {"entrypoint": "a.exe"}}, "WindowsOnly"),
        ({"script": {"fileName": "run.php", "text": ""}}, "NoRuntime"),
        ({"script": {"fileName": "run.rb", "text": ""}}, "UnknownScript"),
        ({"script": None}, "NothingToRun"),
        ({"script": None, "image": "x", "package": PACKAGE | {"entrypoint": None}}, "NothingToRun"),
        ({"settings": {"cpu": "much"}}, "InvalidSettings"),
        ({"script": None, "image": "x", "settings": {"command": 5}}, "InvalidSettings"),
    ],
)
def test_unrunnable(spec: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unrunnable) as caught:
        resolve(webjob(spec), config())
    assert caught.value.reason == reason
    assert caught.value.message.endswith(".")


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"script": {"fileName": "run.cmd", "text": ""}}, ("win:1", True)),
        ({"script": {"fileName": "Tool.EXE", "text": ""}, "image": "mine:1"}, ("mine:1", True)),
        ({"script": {"fileName": "run.sh", "text": ""}}, ("sh:1", False)),
        ({"script": {"fileName": "run.bat", "text": ""}, "settings": {"image": "x", "command": "run"}}, ("x", False)),
    ],
)
def test_what_runs_on_windows_nodes(spec: dict[str, Any], expected: tuple[str, bool]) -> None:
    program = resolve(webjob(spec), WITH_WINDOWS)
    assert (program.image, program.on_windows) == expected


def test_a_large_package_does_not_reach_windows_nodes() -> None:
    with pytest.raises(Unrunnable, match="pods on Windows nodes get 512 KiB at most"):
        resolve(webjob({"script": None, "package": LARGE | {"entrypoint": "run.cmd"}}), WITH_WINDOWS)


def test_an_image_of_the_users_own_wins_over_the_runtime() -> None:
    program = resolve(webjob({"script": {"fileName": "run.php", "text": ""}, "image": "php:mine"}), config())
    assert (program.image, program.picked) == ("php:mine", None)


def test_the_pod_template_patch_is_merged_by_name() -> None:
    patch = {
        "metadata": {"annotations": {"a": "b"}},
        "spec": {
            "containers": [{"name": "job", "resources": {"limits": {"memory": "1Gi"}}}, {"name": "side", "image": "s"}],
            "securityContext": {"runAsUser": None},
            "nodeSelector": {"disk": "ssd"},
        },
    }
    template = build_job({"podTemplate": patch}, {})["spec"]["template"]
    job, side = template["spec"]["containers"]
    assert (job["name"], job["image"], job["resources"]["limits"]) == ("job", "sh:1", {"memory": "1Gi"})
    assert side == {"name": "side", "image": "s"}
    assert template["spec"]["nodeSelector"] == {"disk": "ssd"}
    assert "runAsUser" not in template["spec"]["securityContext"]
    assert template["metadata"]["labels"]["webjobs.dev/webjob"] == "job"


@pytest.mark.parametrize(
    ("base", "patch", "merged"),
    [
        ({"a": 1}, {"a": None}, {}),
        ({"a": {"b": 1}}, {"a": {"c": 2}}, {"a": {"b": 1, "c": 2}}),
        ({"x": [1]}, {"x": [2]}, {"x": [2]}),
        (
            {"volumeMounts": [{"mountPath": "/a", "name": "n"}]},
            {"volumeMounts": [{"mountPath": "/a", "name": "m"}]},
            {"volumeMounts": [{"mountPath": "/a", "name": "m"}]},
        ),
    ],
)
def test_merge(base: Any, patch: Any, merged: Any) -> None:
    assert merge(base, patch) == merged


@pytest.mark.parametrize(
    ("observed", "desired", "same"),
    [
        ({"a": 1, "added": True}, {"a": 1}, True),
        ({"a": 2}, {"a": 1}, False),
        ({}, {"a": ""}, True),
        ({"l": [{"n": 1, "d": 0}]}, {"l": [{"n": 1}]}, True),
        ({"l": [{"n": 1}, {"n": 2}]}, {"l": [{"n": 1}]}, False),
        ({"resources": {"limits": {"cpu": "1"}}}, {"resources": {"limits": {"cpu": "1000m"}}}, True),
        (None, {"a": 1}, False),
    ],
)
def test_covers(observed: Any, desired: Any, same: bool) -> None:
    assert covers(observed, desired) is same


def test_what_a_caller_sends_is_never_expanded() -> None:
    assert literal("$(SECRET) $$ $x") == "$$(SECRET) $$$$ $$x"


RUNTIME = {"image": "mine:1", "command": "dotnet app.dll", "cpu": "1", "memory": "1Gi"}


def container_of(spec: dict[str, Any], **changes: Any) -> dict[str, Any]:
    one, settings = webjob(spec), config(**changes)
    made = children.job(one, run(), program=resolve(one, settings), config=settings)
    found: dict[str, Any] = pod_of(made)["containers"][0]
    return found


def test_the_spec_wins_over_the_runtime_of_settings_job() -> None:
    resources = {"limits": {"cpu": "2"}}
    found = container_of({"image": "spec:1", "resources": resources, "settings": RUNTIME | {"cpu": "not looked at"}})
    assert (found["image"], found["resources"]) == ("spec:1", resources)
    found = container_of(IMAGE | {"settings": RUNTIME})
    assert (found["image"], found["command"], found["args"]) == ("tool:1", ["/tool"], ["-v"])


def test_settings_job_can_run_what_has_no_interpreter_here() -> None:
    for name in ("run.cmd", "main.rb"):
        found = container_of({"script": {"fileName": name, "text": ""}, "settings": RUNTIME})
        assert (found["image"], found["args"]) == ("mine:1", ["dotnet", "app.dll"])


def test_cpu_and_memory_are_request_and_limit_over_those_of_the_installation() -> None:
    installed = {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"ephemeral-storage": "1Gi"}}
    assert container_of({"settings": {"memory": "64Mi"}}, resources=installed)["resources"] == {
        "requests": {"cpu": "10m", "memory": "64Mi"},
        "limits": {"ephemeral-storage": "1Gi", "memory": "64Mi"},
    }
    assert container_of({}, resources=installed)["resources"] == installed


def test_texts_of_scripts_are_not_remembered() -> None:
    """Their digests are; 1,024 texts of the largest size would be more memory than the operator has."""
    tracemalloc.start()
    try:
        for number in range(60):
            text = f"echo {number}\n" + "x" * 250_000
            resolve(webjob({"script": {"fileName": "run.sh", "text": text}}), config())
        gc.collect()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 5 * 2**20
