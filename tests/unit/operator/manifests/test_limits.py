"""Limits of an administrator on the pod as it would be made: whoever asked for what, and by which field."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.objects import config, webjob
from webjobs.model import FromDeployment
from webjobs_operator.manifests import children, limits
from webjobs_operator.manifests.borrow import borrow
from webjobs_operator.manifests.pod_security import violations
from webjobs_operator.manifests.problem import Unrunnable
from webjobs_operator.manifests.program import resolve

CHART = {
    "podSecurityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
    "containerSecurityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    "warm": {"enabled": True},
}
"""What the chart says of jobs' pods."""
PACKAGE = {"digest": "sha256:" + "ab" * 32, "entrypoint": "run.sh", "size": 50_000_000, "files": 3}
RESTRICTED = {"podTemplate": "restricted"}


def refusal(
    spec: dict[str, Any], said: dict[str, Any], *, deployment: dict[str, Any] | None = None, **more: Any
) -> Unrunnable | None:
    """What the operator says of a WebJob under limits."""
    one, settings = webjob(spec), config(limits=said, **{**CHART, **more})
    try:
        limits.check_webjob(one, settings.limits)
        borrowed = borrow(deployment, FromDeployment(name="web")) if deployment else None
        program = resolve(one, settings, borrowed=borrowed)
        children.job_template(one, program=program, config=settings)
        children.armed_job(one, program=program, config=settings, app_settings=None)
    except Unrunnable as problem:
        return problem
    return None


def message(spec: dict[str, Any], said: dict[str, Any], **more: Any) -> tuple[str, str]:
    found = refusal(spec, said, **more)
    assert found
    assert (found.stops, found.passes) == (True, False)
    return found.reason, found.message


def deployment(pod: dict[str, Any]) -> dict[str, Any]:
    spec = {"containers": [{"name": "web", "image": "web:1"}]} | pod
    return {"metadata": {"name": "web"}, "spec": {"template": {"spec": spec}}}


def pod(**spec: Any) -> dict[str, Any]:
    return {"podTemplate": {"spec": spec}}


def container(**fields: Any) -> dict[str, Any]:
    return pod(containers=[{"name": "job"} | fields])


SIDECAR = {
    "name": "side",
    "image": "side:1",
    "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
}


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"type": "continuous"},
        {"script": None, "image": "tool:1"},
        {"script": None, "package": PACKAGE},
        {"data": {"size": "1Gi"}},
        {"shutdownFile": True},
        pod(tolerations=[{"operator": "Exists"}], priorityClassName="low", nodeSelector={"a": "b"}),
        pod(containers=[SIDECAR]),
        pod(initContainers=[SIDECAR], volumes=[{"name": "v", "secret": {"secretName": "s"}}]),
        container(securityContext={"capabilities": {"add": ["NET_BIND_SERVICE"]}, "readOnlyRootFilesystem": True}),
        container(resources={"limits": {"memory": "1Gi"}}, ports=[{"containerPort": 80}]),
    ],
)
def test_what_pod_security_restricted_takes_is_taken(spec: dict[str, Any]) -> None:
    assert refusal(spec, RESTRICTED) is None


