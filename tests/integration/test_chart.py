"""The chart against a real API server: ``helm test`` runs a job, and each profile is what the server takes."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import pytest

from tests import stack as stacks
from tests.charts import manifests, profiles
from tests.site import Site

MONITORS = {"ServiceMonitor", "PodMonitor"}
"""Kinds of the operator of Prometheus, which the cluster does not have."""
EVERYTHING: dict[str, Any] = {
    "aggregateRoles": True,
    "apiserver": {"extraEnv": [{"name": "A", "value": "b"}], "networkPolicy": {"ingress": {"enabled": True}}},
    "operator": {
        "tolerations": [{"key": "jobs", "operator": "Exists", "effect": "NoSchedule"}],
        "metrics": {"service": {"enabled": True}},
        "networkPolicy": {"egress": {"enabled": True, "rules": [{"to": [{"ipBlock": {"cidr": "192.0.2.1/32"}}]}]}},
    },
    "commonLabels": {"team": "jobs"},
    "extraObjects": [{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "extra"}}],
}


def test_helm_test_runs_a_job(stack: stacks.Stack, site: Site) -> None:
    command = [stacks.tool("helm"), "test", stacks.RELEASE, "--namespace", stacks.SYSTEM, "--logs", "--timeout", "4m"]
    environment = os.environ | {"KUBECONFIG": str(stack.kubeconfig)}
    done = subprocess.run(command, env=environment, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "a job was uploaded, ran, and its log has what it printed" in done.stdout
    assert not [one for one in site.objects("webjobs") if one["metadata"]["name"].startswith("helm-test-")]


@pytest.mark.parametrize(
    ("values", "names"),
    [({}, ()), (EVERYTHING, ()), ({}, ("production",)), ({}, ("openshift",)), ({}, ("production", "openshift"))],
    ids=["default", "everything", "production", "openshift", "both"],
)
def test_the_api_server_takes_what_the_chart_makes(site: Site, values: dict[str, Any], names: tuple[str, ...]) -> None:
    # Under another name: the installed volume is smaller than the default, and can't grow.
    where = {"site": {"namespace": stacks.SITE}, "fullnameOverride": "dry"}
    made = manifests(values | where, "--namespace", stacks.SYSTEM, *profiles(*names))
    body = {"apiVersion": "v1", "kind": "List", "items": [one for one in made if one["kind"] not in MONITORS]}
    asked = ("apply", "--server-side", "--force-conflicts", "--dry-run=server", "-f", "-")
    done = site.kubectl(*asked, stdin=json.dumps(body), namespace=None)
    assert done.count("(server dry run)") == len(body["items"])
