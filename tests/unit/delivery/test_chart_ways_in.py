"""The chart's Ingress and HTTPRoute, as Helm renders them."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.charts import Manifest, helm, render
from tests.cluster.paths import repo_root
from tests.conformance.contract.declared import declared
from webjobs_apiserver.http.paths import canonical
from webjobs_apiserver.ui import addresses

NAMES: Manifest = {
    "domain": "scm.example.com",
    "sites": [{"namespace": "shop"}, {"namespace": "news", "host": "n.example"}],
}
HOSTS = ["webjobs-site.scm.example.com", "shop.scm.example.com", "n.example"]
PROXIES = ["10.244.0.0/16"]
PUBLIC = {"name": "public", "namespace": "gateways", "sectionName": "https"}
NGINX = "nginx.ingress.kubernetes.io/"


def _values(names: Manifest | None = None, **apiserver: Any) -> Manifest:
    return {**(NAMES if names is None else names), "apiserver": {"trustedProxies": PROXIES, **apiserver}}


def _ingress(names: Manifest | None = None, **values: Any) -> Manifest:
    found: Manifest = render(_values(names, ingress={"enabled": True, **values}))["Ingress", "webjobs-apiserver"]
    return found


def _route(names: Manifest | None = None, **values: Any) -> Manifest:
    gateway = {"enabled": True, "parentRefs": [PUBLIC], **values}
    found: Manifest = render(_values(names, gateway=gateway))["HTTPRoute", "webjobs-apiserver"]
    return found


def _prefixes(manifest: Manifest) -> set[str]:
    rules = manifest["spec"]["rules"]
    if manifest["kind"] == "Ingress":
        assert {path["pathType"] for rule in rules for path in rule["http"]["paths"]} == {"Prefix"}
        return {path["path"] for rule in rules for path in rule["http"]["paths"]}
    assert {match["path"]["type"] for rule in rules for match in rule["matches"]} == {"PathPrefix"}
    return {match["path"]["value"] for rule in rules for match in rule["matches"]}


def test_there_is_none_unless_it_is_wanted() -> None:
    assert not {"Ingress", "HTTPRoute"} & {kind for kind, _ in render(_values())}


@pytest.mark.parametrize("made", [_ingress, _route])
def test_every_route_is_reached_from_outside(made: Any) -> None:
    known = _prefixes(made())
    clients = {path for _, path in declared() if not path.startswith(("/internal/", "/healthz", "/readyz"))}
    clients |= {addresses.ROOT, addresses.AZUREJOBS}
    # The spellings without /api are no routes of their own: each is one whose canonical form is such a route.
    bare = {path.removeprefix("/api") for path in clients if path.startswith("/api/")}
    spelled = {path for path in bare if canonical(path) != path} | {"/jobs"}
    missed = {path for path in clients | spelled if not any(f"{path}/".startswith(f"{prefix}/") for prefix in known)}
    assert not missed
    assert not [prefix for prefix in known if "/internal".startswith(prefix)]


def test_an_ingress_has_the_hosts_of_all_sites() -> None:
    spec = _ingress(tls=[{"secretName": "webjobs-tls"}], className="nginx")["spec"]
    assert spec["ingressClassName"] == "nginx"
    assert spec["tls"] == [{"secretName": "webjobs-tls", "hosts": HOSTS}]
    assert [rule["host"] for rule in spec["rules"]] == HOSTS
    for rule in spec["rules"]:
        assert rule["http"] == spec["rules"][0]["http"]
        for path in rule["http"]["paths"]:
            assert path["backend"] == {"service": {"name": "webjobs-apiserver", "port": {"name": "http"}}}
    ports = render(_values())["Service", "webjobs-apiserver"]["spec"]["ports"]
    assert [port["name"] for port in ports] == ["http"]


def test_the_hosts_of_an_ingress_can_be_chosen() -> None:
    hosts = ["shop.example.com", "shop.scm.example.com", "*.wild.example"]
    tls = [{"secretName": "one", "hosts": hosts[:2]}, {"hosts": hosts[2:]}]
    spec = _ingress({}, hosts=hosts, tls=tls)["spec"]
    assert [rule["host"] for rule in spec["rules"]] == hosts
    assert spec["tls"] == tls
    assert "ingressClassName" not in spec, "the cluster's default"


def test_annotations_and_labels_of_an_ingress() -> None:
    usual = _ingress()["metadata"]["annotations"]
    assert usual == {
        f"{NGINX}proxy-body-size": "0",
        f"{NGINX}proxy-request-buffering": "off",
        f"{NGINX}proxy-buffering": "off",
        f"{NGINX}proxy-read-timeout": "3600",
        f"{NGINX}proxy-send-timeout": "3600",
        f"{NGINX}proxy-next-upstream": "off",
    }
    own = {"cert-manager.io/cluster-issuer": "letsencrypt", f"{NGINX}proxy-body-size": "1g"}
    metadata = _ingress(annotations={**own, f"{NGINX}proxy-buffering": None}, labels={"team": "jobs"})["metadata"]
    expected = usual | own
    del expected[f"{NGINX}proxy-buffering"]
    assert metadata["annotations"] == expected
    assert metadata["labels"]["team"] == "jobs"
    assert metadata["labels"]["app.kubernetes.io/part-of"] == "webjobs"
    assert "annotations" not in _ingress(annotations=None)["metadata"]


def test_a_route_belongs_to_the_gateway_that_is_named() -> None:
    spec = _route()["spec"]
    assert (spec["parentRefs"], spec["hostnames"]) == ([PUBLIC], HOSTS)
    for rule in spec["rules"]:
        assert rule["timeouts"] == {"request": "0s", "backendRequest": "0s"}
        assert rule["backendRefs"] == [{"name": "webjobs-apiserver", "port": 80}]
        assert len(rule["matches"]) <= 8, "more are not in every version of Gateway API"
    assert len(spec["rules"]) <= 16
    metadata = _route(annotations={"a.example/b": "c"}, labels={"team": "jobs"})["metadata"]
    assert metadata["annotations"] == {"a.example/b": "c"}
    assert metadata["labels"]["team"] == "jobs"


def test_what_a_route_can_be_told() -> None:
    spec = _route({}, hostnames=["*.scm.example.com"], timeouts={"request": "1h30m"}, paths=["/"])["spec"]
    assert spec["hostnames"] == ["*.scm.example.com"]
    (rule,) = spec["rules"]
    assert rule["timeouts"] == {"request": "1h30m", "backendRequest": "0s"}
    assert rule["matches"] == [{"path": {"type": "PathPrefix", "value": "/"}}]
    assert all("timeouts" not in rule for rule in _route(timeouts=None)["spec"]["rules"])
    values = _values(gateway={"enabled": True, "parentRefs": [PUBLIC]}, service={"port": 8000})
    rules = render(values)["HTTPRoute", "webjobs-apiserver"]["spec"]["rules"]
    assert {rule["backendRefs"][0]["port"] for rule in rules} == {8000}


@pytest.mark.parametrize(
    ("file", "kind", "hosts"),
    [
        ("ingress", "Ingress", {"shop.scm.example.com"}),
        ("gateway", "HTTPRoute", {"shop.scm.example.com", "webjobs-site.scm.example.com"}),
    ],
)
def test_the_examples_of_values(file: str, kind: str, hosts: set[str]) -> None:
    values = yaml.safe_load((repo_root() / "examples/values" / f"{file}.yaml").read_text())
    spec = render(values)[kind, "webjobs-apiserver"]["spec"]
    assert hosts == (set(spec.get("hostnames", [])) or {rule["host"] for rule in spec["rules"]})


def test_a_way_in_restarts_no_pod() -> None:
    def notes(values: Manifest) -> Any:
        return render(values)["Deployment", "webjobs-apiserver"]["spec"]["template"]["metadata"]["annotations"]

    gateway = {"enabled": True, "parentRefs": [PUBLIC]}
    assert notes(_values()) == notes(_values(ingress={"enabled": True}, gateway=gateway))
    assert notes(_values()) == notes(_values(replicas=2))
    assert notes(_values()) != notes(_values(connections={"most": 50}))


INGRESS, GATEWAY = {"enabled": True}, {"enabled": True, "parentRefs": [PUBLIC]}
CERTIFICATE = [{"secretName": "own"}]


@pytest.mark.parametrize(
    ("values", "why"),
    [
        (_values({}, ingress=INGRESS), "apiserver.ingress: there is no host name"),
        (_values({}, gateway=GATEWAY), "apiserver.gateway: there is no host name"),
        (_values(ingress=INGRESS, tls={"secretName": "own"}), "apiserver.ingress.enabled, apiserver.tls.secretName"),
        (_values(gateway=GATEWAY, tls={"secretName": "own"}), "apiserver.gateway.enabled, apiserver.tls.secretName"),
        (_values(gateway={"enabled": True}), "apiserver.gateway.parentRefs: name the Gateway"),
        (
            _values(ingress={**INGRESS, "tls": [{"hosts": ["other.example"]}]}),
            f"apiserver.ingress.tls: other.example is no host of the Ingress. It has {', '.join(HOSTS)}.",
        ),
        (_values(ingress={**INGRESS, "tls": CERTIFICATE}, trustedProxies=["127.0.0.1"]), "name the addresses"),
        (_values(ingress={**INGRESS, "tls": CERTIFICATE}, trustedProxies=[]), "name the addresses"),
    ],
)
def test_values_that_contradict_each_other(values: Manifest, why: str) -> None:
    done = helm(values)
    assert done.returncode != 0
    assert why in done.stderr


@pytest.mark.parametrize(
    "values",
    [
        {"ingress": {"host": "a.example"}},
        {"ingress": {"hosts": "a.example"}},
        {"ingress": {"hosts": ["https://a.example"]}},
        {"ingress": {"hosts": ["a.*.example"]}},
        {"ingress": {"paths": ["api"]}},
        {"ingress": {"annotations": {"a": 1}}},
        {"ingress": {"tls": {"secretName": "a"}}},
        {"gateway": {"parentRefs": [{"namespace": "gateways"}]}},
        {"gateway": {"timeouts": {"request": "1 hour"}}},
        {"gateway": {"timeouts": {"idle": "1h"}}},
    ],
)
def test_values_of_another_shape(values: Manifest) -> None:
    done = helm({"apiserver": values})
    assert done.returncode != 0
    assert "values don't meet the specifications of the schema" in done.stderr
