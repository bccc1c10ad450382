"""The cache, and the comparison that keeps it honest."""

from __future__ import annotations

from typing import Any

from tests.fakes.kube import FakeKube
from tests.fakes.objects import job, run_async, run_body, webjob_body
from webjobs_operator.cluster.cache import Cache, Key
from webjobs_operator.cluster.resync import compare

KEY = ("site", "job")


def test_the_newest_version_wins() -> None:
    cache = Cache()
    cache.observe("WebJob", webjob_body({"suspend": True}, version=7))
    cache.observe("WebJob", webjob_body({"suspend": False}, version=6))
    webjob = cache.webjob(KEY)
    assert webjob is not None
    assert webjob.spec.suspend is True


def test_versions_are_compared_as_numbers() -> None:
    cache = Cache()
    cache.observe("WebJob", webjob_body({"suspend": True}, version=10))
    cache.observe("WebJob", webjob_body({"suspend": False}, version=9))
    webjob = cache.webjob(KEY)
    assert webjob is not None
    assert webjob.spec.suspend is True


def test_what_is_gone_does_not_come_back_by_a_late_answer() -> None:
    cache = Cache()
    body = run_body()
    cache.observe("WebJobRun", body)
    assert list(cache.runs(KEY)) == [body["metadata"]["name"]]
    assert cache.forget("WebJobRun", body) == KEY
    cache.observe("WebJobRun", body)
    assert cache.runs(KEY) == {}


def test_a_new_object_of_the_same_name_is_another() -> None:
    cache = Cache()
    old = job()
    cache.observe("Job", old)
    new = job(uid="another", resourceVersion="5")
    cache.observe("Job", new)
    cache.forget("Job", old)  # told late
    assert cache.of("Job", KEY)[new["metadata"]["name"]]["metadata"]["uid"] == "another"


def test_large_contents_are_not_kept() -> None:
    cache = Cache()
    cache.observe("ConfigMap", job(name="package") | {"kind": "ConfigMap", "binaryData": {"x": "y" * 1000}})
    assert "binaryData" not in cache.of("ConfigMap", KEY)["package"]


def test_strangers_are_left_out() -> None:
    stranger = job()
    stranger["metadata"]["labels"] = {}
    assert Cache().observe("Job", stranger) is None


def test_comparison_finds_what_the_watches_missed() -> None:
    kube, cache, due = FakeKube(), Cache(), list[Key]()
    for name in ("gone", "changed", "same"):
        body = job(name=name)
        for field in ("uid", "resourceVersion"):
            body["metadata"].pop(field)
        cache.observe("Job", kube.add(body))
    kube.objects.pop(("Job", "site", "gone"))
    run_async(kube.patch("Job", "site", "changed", {"spec": {"suspend": True}}))
    arguments = {"kube": kube, "cache": cache, "namespaces": [], "add": due.append}
    run_async(compare(kind="Job", **arguments))  # type: ignore[arg-type]
    assert sorted(cache.of("Job", KEY)) == ["changed", "same"]
    assert cache.of("Job", KEY)["changed"]["spec"]["suspend"] is True
    assert due == [KEY, KEY]
    due.clear()
    run_async(compare(kind="Job", **arguments))  # type: ignore[arg-type]
    assert due == []


def test_an_object_whose_label_changes_leaves_its_webjob() -> None:
    cache = Cache()
    cache.observe("Job", job(name="moves"))
    cache.observe("Job", job(name="moves", resourceVersion="5", labels={"webjobs.dev/webjob": "other"}))
    assert cache.of("Job", KEY) == {}
    assert list(cache.of("Job", ("site", "other"))) == ["moves"]


def test_the_end_of_an_object_whose_move_was_missed_is_told_to_both() -> None:
    cache = Cache()
    cache.observe("Job", job(name="moves"))
    moved = job(name="moves", resourceVersion="5", labels={"webjobs.dev/webjob": "other"})
    assert cache.drop("Job", moved) == [("site", "other"), KEY]
    assert cache.of("Job", KEY) == {}


def test_a_comparison_leaves_what_is_newer_than_its_list() -> None:
    """The label of a Job was off at 2, and is back since 5, while a list of 3 was under way."""
    cache, body = Cache(), job()
    cache.observe("Job", body)

    class Late(FakeKube):
        async def list_at(
            self, kind: str, namespace: str | None, *, selector: str | None = None, fields: str | None = None
        ) -> tuple[list[dict[str, Any]], str]:
            cache.drop("Job", body | {"metadata": body["metadata"] | {"resourceVersion": "2"}})
            cache.take("Job", body | {"metadata": body["metadata"] | {"resourceVersion": "5"}})
            return [], "3"

    run_async(compare(kind="Job", kube=Late(), cache=cache, namespaces=[], add=lambda _: None))
    assert list(cache.of("Job", KEY)) == [body["metadata"]["name"]]
