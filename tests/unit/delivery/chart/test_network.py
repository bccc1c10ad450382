"""NetworkPolicies of the shim and of both processes' own requests, and how Prometheus finds the operator's metrics."""

from __future__ import annotations

from typing import Any

import pytest

from tests.charts import Manifest, helm, render
from webjobs.model.base import LABEL_WEBJOB
from webjobs_operator.metrics import RUNS_ENDED

Found = dict[tuple[str, str], Manifest]
INGRESS: Manifest = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "ingress-nginx"}}}
API: Manifest = {"to": [{"ipBlock": {"cidr": "10.0.0.1/32"}}], "ports": [{"protocol": "TCP", "port": 6443}]}
JOBS: Manifest = {
    "namespaceSelector": {},
    "podSelector": {"matchExpressions": [{"key": LABEL_WEBJOB, "operator": "Exists"}]},
}
METRICS = "webjobs-operator-metrics"


def _labels(found: Found, component: str) -> dict[str, str]:
    pods: dict[str, str] = found["Deployment", f"webjobs-{component}"]["spec"]["template"]["metadata"]["labels"]
    return pods


def _is_for(policy: Manifest, found: Found) -> set[str]:
    """The components whose pods a policy, or a Service, is about."""
    selector = policy["spec"].get("podSelector", policy["spec"].get("selector"))
    wanted = selector.get("matchLabels", selector)
    return {one for one in ("operator", "apiserver") if wanted.items() <= _labels(found, one).items()}


def test_the_network_is_open_but_for_metrics_unless_a_value_says_more() -> None:
    assert [name for kind, name in render() if kind == "NetworkPolicy"] == [METRICS]