HOST = {"name": "host", "hostPath": {"path": "/"}}
BAD: list[tuple[dict[str, Any], str]] = [
    (pod(volumes=[HOST]), "spec.volumes[host].hostPath"),
    (pod(volumes=[{"name": "v", "nfs": {"server": "s", "path": "/"}}]), "spec.volumes[v].nfs"),
    (pod(hostNetwork=True), "spec.hostNetwork"),
    (pod(hostPID=True), "spec.hostPID"),
    (pod(hostIPC=True), "spec.hostIPC"),
    (pod(nodeName="control-plane"), "spec.nodeName"),
    (pod(securityContext={"runAsUser": 0}), "spec.securityContext.runAsUser"),
    (pod(securityContext={"runAsNonRoot": False}), "spec.containers[job].securityContext.runAsNonRoot"),
    (pod(securityContext={"runAsNonRoot": None}), "spec.containers[job].securityContext.runAsNonRoot"),
    (pod(securityContext=None), "spec.containers[job].securityContext.runAsNonRoot"),
    (pod(securityContext={"sysctls": [{"name": "kernel.msgmax"}]}), "spec.securityContext.sysctls[kernel.msgmax]"),
    (pod(securityContext={"seccompProfile": {"type": "Unconfined"}}), "spec.securityContext.seccompProfile.type"),
    (pod(securityContext={"seLinuxOptions": {"type": "spc_t"}}), "spec.securityContext.seLinuxOptions.type"),
    (pod(securityContext={"windowsOptions": {"hostProcess": True}}), "spec.securityContext.windowsOptions.hostProcess"),
    (container(securityContext={"privileged": True}), "spec.containers[job].securityContext.privileged"),
    (
        container(securityContext={"capabilities": {"add": ["SYS_ADMIN"]}}),
        "spec.containers[job].securityContext.capabilities.add",
    ),
    (
        container(securityContext={"allowPrivilegeEscalation": True}),
        "spec.containers[job].securityContext.allowPrivilegeEscalation",
    ),
    (container(securityContext=None), "spec.containers[job].securityContext.allowPrivilegeEscalation"),
    (container(securityContext={"procMount": "Unmasked"}), "spec.containers[job].securityContext.procMount"),
    (
        container(securityContext={"appArmorProfile": {"type": "Unconfined"}}),
        "spec.containers[job].securityContext.appArmorProfile.type",
    ),
    (container(ports=[{"containerPort": 80, "hostPort": 80}]), "spec.containers[job].ports[80].hostPort"),
    (
        container(livenessProbe={"httpGet": {"host": "10.0.0.1", "port": 80}}),
        "spec.containers[job].livenessProbe.httpGet.host",
    ),
    (
        container(lifecycle={"postStart": {"httpGet": {"host": "10.0.0.1"}}}),
        "spec.containers[job].lifecycle.postStart.httpGet.host",
    ),
    (
        pod(containers=[{"name": "side", "image": "x"}]),
        "spec.containers[side].securityContext.allowPrivilegeEscalation",
    ),
    (
        pod(initContainers=[{"name": "first", "image": "x", "securityContext": {"privileged": True}}]),
        "spec.initContainers[first].securityContext.privileged",
    ),
    (
        {
            "podTemplate": {
                "metadata": {"annotations": {"container.apparmor.security.beta.kubernetes.io/job": "unconfined"}}
            }
        },
        "metadata.annotations[container.apparmor.security.beta.kubernetes.io/job]",
    ),
]


@pytest.mark.parametrize(("spec", "field"), BAD)
def test_what_pod_security_restricted_refuses_is_refused_with_its_field(spec: dict[str, Any], field: str) -> None:
    reason, told = message(spec, RESTRICTED)
    assert reason == "PodTemplateRefused"
    assert field in told
    assert "limits.podTemplate of the chart is restricted" in told
    assert refusal(spec, {}) is None, "without limits it is the API server's affair"


def test_what_the_administrator_said_of_all_pods_is_no_violation() -> None:
    root = {"podSecurityContext": {"runAsUser": 0}, "containerSecurityContext": {}}
    assert refusal({}, RESTRICTED, **root) is None
    reason, told = message(pod(hostPID=True), RESTRICTED, **root)
    assert (reason, "spec.hostPID." in told) == ("PodTemplateRefused", True)


