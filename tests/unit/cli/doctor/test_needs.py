"""What the doctor asks for is what the chart gives, and what docs/reasons.md explains: neither more nor less."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.cluster.paths import repo_root
from tests.unit.cli.doctor.installed import FURTHER, SITE, VALUES, chart, facts_of, healthy
from webjobs.objects import Object
from webjobs_cli.doctor import needs
from webjobs_cli.doctor.cures import CURES, INSTALLATION

Right = tuple[str, str, str, str]
"""API group, resource, name, verb."""
LESS = {"sites": [], "warm": {"enabled": False}, "kragle": {"enabled": False}}
"""Values without what brings further rights."""
EXPECTED = {"Progressing", "Stopped", "ScaledToZero"}
"""Reasons that are as they should be."""


def given(manifests: list[Object], kind: str, name: str, namespace: str = "") -> set[Right]:
    """The rights that a role of the chart gives."""
    (role,) = [
        one
        for one in manifests
        if (one["kind"], one["metadata"]["name"], one["metadata"].get("namespace", "")) == (kind, name, namespace)
    ]
    return {
        (group, resource, name, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for name in rule.get("resourceNames", [""])
        for verb in rule["verbs"]
    }


@pytest.mark.parametrize("values", [{}, LESS, {"namespaces": [SITE, FURTHER]}])
async def test_the_rights_are_those_of_the_chart(values: dict[str, Any]) -> None:
    manifests = chart(VALUES | values)
    (one,) = (await facts_of(healthy(values))).installations
    asked: dict[tuple[str, str], set[Right]] = {}
    for right in needs.rights(one):
        asked.setdefault((right.role, right.namespace), set()).add(
            (right.group, right.resource, right.name, right.verb)
        )
    operator = given(manifests, "ClusterRole", "system-webjobs-operator")
    assert [each for (role, _), each in asked.items() if role == "operator"] == [operator] * len(one.watched or ("",))
    assert asked["shim", ""] == given(manifests, "ClusterRole", "system-webjobs-apiserver")
    for site in one.sites:
        assert asked["shim", site] == given(manifests, "Role", "webjobs-apiserver", site)


@pytest.mark.parametrize("values", [{}, LESS])
async def test_what_the_shim_may_not_make_is_what_the_chart_makes(values: dict[str, Any]) -> None:
    kept = {
        (one["kind"], one["metadata"]["name"])
        for one in chart(VALUES | values)
        if one["metadata"].get("namespace") == SITE and one["kind"] in ("Secret", "ConfigMap")
    }
    (one,) = (await facts_of(healthy(values))).installations
    assert one.shim
    assert set(needs.kept(one.shim.config)) == kept


def test_every_reason_has_a_cure() -> None:
    page = (repo_root() / "docs/reasons.md").read_text().partition("## Ready, of a WebJob")[2].partition("\n## ")[0]
    cells = re.findall(r"^\| (`[^|]*) \|", page, re.MULTILINE)
    told = {word for cell in cells for word in re.findall(r"`(\w+)`", cell)}
    assert set(CURES) == told - EXPECTED
    assert set(CURES) >= INSTALLATION
    assert all(text[0].isupper() or text.startswith(("'", "kubectl")) for text in CURES.values())
    assert all(text.endswith((".", "?")) for text in CURES.values())