@pytest.mark.parametrize(("tls", "ports"), [("", [8080]), ("own", [8080, 8443])])
def test_who_may_ask_the_shim(tls: str, ports: list[int]) -> None:
    values = {"tls": {"secretName": tls}, "networkPolicy": {"ingress": {"enabled": True, "from": [INGRESS]}}}
    found = render({"apiserver": values})
    policy = found["NetworkPolicy", "webjobs-apiserver"]
    assert _is_for(policy, found) == {"apiserver"}
    assert policy["spec"]["policyTypes"] == ["Ingress"]
    clients, jobs = policy["spec"]["ingress"]
    assert [one["port"] for one in clients["ports"]] == ports
    test, other = clients["from"]
    assert other == INGRESS
    assert test["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "test"
    assert "namespaceSelector" not in test, "the release's own namespace"
    assert jobs == {"ports": [{"protocol": "TCP", "port": 8080}], "from": [JOBS]}


def test_nobody_named_is_nobody_let_in() -> None:
    """An empty ``from`` would let in everybody."""
    found = render({"apiserver": {"networkPolicy": {"ingress": {"enabled": True}}}})
    for rule in found["NetworkPolicy", "webjobs-apiserver"]["spec"]["ingress"]:
        assert len(rule["from"]) == 1


@pytest.mark.parametrize(("component", "more"), [("operator", []), ("apiserver", [{"to": [JOBS]}])])
def test_whom_a_process_may_ask(component: str, more: list[Manifest]) -> None:
    found = render({component: {"networkPolicy": {"egress": {"enabled": True, "rules": [API]}}}})
    policy = found["NetworkPolicy", f"webjobs-{component}-egress"]
    assert _is_for(policy, found) == {component}
    assert policy["spec"]["policyTypes"] == ["Egress"]
    names, *rest = policy["spec"]["egress"]
    assert names == {"ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]}
    assert rest == [*more, API]
    assert [name for kind, name in found if kind == "NetworkPolicy" and name.endswith("-egress")] == [
        f"webjobs-{component}-egress"
    ]


@pytest.mark.parametrize("component", ["operator", "apiserver"])
def test_an_egress_that_reaches_nothing_is_refused(component: str) -> None:
    done = helm({component: {"networkPolicy": {"egress": {"enabled": True}}}})
    assert done.returncode != 0
    assert f"{component}.networkPolicy.egress.rules: name the API server" in done.stderr


def _monitor(kind: str, **values: Any) -> tuple[Found, Manifest]:
    name = kind[0].lower() + kind[1:]
    found = render({"operator": {"metrics": {name: {"enabled": True, **values}}}})
    return found, found[kind, METRICS]


def test_there_is_neither_service_nor_monitor_unless_it_is_wanted() -> None:
    kinds = {kind for kind, _ in render()}
    assert not {"ServiceMonitor", "PodMonitor"} & kinds
    assert [name for kind, name in render() if kind == "Service"] == ["webjobs-apiserver"]


def test_a_service_of_the_metrics() -> None:
    found = render({"operator": {"metrics": {"service": {"enabled": True}}}})
    service = found["Service", METRICS]
    assert _is_for(service, found) == {"operator"}
    assert service["spec"]["ports"] == [{"name": "metrics", "port": 8081, "targetPort": "metrics"}]
    (container,) = found["Deployment", "webjobs-operator"]["spec"]["template"]["spec"]["containers"]
    assert container["ports"] == [{"name": "metrics", "containerPort": 8081}]


@pytest.mark.parametrize(("kind", "field"), [("ServiceMonitor", "endpoints"), ("PodMonitor", "podMetricsEndpoints")])
def test_a_monitor_finds_the_port_of_the_operator_alone(kind: str, field: str) -> None:
    found, monitor = _monitor(kind)
    wanted = monitor["spec"]["selector"]["matchLabels"].items()
    if kind == "ServiceMonitor":
        services = {name: one for (kind, name), one in found.items() if kind == "Service"}
        matched = [name for name, one in services.items() if wanted <= one["metadata"]["labels"].items()]
        assert matched == [METRICS], "it brings the Service, and finds no other"
        assert _is_for(services[METRICS], found) == {"operator"}
    else:
        assert wanted <= _labels(found, "operator").items()
        assert not wanted <= _labels(found, "apiserver").items()
        assert ("Service", METRICS) not in found
    (endpoint,) = monitor["spec"][field]
    assert endpoint == {"port": "metrics", "honorLabels": True}
    assert "namespace" in RUNS_ENDED._labelnames, "which honorLabels keeps"


@pytest.mark.parametrize("kind", ["ServiceMonitor", "PodMonitor"])
def test_what_a_monitor_can_be_told(kind: str) -> None:
    drop = [{"sourceLabels": ["__name__"], "regex": "python_.*", "action": "drop"}]
    _, monitor = _monitor(
        kind, labels={"release": "prometheus"}, interval="30s", scrapeTimeout="10s", metricRelabelings=drop
    )
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    (endpoint,) = monitor["spec"].get("endpoints") or monitor["spec"]["podMetricsEndpoints"]
    assert endpoint | {"interval": "30s", "scrapeTimeout": "10s", "metricRelabelings": drop} == endpoint


@pytest.mark.parametrize(
    ("metrics", "why"),
    [
        ({"enabled": False, "service": {"enabled": True}}, "there are no metrics"),
        ({"enabled": False, "serviceMonitor": {"enabled": True}}, "there are no metrics"),
        ({"enabled": False, "podMonitor": {"enabled": True}}, "there are no metrics"),
        ({"serviceMonitor": {"enabled": True}, "podMonitor": {"enabled": True}}, "reads everything twice"),
        ({"serviceMonitor": {"interval": "often"}}, "meet the specifications of the schema"),
        ({"podMonitor": {"labels": {"app.kubernetes.io/name": "x"}}}, "meet the specifications of the schema"),
    ],
)
def test_metrics_that_can_not_be_read_so(metrics: Manifest, why: str) -> None:
    done = helm({"operator": {"metrics": metrics}})
    assert done.returncode != 0
    assert why in done.stderr


@pytest.mark.parametrize(
    "values",
    [
        {"apiserver": {"networkPolicy": {"enabled": True}}},
        {"apiserver": {"networkPolicy": {"ingress": {"from": [{}]}}}},
        {"apiserver": {"networkPolicy": {"ingress": {"from": [{"namespace": "a"}]}}}},
        {"operator": {"networkPolicy": {"ingress": {}}}},
        {"operator": {"networkPolicy": {"egress": {"rules": [{"from": []}]}}}},
    ],
    ids=str,
)
def test_values_of_another_shape(values: Manifest) -> None:
    done = helm(values)
    assert done.returncode != 0
    assert "values don't meet the specifications of the schema" in done.stderr
