"""The generated CRDs: structural, described, and up to date."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests import generate
from webjobs.crd import definition as crd

SCHEMAS = {
    "WebJob": crd.webjob(),
    "WebJobRun": crd.webjobrun(),
    "WebJobSchedule": crd.webjobschedule(),
}


def schema_of(definition: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return schema


def walk(node: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, node
    for name, child in node.get("properties", {}).items():
        yield from walk(child, f"{path}.{name}")
    if "items" in node:
        yield from walk(node["items"], f"{path}[]")


NODES = [(path, node) for name, one in SCHEMAS.items() for path, node in walk(schema_of(one), name)]


@pytest.mark.parametrize(("path", "node"), NODES, ids=[path for path, _ in NODES])
def test_every_node_is_structural_and_described(path: str, node: dict[str, Any]) -> None:
    assert node.get("type") in {"object", "array", "string", "integer", "boolean"}
    assert not {"$ref", "anyOf", "oneOf", "allOf", "title"} & set(node)
    assert ("default" in node) == (path == "WebJob.spec.replicas"), "autoscalers refuse a scale without a number"
    if not path.endswith(("[]", ".metadata")):
        assert node.get("description", "").endswith("."), "kubectl explain would show nothing"
    if node["type"] == "array":
        assert node["x-kubernetes-list-type"] in {"map", "atomic"}


@pytest.mark.parametrize("definition", SCHEMAS.values(), ids=SCHEMAS)
def test_rules_say_what_is_wrong(definition: dict[str, Any]) -> None:
    rules = [rule for _, node in walk(schema_of(definition), "") for rule in node.get("x-kubernetes-validations", [])]
    assert rules
    assert all(len(rule["message"]) > 20 for rule in rules)


def test_generated_files_are_up_to_date() -> None:
    stale = [path.name for path, content in generate.wanted().items() if path.read_text() != content]
    assert stale == []
