"""What the accounts of the chart may do on the cluster, asked for and tried."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests import stack as stacks
from tests.security.attacker import OPERATOR, SHIM, may, refusal
from tests.site import Site, eventually, shell

SYSTEM = stacks.SYSTEM


@pytest.fixture(scope="module", autouse=True)
def others(site: Site) -> Iterator[None]:
    """A Secret that is nobody's business."""
    site.kubectl("create", "secret", "generic", "other-secret", "--from-literal=password=theirs")
    yield
    site.kubectl("delete", "secret", "other-secret")


@pytest.mark.parametrize(
    "what",
    [
        *[(verb, "secrets") for verb in ("create", "list", "watch", "delete", "get", "patch")],
        *[(verb, "secret/other-secret") for verb in ("get", "update", "patch", "delete")],
        *[(verb, "secret/webjobs-settings") for verb in ("patch", "delete")],
        *[(verb, "configmaps") for verb in ("create", "list", "delete", "update")],
        *[(verb, "pods") for verb in ("create", "delete", "patch", "update", "watch")],
        ("create", "pods", "--subresource=exec"),
        ("create", "pods", "--subresource=attach"),
        ("create", "pods", "--subresource=portforward"),
        ("create", "pods", "--subresource=eviction"),
        ("get", "pods", "--subresource=proxy"),
        ("create", "serviceaccounts", "--subresource=token"),
        ("update", "webjobruns", "--subresource=status"),
        *[("create", kind) for kind in ("deployments", "jobs", "cronjobs", "services", "rolebindings", "roles")],
        *[(verb, "users") for verb in ("impersonate",)],
    ],
    ids=" ".join,
)
def test_the_shim_may_not(site: Site, what: tuple[str, ...]) -> None:
    assert not may(site, SHIM, *what)


def test_the_shim_may_what_it_needs(site: Site) -> None:
    """Else all that it may not would prove nothing."""
    assert may(site, SHIM, "get", "secret/webjobs-settings")
    assert may(site, SHIM, "create", "webjobruns")
    assert not may(site, SHIM, "create", "webjobruns", namespace="default")
    assert not may(site, SHIM, "get", "secret/webjobs-credentials", namespace=SYSTEM), "it is mounted"


def test_the_shim_makes_no_token_of_another(site: Site) -> None:
    """A Secret of the type service-account-token would be filled in with the token of any account of the namespace."""
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "stolen", "annotations": {"kubernetes.io/service-account.name": "default"}},
        "type": "kubernetes.io/service-account-token",
    }
    for name in ("stolen", "webjobs-settings", "webjobs-hooks"):
        secret["metadata"]["name"] = name  # type: ignore[index]
        refused = refusal(site, "create", "-f", "-", f"--as={SHIM}", stdin=json.dumps(secret))
        assert "cannot create resource" in refused
    there = site.object("secret", "webjobs-settings")
    for changed in (
        there | {"type": "kubernetes.io/service-account-token"},
        there | {"metadata": there["metadata"] | {"annotations": secret["metadata"]["annotations"]}, "type": "x"},  # type: ignore[index]
    ):
        refused = refusal(site, "replace", "-f", "-", f"--as={SHIM}", stdin=json.dumps(changed))
        assert "type: Invalid value" in refused or "field is immutable" in refused
    assert site.object("secret", "webjobs-settings")["type"] == "Opaque"


@pytest.mark.parametrize("arguments", [("get", "secret", "other-secret"), ("get", "secrets"), ("delete", "pod", "x")])
def test_the_shim_tries_in_vain(site: Site, arguments: tuple[str, ...]) -> None:
    refused = refusal(site, *arguments, f"--as={SHIM}")
    assert "forbidden" in refused.lower()
    assert "theirs" not in refused


