"""The doctor on a real installation: it is well, it is broken in ways that are undone at once, and it is well again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import stack as stacks
from tests.cli import Cli
from tests.site import Site, eventually

REPO = Path(__file__).resolve().parents[2]
OPERATOR = f"{stacks.RELEASE}-operator"
CREDENTIALS = f"{stacks.RELEASE}-credentials"
SPARE = {"resourceVersion", "uid", "creationTimestamp", "managedFields", "generation"}
"""What an object gets anew when it is put back."""

WRONG = ("bad", "warn", "unknown")
Object = dict[str, Any]


@pytest.fixture(scope="module")
def cli(site: Site) -> Iterator[Cli]:
    site.kubectl("delete", "wj", "--all")
    yield Cli(environment={"KUBECONFIG": str(site.stack.kubeconfig)})
    site.kubectl("delete", "wj", "--all")


def said(cli: Cli, *levels: str) -> list[tuple[str, str, str]]:
    """Subject, text and what to do, of the findings of some levels; the exit code fits them."""
    done = cli.inside("doctor", "-o", "json")
    found = done.body["findings"]
    assert (done.code == 1) is any(one["level"] == "bad" for one in found), done
    return [(one["subject"], one["what"], one["do"] or "") for one in found if one["level"] in levels]


def is_well(cli: Cli) -> None:
    """Nothing is wrong, once what earlier tests left behind is gone."""
    with suppress(AssertionError):
        eventually(lambda: said(cli, *WRONG) == [], seconds=20)
    assert said(cli, *WRONG) == []


def names(found: list[tuple[str, str, str]], subject: str, what: str, do: str) -> bool:
    """Whether something is said of a subject, with these words."""
    return any(one[0] == subject and what in one[1] and do in one[2] for one in found)


@contextmanager
def without(site: Site, kind: str, name: str, *, namespace: str | None) -> Iterator[None]:
    """An object is away, and comes back as it was."""
    kept: Object = json.loads(site.kubectl("get", kind, name, "-o", "json", namespace=namespace))
    kept["metadata"] = {key: value for key, value in kept["metadata"].items() if key not in SPARE}
    site.kubectl("delete", kind, name, namespace=namespace)
    try:
        yield
    finally:
        site.kubectl("create", "-f", "-", stdin=json.dumps(kept), namespace=namespace)


@contextmanager
def with_these(site: Site, *manifests: Object) -> Iterator[None]:
    """Objects are there, and go again."""
    site.apply_all(*manifests)
    try:
        yield
    finally:
        for one in manifests:
            where = one["metadata"].get("namespace")
            name = one["metadata"]["name"]
            site.kubectl("delete", one["kind"].lower(), name, "--wait=false", "--ignore-not-found", namespace=where)


def test_a_fresh_installation_is_well(cli: Cli) -> None:
    is_well(cli)
    subjects = {subject for subject, _, _ in said(cli, "ok")}
    assert subjects >= {"CRDs", "operator", "shim", "versions", "rights", "store", "credentials", "ways in", "clocks"}


def test_no_operator_and_no_rights_of_it(cli: Cli, site: Site) -> None:
    """Its rights are taken while it is away, so that no watch of it notices."""
    deployment = f"deployment/{OPERATOR}"
    site.kubectl("scale", deployment, "--replicas=0", namespace=stacks.SYSTEM)
    try:
        binding = f"{stacks.SYSTEM}-{OPERATOR}"
        with without(site, "clusterrolebinding", binding, namespace=None):
            found = said(cli, "bad")
    finally:
        site.kubectl("scale", deployment, "--replicas=1", namespace=stacks.SYSTEM)
    scale = f"kubectl scale deployment {OPERATOR} -n {stacks.SYSTEM} --replicas=1"
    assert names(found, "operator", f"{stacks.SYSTEM}/{OPERATOR} is scaled to 0", scale)
    assert names(found, "rights", f"the operator ({stacks.SYSTEM}/{OPERATOR}) may not", f"ClusterRoleBinding {binding}")
    assert {subject for subject, _, _ in found} == {"operator", "rights"}
    site.kubectl("rollout", "status", deployment, "--timeout=60s", namespace=stacks.SYSTEM)
    is_well(cli)


def test_credentials_without_a_password(cli: Cli, site: Site) -> None:
    data = json.loads(site.kubectl("get", "secret", CREDENTIALS, "-o", "json", namespace=stacks.SYSTEM))["data"]

    def patch(password: str | None) -> None:
        body = json.dumps({"data": {"password": password}})
        site.kubectl("patch", "secret", CREDENTIALS, "--type=merge", "-p", body, namespace=stacks.SYSTEM)

    patch(None)
    try:
        found = said(cli, "bad")
    finally:
        patch(data["password"])
        # Should the kubelet have looked just then, the shim has to hear of the password again.
        eventually(lambda: site.http.get("/api/webjobs").status_code == 200, seconds=120, what="a login")
    lacking = f"site {stacks.SITE}: the Secret {stacks.SYSTEM}/{CREDENTIALS} has no password"
    assert names(found, "credentials", lacking, "Add the key")
    assert not any(data["password"] in word for one in found for word in one)


def test_what_the_shim_may_not_make(cli: Cli, site: Site) -> None:
    with without(site, "configmap", "webjobs-kragle", namespace=stacks.SITE):
        found = said(cli, "bad")
    assert names(found, "credentials", f"site {stacks.SITE} has no ConfigMap webjobs-kragle", "helm upgrade")
    assert len(found) == 1


def test_a_quota_that_keeps_jobs_out(cli: Cli, site: Site) -> None:
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "doctor", "namespace": stacks.SITE},
        "spec": {"hard": {"limits.cpu": "4"}},
    }
    with with_these(site, quota):
        found = said(cli, "bad")
    what = f"the ResourceQuota doctor of {stacks.SITE} refuses pods without a limit of cpu"
    assert names(found, "quotas", what, "jobs.resources")
    assert len(found) == 1


def test_a_webhook_that_was_left_behind(cli: Cli, site: Site) -> None:
    hook = {
        "name": "left.behind.example",
        "clientConfig": {"service": {"namespace": "default", "name": "left-behind"}},
        "rules": [
            {"apiGroups": ["webjobs.dev"], "apiVersions": ["*"], "operations": ["CREATE"], "resources": ["webjobruns"]}
        ],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": stacks.SITE}},
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    kind = "ValidatingWebhookConfiguration"
    configuration = {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": kind,
        "metadata": {"name": "left-behind"},
        "webhooks": [hook],
    }
    with with_these(site, configuration):
        found = said(cli, "bad")
    what = f"left.behind.example of left-behind refuses webjobruns in {stacks.SITE}"
    assert names(found, "webhooks", what, f"kubectl delete {kind.lower()} left-behind")
    assert len(found) == 1


def test_a_second_operator(cli: Cli, site: Site) -> None:
    """No pod of it ever runs: no node has its label."""
    labels = {
        "app.kubernetes.io/part-of": "webjobs",
        "app.kubernetes.io/instance": "second",
        "app.kubernetes.io/component": "operator",
    }
    meta = {"name": "second-operator", "namespace": "default", "labels": labels}
    container = {"name": "operator", "image": site.stack.image}
    pod = {
        "nodeSelector": {"webjobs.dev/nowhere": "true"},
        "containers": [container],
        "volumes": [{"name": "config", "configMap": {"name": "second-operator"}}],
    }
    template = {"metadata": {"labels": labels}, "spec": pod}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": meta,
        "spec": {"selector": {"matchLabels": labels}, "template": template},
    }
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"config.yaml": "namespaces: []\n"}}
    with with_these(site, config, deployment):
        found = eventually(lambda: _unschedulable(said(cli, "bad")), what="a pod without a node")
    both = f"default/second and {stacks.SYSTEM}/{stacks.RELEASE} both watch all namespaces"
    assert names(found, "installations", both, "Uninstall one of them")
    assert names(found, "operator", "default/second-operator: none of 1 available: Unschedulable", "More nodes")


def _unschedulable(found: list[tuple[str, str, str]]) -> list[tuple[str, str, str]] | None:
    return found if any("Unschedulable" in what for _, what, _ in found) else None


def test_a_job_that_can_t_run(cli: Cli, site: Site) -> None:
    site.apply("borrower", {"type": "triggered", "fromDeployment": {"name": "nowhere"}, "command": ["true"]})
    try:
        found = eventually(lambda: said(cli, "warn"), what="a job that is not Ready")
    finally:
        site.kubectl("delete", "wj", "borrower")
    assert names(found, "WebJobs", "1 not Ready (DeploymentMissing): shop/borrower", "fromDeployment")
    is_well(cli)


def test_the_example_role_is_enough_for_it(site: Site, tmp_path: Path) -> None:
    """And without it nothing fails: what may not be seen is named."""
    site.kubectl("create", "serviceaccount", "doctor")
    role = REPO / "examples/cli/doctor-role.yaml"
    try:
        token = site.kubectl("create", "token", "doctor").strip()
        whole = yaml.safe_load(site.stack.kubeconfig.read_text())
        whole["users"] = [{"name": one["name"], "user": {"token": token}} for one in whole["users"]]
        config = tmp_path / "kubeconfig"
        config.write_text(yaml.safe_dump(whole))
        config.chmod(0o600)
        mine = Cli(environment={"KUBECONFIG": str(config)})
        unseen = said(mine, "unknown")
        assert names(unseen, "not looked at", "you may not list deployments in all namespaces", "doctor-role.yaml")
        assert said(mine, "bad") == []
        site.kubectl("apply", "-f", str(role))
        bound = f"--serviceaccount={stacks.SITE}:doctor"
        site.kubectl("create", "clusterrolebinding", "doctor", "--clusterrole=webjobs-doctor", bound)
        eventually(lambda: said(mine, "unknown") == [], what="rights that count")
        is_well(mine)
    finally:
        site.kubectl("delete", "clusterrolebinding", "doctor", "--ignore-not-found")
        site.kubectl("delete", "-f", str(role), "--ignore-not-found")
        site.kubectl("delete", "serviceaccount", "doctor")
