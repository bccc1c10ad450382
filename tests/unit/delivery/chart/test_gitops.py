"""What is rendered without a view of the cluster, as Argo CD does it, is the same each time."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.charts import Manifest, helm, manifests, render
from tests.cluster.paths import repo_root

APPLICATION = yaml.safe_load((repo_root() / "examples/gitops/argocd.yaml").read_text())
SOURCE = APPLICATION["spec"]["source"]
EVERYTHING: Manifest = {
    "credentials": {"existingSecret": "own"},
    "sites": [{"namespace": "blog", "host": "blog.example.com"}],
    "kragle": {"enabled": True},
    "aggregateRoles": True,
    "apiserver": {
        "replicas": 2,
        "ui": {"oidc": {"issuer": "https://id.example", "clientId": "a", "clientSecret": "b"}},
    },
}


def _secrets(found: list[Manifest]) -> dict[str, Manifest]:
    return {one["metadata"]["name"]: one for one in found if one["kind"] == "Secret"}


@pytest.mark.parametrize("values", [EVERYTHING, SOURCE["helm"]["valuesObject"]], ids=["everything", "example"])
def test_with_secrets_that_are_there_nothing_is_made_anew(values: Manifest) -> None:
    once, again = (helm(values).stdout for _ in range(2))
    assert once == again
    for name, secret in _secrets(manifests(values)).items():
        assert name in ("webjobs-settings", "webjobs-hooks")
        assert not {"data", "stringData"} & secret.keys(), "what the shim puts there is no difference"


def test_a_password_of_the_charts_own_is_another_one_each_time() -> None:
    """The test above finds what it is for."""
    once, again = (_secrets(manifests())["webjobs-credentials"]["data"] for _ in range(2))
    assert once["username"] == again["username"]
    assert once["password"] != again["password"]


@pytest.mark.parametrize(
    "values", [{}, {"credentials": {"password": "given", "readonlyUsername": "looks", "deploy": True}}]
)
def test_the_charts_own_secret_stays_when_it_is_given_as_an_existing_one(values: dict[str, Any]) -> None:
    """Helm deletes what is no more in a release, if nothing says that it stays."""
    made = render(values)["Secret", "webjobs-credentials"]
    assert made["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    later = render({"credentials": {"existingSecret": "webjobs-credentials"}})
    assert ("Secret", "webjobs-credentials") not in later
    volumes = later["Deployment", "webjobs-apiserver"]["spec"]["template"]["spec"]["volumes"]
    assert {"name": "credentials", "secret": {"secretName": "webjobs-credentials"}} in volumes


def test_the_example_is_for_this_chart() -> None:
    chart = yaml.safe_load((repo_root() / "charts/webjobs/Chart.yaml").read_text())
    assert (SOURCE["chart"], SOURCE["targetRevision"]) == (chart["name"], chart["version"])
    assert SOURCE["helm"]["releaseName"] == APPLICATION["metadata"]["name"], "it is the label instance, too"
    assert "Replace=true" not in APPLICATION["spec"]["syncPolicy"]["syncOptions"]
    assert SOURCE["helm"]["valuesObject"]["credentials"]["existingSecret"]
