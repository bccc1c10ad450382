"""docs/security.md has every rule of the chart, with a reason, and no rule that the chart does not have."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.charts import helm
from tests.cluster.paths import repo_root

Rule = tuple[str, str, frozenset[str], frozenset[str], frozenset[str]]
"""Whose it is, API group, resources, names, verbs."""

ALL = {
    "sites": [{"namespace": "blog", "host": "blog.example.com"}],
    "sitesSecret": "the value sitesSecret",
    "attach": {"enabled": True},
    "warm": {"enabled": True},
    "kragle": {"enabled": True},
    "aggregateRoles": True,
}
"""All that makes the chart ask for rights."""
WHOSE = {
    ("ClusterRole", "system-webjobs-operator"): "operator",
    ("Role", "webjobs-apiserver"): "shim in a site",
    ("ClusterRole", "system-webjobs-apiserver"): "shim",
    ("ClusterRole", "system-webjobs-view"): "view",
    ("ClusterRole", "system-webjobs-edit"): "edit",
}


def manifests(values: dict[str, Any]) -> list[dict[str, Any]]:
    done = helm(values, "--kube-version", "1.36.0")
    assert done.returncode == 0, done.stderr
    return [one for one in yaml.safe_load_all(done.stdout) if one]


def rendered(values: dict[str, Any]) -> set[Rule]:
    found: set[Rule] = set()
    for one in manifests(values):
        if one["kind"] in ("Role", "ClusterRole"):
            whose = WHOSE[one["kind"], one["metadata"]["name"]]
            for rule in one["rules"]:
                (group,) = rule["apiGroups"]
                parts = (rule["resources"], rule.get("resourceNames", []), rule["verbs"])
                found.add((whose, group, *map(frozenset, parts)))
    return found


def documented() -> Iterator[tuple[Rule, str]]:
    text = (repo_root() / "docs/security.md").read_text().partition("## Rights of the chart")[2].partition("\n## ")[0]
    for line in re.findall(r"^\| (?!of |-)(.*) \|$", text, re.MULTILINE):
        whose, group, resources, names, verbs, why = (cell.strip().replace("`", "") for cell in line.split(" |"))
        parts = (frozenset(filter(None, cell.split(", "))) for cell in (resources, names, verbs))
        yield (whose, group, *parts), why


def test_every_rule_of_the_chart_has_its_line_and_no_line_is_left_over() -> None:
    lines = dict(documented())
    assert all(lines.values()), "each with a reason"
    assert set(lines) == rendered(ALL)


def test_what_is_only_there_by_a_value_says_so() -> None:
    usual, lines = rendered({}), dict(documented())
    assert {rule for rule, why in lines.items() if why.startswith("only ")} == rendered(ALL) - usual


@pytest.mark.parametrize("values", [{}, ALL, {"namespaces": ["a"]}])
def test_every_role_is_bound_to_the_one_that_needs_it(values: dict[str, Any]) -> None:
    """The roles for people are bound by nobody here: Kubernetes adds them to its own."""
    for one in manifests(values):
        if one["kind"] in ("RoleBinding", "ClusterRoleBinding"):
            whose = WHOSE[one["roleRef"]["kind"], one["roleRef"]["name"]].split()[0]
            name = {"operator": "webjobs-operator", "shim": "webjobs-apiserver"}[whose]
            assert one["subjects"] == [{"kind": "ServiceAccount", "name": name, "namespace": "system"}]
