"""That the API server in memory behaves as the real one where tests rely on it."""

from __future__ import annotations

import pytest

from tests.fakes.kube import Died, FakeKube, merge_patch, selects
from tests.fakes.objects import run_body, webjob_body
from webjobs_kube.errors import AlreadyExists, Conflict, Invalid, NotFound, Unreachable


def test_merge_patch() -> None:
    assert merge_patch(
        {"a": 1, "b": {"c": 1, "d": 2}, "e": [1]}, {"a": None, "b": {"c": None, "x": {"y": None}}, "e": [2]}
    ) == {
        "b": {"d": 2, "x": {}},
        "e": [2],
    }
    assert merge_patch([1], {"a": 1}) == {"a": 1}


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        (None, True),
        ("", True),
        ("a=1", True),
        ("a==1,b=2", True),
        ("a=2", False),
        ("a", True),
        ("c", False),
        ("!c", True),
        ("!a", False),
        ("a!=2", True),
        ("c!=1", True),
        ("a=1,c", False),
    ],
)
def test_selectors(selector: str | None, expected: bool) -> None:
    assert selects(selector, {"a": "1", "b": "2"}) is expected


async def test_versions_and_generations() -> None:
    kube = FakeKube()
    created = await kube.create(webjob_body(status={"state": "x"}))
    assert "status" not in created
    version = created["metadata"]["resourceVersion"]
    same = await kube.patch("WebJob", "site", "job", {"spec": {"type": "triggered"}})
    assert same["metadata"]["resourceVersion"] == version
    lock = {"metadata": {"resourceVersion": version}, "spec": {"suspend": True}, "status": {"state": "Idle"}}
    locked = await kube.patch("WebJob", "site", "job", lock, subresource="status")
    assert locked["status"] == {"state": "Idle"}
    assert "suspend" not in locked["spec"]
    assert locked["metadata"]["generation"] == 1
    with pytest.raises(Conflict):
        await kube.patch("WebJob", "site", "job", lock, subresource="status")
    with pytest.raises(Conflict):
        await kube.replace(created)
    locked["spec"]["suspend"] = True
    locked["status"] = {}
    replaced = await kube.replace(locked)
    assert (replaced["metadata"]["generation"], replaced["status"]) == (2, {"state": "Idle"})
    with pytest.raises(AlreadyExists):
        await kube.create(webjob_body())
    with pytest.raises(Invalid):
        await kube.create(webjob_body(name="Bad"))
    with pytest.raises(Invalid):
        await kube.create(webjob_body({"type": "other"}, name="other"))


async def test_what_is_read_is_a_copy() -> None:
    kube = FakeKube()
    kube.add(webjob_body())
    (await kube.get("WebJob", "site", "job"))["spec"]["type"] = "changed"
    listed = await kube.list("WebJob", "site")
    assert listed[0]["spec"]["type"] == "triggered"
    assert "kind" not in listed[0]


async def test_delete_takes_dependents_along() -> None:
    kube = FakeKube()
    kube.add(webjob_body())
    kube.add(run_body(ownerReferences=[{"kind": "WebJob", "name": "job", "uid": "uid-job"}]))
    with pytest.raises(Conflict):
        await kube.delete("WebJob", "site", "job", uid="another")
    await kube.delete("WebJob", "site", "job", uid="uid-job")
    assert not kube.objects
    with pytest.raises(NotFound):
        await kube.delete("WebJob", "site", "job")


async def test_apply_drops_what_is_applied_no_more() -> None:
    kube = FakeKube()
    config: dict[str, object] = {"kind": "ConfigMap", "metadata": {"name": "c", "namespace": "site"}}
    await kube.apply(config | {"data": {"a": "1", "b": "2"}})
    await kube.patch("ConfigMap", "site", "c", {"data": {"theirs": "3"}})
    applied = await kube.apply(config | {"data": {"a": "4"}})
    assert applied["data"] == {"a": "4", "theirs": "3"}
    before = applied["metadata"]["resourceVersion"]
    assert (await kube.apply(config | {"data": {"a": "4"}}))["metadata"]["resourceVersion"] == before


async def test_failures() -> None:
    kube = FakeKube()
    kube.add(webjob_body())
    kube.fail(Unreachable("x"), verb="patch", after=True)
    with pytest.raises(Unreachable):
        await kube.patch("WebJob", "site", "job", {"spec": {"suspend": True}})
    assert (await kube.get("WebJob", "site", "job"))["spec"]["suspend"] is True
    kube.die_after_writes = 2
    await kube.patch("WebJob", "site", "job", {"spec": {"suspend": False}})
    with pytest.raises(Died):
        await kube.get("WebJob", "site", "job")
    assert [call.verb for call in kube.calls] == ["patch", "get", "patch"]