def test_none_is_no_pod_template_at_all() -> None:
    assert message(pod(tolerations=[]), {"podTemplate": "none"})[1].startswith("spec.podTemplate is not allowed here")
    assert refusal({}, {"podTemplate": "none"}) is None
    web = deployment({"volumes": [HOST]})
    web["spec"]["template"]["spec"]["containers"][0]["volumeMounts"] = [{"name": "host", "mountPath": "/host"}]
    borrows = {"script": None, "fromDeployment": {"name": "web"}}
    for said in ("none", "restricted"):
        reason, told = message(borrows, {"podTemplate": said}, deployment=web)
        assert (reason, "spec.volumes[host].hostPath" in told) == ("PodTemplateRefused", True)


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        ({"script": None, "image": "evil/x"}, "spec.containers[job].image"),
        ({"settings": {"image": "evil/x"}}, "spec.containers[job].image"),
        (container(image="evil/x"), "spec.containers[job].image"),
        (pod(initContainers=[SIDECAR | {"image": "evil/x"}]), "spec.initContainers[side].image"),
        (pod(volumes=[{"name": "v", "image": {"reference": "evil/x"}}]), "spec.volumes[v].image.reference"),
        ({"script": None, "fromDeployment": {"name": "web"}}, "spec.containers[job].image"),
    ],
)
def test_images_wherever_they_are_named(spec: dict[str, Any], field: str) -> None:
    said = {"images": ["good.example.com/*"], "ownImages": ["own:1", "sh:1"]}
    web = deployment({"containers": [{"name": "web", "image": "evil/x"}]}) if "fromDeployment" in spec else None
    reason, told = message(spec, said, deployment=web)
    assert reason == "ImageRefused"
    assert "'evil/x' is not allowed here. limits.images of the chart allows good.example.com/*." in told
    assert field in told
    assert refusal({"script": None, "package": PACKAGE}, said) is None, "its own images are the installation's"
    assert refusal({"script": None, "image": "good.example.com/x"}, said) is None


TOKEN = {"name": "t", "projected": {"sources": [{"serviceAccountToken": {"path": "t"}}]}}


@pytest.mark.parametrize(
    ("spec", "account"),
    [
        ({"serviceAccountName": "webjobs-operator"}, "webjobs-operator"),
        (pod(serviceAccountName="webjobs-operator"), "webjobs-operator"),
        ({"serviceAccountName": "job-a"} | pod(serviceAccount="webjobs-operator"), "webjobs-operator"),
        (pod(automountServiceAccountToken=True), "default"),
        (pod(automountServiceAccountToken=None), "default"),
        (pod(volumes=[TOKEN]), "default"),
        ({"script": None, "fromDeployment": {"name": "web"}}, "webjobs-operator"),
    ],
)
def test_accounts_wherever_they_are_named(spec: dict[str, Any], account: str) -> None:
    said = {"serviceAccounts": ["job-*"]}
    web = deployment({"serviceAccountName": "webjobs-operator"}) if "fromDeployment" in spec else None
    reason, told = message(spec, said, deployment=web)
    assert reason == "ServiceAccountRefused"
    assert f"'{account}'" in told
    for good in ({}, {"serviceAccountName": "job-a"}, {"script": None, "package": PACKAGE}):
        assert refusal(good, said) is None, "a pod without a token has no account that could do anything"


def test_namespaces_and_deployments() -> None:
    reason, told = message({}, {"refusedNamespaces": ["site"]})
    assert reason == "NamespaceRefused"
    assert "Namespace site has no WebJobs" in told
    borrows = {"script": None, "fromDeployment": {"name": "web"}}
    assert message(borrows, {"fromDeployment": False})[0] == "FromDeploymentRefused"
    assert refusal(borrows, {}, deployment=deployment({})) is None


@pytest.mark.parametrize("junk", [None, 1, "x", [], ["x"], {}, {"a": None}])
@pytest.mark.parametrize("field", ["containers", "volumes", "securityContext", "initContainers", "os"])
def test_any_shape_is_judged(field: str, junk: Any) -> None:
    """podTemplate is free: what Kubernetes refuses for its shape must not end the pass before."""
    violations({"spec": {field: junk}, "metadata": junk})
    violations({"spec": {"containers": [{"name": "a", "securityContext": junk, "ports": junk, "lifecycle": junk}]}})
    limits.check_pod({"spec": {field: junk}}, config(limits={"images": ["*"], "serviceAccounts": ["*"]}))
