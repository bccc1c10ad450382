"""The reading of facts: clocks by Leases, keys of Secrets, versions by images, pages of runs."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.fakes.kube import FakeKube
from tests.fakes.objects import run_body
from tests.unit.cli.doctor.installed import facts_of, healthy, lease
from tests.unit.cli.doctor.test_jobs import run
from tests.unit.cli.doctor.test_namespaces import limit_range, quota
from webjobs.objects import Object
from webjobs_cli.doctor.examine import examine
from webjobs_cli.doctor.installation import NOT_SEEN, Look, Part, tag_of, version_of
from webjobs_cli.doctor.reading import keys
from webjobs_cli.doctor.reading.cluster import node_clocks
from webjobs_cli.doctor.reading.looking import Looking


@pytest.mark.parametrize("ahead", [0.4, 12.5, -7.0])
def test_the_clock_of_a_node(ahead: float) -> None:
    (found,) = node_clocks([lease("n", ahead=ahead)])
    assert found.node == "n"
    assert found.ahead == pytest.approx(ahead)


@pytest.mark.parametrize("broken", [{"spec": {}}, {"spec": {"renewTime": "noon"}}, {"spec": None}])
def test_a_lease_that_says_nothing(broken: Object) -> None:
    assert list(node_clocks([lease("n") | broken])) == []
    unmanaged = lease("n")
    del unmanaged["metadata"]["managedFields"]
    assert list(node_clocks([unmanaged])) == []


def secret(**values: str) -> Look[Object]:
    return Look(
        seen=True, value={"data": {key: base64.b64encode(one.encode()).decode() for key, one in values.items()}}
    )


def test_the_keys_of_a_secret() -> None:
    found = keys.of_secret(secret(username="me", password="x" * 15 + "\n", deployPassword="y" * 16, other="")).value
    assert found
    assert found.names == {"username", "password", "deployPassword", "other"}
    assert found.empty == {"other"}
    assert found.short == {"password"}


def test_values_that_are_no_base64_are_empty() -> None:
    found = keys.of_secret(Look(seen=True, value={"data": {"password": "\u00e9"}})).value
    assert found
    assert found.empty == {"password"}


def test_what_is_not_there_or_not_seen() -> None:
    for read in (keys.of_secret, keys.of_config_map):
        assert read(NOT_SEEN) == NOT_SEEN
        assert read(Look(seen=True)).missing
        assert read(Look(seen=True, value={})).value is not None


@pytest.mark.parametrize(
    ("image", "labels", "tag", "version"),
    [
        ("ghcr.io/a/b:0.1.0", {}, "0.1.0", "0.1.0"),
        ("ghcr.io/a/b:v0.1.0@sha256:12", {}, "v0.1.0", "0.1.0"),
        ("registry:5000/b", {"helm.sh/chart": "webjobs-0.2.0-rc.1"}, "", "0.2.0-rc.1"),
        ("b:src-1a2b", {"helm.sh/chart": "webjobs-0.2.0", "app.kubernetes.io/version": "0.3.0"}, "src-1a2b", "0.3.0"),
        ("b", {}, "", ""),
    ],
)
def test_versions(image: str, labels: dict[str, str], tag: str, version: str) -> None:
    spec = {"template": {"spec": {"containers": [{"image": image}]}}}
    part = Part(role="operator", deployment={"metadata": {"name": "x", "labels": labels}, "spec": spec})
    assert (tag_of(image), version_of(part)) == (tag, version)


async def test_of_very_many_runs_only_some_are_looked_at() -> None:
    kube = FakeKube()
    for number in range(1200):
        state: Any = None if number in (3, 1150) else "Success"
        kube.add(run_body(f"job-{number:04}", state=state))
    looking = Looking(kube)
    assert [one["metadata"]["name"] for one in await looking.unended(None, most=1000)] == ["job-0003"]
    assert [one.what for one in looking.unread] == ["look at more than the first 1000 webjobruns in all namespaces"]
    everything = Looking(kube)
    assert len(await everything.unended(None, most=5000)) == 2
    assert everything.unread == ()


BARE = [*("Deployment", "Pod", "PersistentVolumeClaim", "Namespace", "WebJob", "WebJobRun"), "CustomResourceDefinition"]
EMPTY = ["ResourceQuota", "LimitRange", "Lease", "EndpointSlice", "ConfigMap", "Secret"]


@pytest.mark.parametrize("value", [None, {}])
@pytest.mark.parametrize("kind", [*BARE, *EMPTY])
async def test_objects_that_say_little_are_no_surprise(kind: str, value: Object | None) -> None:
    """A controller has not seen them yet, or nobody wrote anything into them."""
    kube = healthy()
    for broken in (quota({"pods": "1"}), limit_range(max={"cpu": "1"}), run()):
        broken(kube)
    for one in kube.of_kind(kind):
        body = kube.at(kind, one["metadata"]["name"], one["metadata"]["namespace"])
        for key in ("status",) if kind in BARE else ("spec", "data", "endpoints"):
            body[key] = value
    assert examine(await facts_of(kube))