@pytest.mark.parametrize(
    "what",
    [
        *[(verb, "secrets") for verb in ("create", "list", "watch", "delete", "update", "patch", "get")],
        *[(verb, "secret/other-secret") for verb in ("get", "update", "delete", "list")],
        *[(verb, "secret/webjobs-settings") for verb in ("update", "patch", "delete")],
        ("create", "pods"),
        ("create", "pods", "--subresource=exec"),
        ("create", "pods", "--subresource=ephemeralcontainers"),
        ("create", "serviceaccounts", "--subresource=token"),
        *[("create", kind) for kind in ("roles", "rolebindings", "clusterrolebindings", "webjobs", "services")],
        *[(verb, "webjobs") for verb in ("update", "patch", "delete")],
        *[(verb, "nodes") for verb in ("get", "list")],
    ],
    ids=" ".join,
)
def test_the_operator_may_not(site: Site, what: tuple[str, ...]) -> None:
    assert not may(site, OPERATOR, *what)


def test_the_operator_lists_one_secret_by_its_name_only(site: Site) -> None:
    one = ("get", "secrets", "-o", "name", f"--as={OPERATOR}")
    assert site.kubectl(*one, "--field-selector=metadata.name=webjobs-settings").split() == ["secret/webjobs-settings"]
    for wider in ("", "metadata.name!=x", "type=Opaque", "metadata.name=other-secret"):
        refused = refusal(site, *one, *([f"--field-selector={wider}"] if wider else []))
        assert "forbidden" in refused.lower()


def test_no_webjob_runs_as_the_operator(site: Site) -> None:
    spec = {"type": "continuous", "podTemplate": {"spec": {"serviceAccountName": "webjobs-operator"}}}
    spec |= shell("cat /var/run/secrets/kubernetes.io/serviceaccount/token; sleep 1000")
    manifest = {"apiVersion": "webjobs.dev/v1", "kind": "WebJob", "metadata": {"name": "climber"}, "spec": spec}
    site.kubectl("apply", "-f", "-", stdin=json.dumps(manifest), namespace=SYSTEM)
    run = {"apiVersion": "webjobs.dev/v1", "kind": "WebJobRun", "metadata": {"name": "climb"}}
    triggered = manifest | {"metadata": {"name": "climber-2"}, "spec": spec | {"type": "triggered"}}
    site.kubectl("apply", "-f", "-", stdin=json.dumps(triggered), namespace=SYSTEM)
    site.kubectl("apply", "-f", "-", stdin=json.dumps(run | {"spec": {"webJobName": "climber-2"}}), namespace=SYSTEM)
    try:
        for name in ("climber", "climber-2"):
            where = "jsonpath={.status.conditions[?(@.type=='Ready')].reason}"
            command = ("get", "wj", name, "-o", where)
            eventually(
                lambda command=command: site.kubectl(*command, namespace=SYSTEM) == "NamespaceRefused",  # type: ignore[misc]
                what=f"the refusal of {name}",
            )
        eventually(
            lambda: site.kubectl("get", "wjr/climb", "-o", "jsonpath={.status.state}", namespace=SYSTEM) == "Failed"
        )
        for kind in ("pods", "jobs", "deployments"):
            assert "climb" not in site.kubectl("get", kind, "-o", "name", namespace=SYSTEM)
    finally:
        site.kubectl("delete", "wj", "climber", "climber-2", namespace=SYSTEM)
        site.kubectl("delete", "wjr", "climb", "--ignore-not-found", namespace=SYSTEM)


def test_an_account_of_the_chart_is_not_there_for_jobs(site: Site) -> None:
    """In the site's namespace there is no such account, and none of its pods gets a token by itself."""
    site.apply("plain", {"type": "triggered", **shell("ls /var/run/secrets/kubernetes.io 2>&1; true")})
    run = site.create_run("plain")
    site.kubectl("wait", f"wjr/{run}", "--for=condition=Complete", "--timeout=60s")
    run_id = site.object("wjr", run)["status"]["runId"]
    log = site.http.get(f"/api/vfs/data/jobs/triggered/plain/{run_id}/output_log.txt").text
    assert "No such file" in log
    site.kubectl("delete", "wj", "plain")
