"""A healthy installation, as the chart makes it: the doctor has nothing to say against it, and shows no secret."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import yaml

from tests.cluster.paths import repo_root
from tests.unit.cli.doctor.installed import FURTHER, HIDDEN, SECRET, SITE, SYSTEM, facts_of, healthy, said
from webjobs.objects import Object
from webjobs_cli.doctor.examine import examine
from webjobs_cli.doctor.report import exit_code, summary


async def test_nothing_is_said_against_it() -> None:
    found = examine(await facts_of(healthy()))
    assert said(found, "bad", "warn", "unknown") == []
    assert exit_code(found) == 0
    assert summary(found) == f"{len(found)} ok."
    assert {one.subject for one in found} == {
        *("CRDs", "operator", "shim", "versions", "installations", "rights", "store", "credentials", "ways in"),
        *("namespaces", "clocks", "watching", "WebJobs"),
    }


def _secret(name: str, *keys: str) -> Object:
    return {"kind": "Secret", "metadata": {"name": name, "namespace": SYSTEM}, "data": dict.fromkeys(keys, SECRET)}


def profile(name: str) -> dict[str, Any]:
    """The values of a profile of the chart."""
    found: dict[str, Any] = yaml.safe_load((repo_root() / f"charts/webjobs/values-{name}.yaml").read_text())
    found.pop("site", None)  # whose namespace is another one here
    return found


@pytest.mark.parametrize(
    "values",
    [
        profile("production"),
        profile("openshift"),
        {"nameOverride": "jobs", "operator": {"serviceAccount": {"name": "robot", "create": False}}},
        {"image": {"digest": f"sha256:{'1' * 64}"}},
        {"namespaces": [SITE, FURTHER]},
    ],
    ids=["production", "openshift", "other names", "by digest", "some namespaces"],
)
async def test_other_values_are_no_illness(values: dict[str, Any]) -> None:
    kube = healthy(values)
    kube.add(_secret("webjobs-bucket", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"))
    kube.add(_secret("webjobs-owner", "username", "password"))
    if ("ServiceAccount", SYSTEM, "robot") not in kube.objects:
        kube.add({"kind": "ServiceAccount", "metadata": {"name": "robot", "namespace": SYSTEM}})
    assert said(examine(await facts_of(kube)), "bad", "warn", "unknown") == []


async def test_no_secret_is_among_the_facts() -> None:
    kube = healthy()
    assert any(hidden in str(kube.objects) for hidden in HIDDEN)
    text = str(dataclasses.asdict(await facts_of(kube)))
    assert not any(hidden in text for hidden in HIDDEN)


async def test_nothing_is_written() -> None:
    kube = healthy()
    await facts_of(kube)
    assert kube.writes == []
