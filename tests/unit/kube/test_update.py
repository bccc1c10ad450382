"""Read, edit, write: what others do in between, when it gives up, and what it never does."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.kube import Call, FakeKube
from webjobs_kube.errors import AlreadyExists, ApiError, Conflict, Invalid, NotFound
from webjobs_kube.update import TRIES, update, update_by_patch

Object = dict[str, Any]
WHERE = ("ConfigMap", "site", "counts")


def counts(**data: str) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "counts", "namespace": "site"}, "data": data}


async def one_more(there: Object | None) -> Object | None:
    number = int(there["data"]["number"]) if there else 0
    return (there or counts()) | {"data": {"number": str(number + 1)}}


def next_number(there: Object) -> Object:
    return {"data": {"number": str(int(there["data"]["number"]) + 1)}}


def kube_with(**data: str) -> FakeKube:
    kube = FakeKube()
    kube.add(counts(**data))
    return kube


def number(kube: FakeKube) -> str:
    return str(kube.objects[WHERE]["data"]["number"])


async def test_what_is_missing_is_created_and_what_is_there_is_replaced() -> None:
    kube = FakeKube()
    for _ in range(3):
        await update(kube, *WHERE, one_more)
    assert number(kube) == "3"
    assert [call.verb for call in kube.writes] == ["create", "replace", "replace"]


async def test_an_edit_that_wants_nothing_writes_nothing() -> None:
    async def leave(there: Object | None) -> Object | None:
        return None

    kube = kube_with(number="1")
    await update(kube, *WHERE, leave)
    assert await update_by_patch(kube, *WHERE, lambda there: None) is None
    assert kube.writes == []


async def test_a_patch_of_what_is_gone_writes_nothing() -> None:
    kube = FakeKube()
    assert await update_by_patch(kube, *WHERE, next_number) is None
    assert kube.writes == []


@pytest.mark.parametrize("by_patch", [False, True])
async def test_a_change_in_between_is_not_lost(by_patch: bool) -> None:
    kube, others = kube_with(number="1"), iter(("10", "20"))

    async def other(call: Call) -> None:
        if call.verb in ("replace", "patch") and (value := next(others, None)):
            kube.before_call = None
            await kube.patch(*WHERE, {"data": {"number": value}})
            kube.before_call = other

    kube.before_call = other
    await (update_by_patch(kube, *WHERE, next_number) if by_patch else update(kube, *WHERE, one_more))
    assert number(kube) == "21"


@pytest.mark.parametrize("verb", ["create", "replace"])
@pytest.mark.parametrize(
    "error", [AlreadyExists(409, "AlreadyExists", "x"), Conflict(409, "Conflict", "x"), NotFound(404, "NotFound", "x")]
)
async def test_others_that_are_faster_each_time(verb: str, error: ApiError) -> None:
    kube = kube_with(number="1") if verb == "replace" else FakeKube()
    kube.fail(error, verb=verb, times=99)
    with pytest.raises(Conflict, match="ConfigMap site/counts is being changed by others"):
        await update(kube, *WHERE, one_more)
    assert [call.verb for call in kube.calls].count(verb) == TRIES


async def test_a_patch_gives_up_as_well() -> None:
    kube = kube_with(number="1")
    kube.fail(Conflict(409, "Conflict", "x"), verb="patch", times=99)
    with pytest.raises(Conflict, match="ConfigMap site/counts is being changed by others"):
        await update_by_patch(kube, *WHERE, next_number, tries=3)
    assert [call.verb for call in kube.calls].count("patch") == 3


async def test_other_errors_pass_through_at_once() -> None:
    kube = kube_with(number="1")
    kube.fail(Invalid(422, "Invalid", "x"), verb="replace", times=99)
    with pytest.raises(Invalid):
        await update(kube, *WHERE, one_more)
    assert [call.verb for call in kube.calls] == ["get", "replace"]


async def test_what_the_edit_raises_passes_through() -> None:
    async def broken(there: Object | None) -> Object | None:
        raise ZeroDivisionError

    kube = kube_with(number="1")
    with pytest.raises(ZeroDivisionError):
        await update(kube, *WHERE, broken)
    assert kube.writes == []
