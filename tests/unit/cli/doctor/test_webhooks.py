"""Which webhooks are about our objects, and which namespaces and labels their selectors select."""

from __future__ import annotations

from typing import Any

import pytest

from webjobs_cli.doctor.checks.webhooks import matched, selects


def rule(
    *resources: str, groups: tuple[str, ...] = ("*",), operations: tuple[str, ...] = ("CREATE",), **more: Any
) -> Any:
    return {"apiGroups": [*groups], "resources": [*resources], "operations": [*operations], **more}


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        ([], []),
        ([rule("pods")], ["pods"]),
        ([rule("pods", groups=("",))], ["pods"]),
        ([rule("pods", groups=("metrics.k8s.io",))], []),
        ([rule("pods", operations=("DELETE",))], []),
        ([rule("pods", operations=("*",))], ["pods"]),
        ([rule("pods", scope="Cluster")], []),
        ([rule("pods/exec")], []),
        ([rule("*", groups=("batch",))], ["jobs", "cronjobs"]),
        ([rule("*/*", groups=("batch",), operations=("UPDATE",))], ["jobs", "cronjobs"]),
        ([rule("webjobs/*", operations=("UPDATE",))], ["webjobs", "webjobs/status"]),
        ([rule("*/status", operations=("UPDATE",))], ["webjobruns/status", "webjobs/status"]),
        ([rule("*/status", operations=("CREATE",))], []),
        ([rule("services"), rule("configmaps")], ["configmaps"]),
    ],
)
def test_rules(rules: list[Any], expected: list[str]) -> None:
    assert matched(rules) == expected


LABELS = {"team": "a", "kubernetes.io/metadata.name": "shop"}


def expression(operator: str, *values: str, key: str = "team") -> Any:
    return {"matchExpressions": [{"key": key, "operator": operator, "values": [*values]}]}


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        (None, True),
        ({}, True),
        ({"matchLabels": {"team": "a"}}, True),
        ({"matchLabels": {"team": "b"}}, False),
        (expression("In", "a", "b"), True),
        (expression("In", "b"), False),
        (expression("NotIn", "a"), False),
        (expression("NotIn", "b"), True),
        (expression("NotIn", "b", key="other"), True),
        (expression("Exists"), True),
        (expression("Exists", key="other"), False),
        (expression("DoesNotExist"), False),
        (expression("DoesNotExist", key="other"), True),
        ({"matchLabels": {"team": "a"}} | expression("DoesNotExist"), False),
    ],
)
def test_selectors(selector: Any, expected: bool) -> None:
    assert selects(selector, LABELS) is expected
