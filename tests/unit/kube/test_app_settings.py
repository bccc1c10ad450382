"""App settings move from the ConfigMap of before into the Secret: nothing is lost, whoever dies or comes between."""

from __future__ import annotations

import asyncio
from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

import pytest

from tests.fakes.kube import Call, Died, FakeKube
from webjobs.model.site.app_settings import ANNOTATION_MOVED, LABELS, moved_at
from webjobs_kube import app_settings
from webjobs_kube.errors import Conflict

NAME = "webjobs-settings"


def encoded(values: Mapping[str, str]) -> dict[str, str]:
    return {name: b64encode(value.encode()).decode() for name, value in values.items()}


def kube_with(
    config_map: Mapping[str, str] | None = None, secret: Mapping[str, str] | None = None, **more: Any
) -> FakeKube:
    """A site's namespace; ``more``: of the ConfigMap."""
    kube = FakeKube()
    if config_map is not None:
        meta = {"name": NAME, "namespace": "site", "labels": dict(LABELS)}
        kube.add({"kind": "ConfigMap", "metadata": meta, "data": dict(config_map)} | more)
    if secret is not None:
        meta = {"name": NAME, "namespace": "site"}
        kube.add({"kind": "Secret", "type": "Opaque", "metadata": meta, "data": encoded(secret)})
    return kube


def stored(kube: FakeKube) -> tuple[dict[str, str], dict[str, str]]:
    """What lies in ConfigMap and Secret."""
    (maps, secrets) = (kube.of_kind(kind) for kind in ("ConfigMap", "Secret"))
    texts = (secrets[0].get("data") or {}) if secrets else {}
    return maps[0].get("data") or {} if maps else {}, {name: b64decode(one).decode() for name, one in texts.items()}


def put(**values: str) -> app_settings.Edit:
    return lambda known: {**known, **values}


def without(name: str) -> app_settings.Edit:
    return lambda known: {key: value for key, value in known.items() if key != name}


async def test_the_secret_wins_where_both_have_a_key() -> None:
    kube = kube_with({"a": "old", "b": "map"}, {"a": "new", "c": "secret"})
    assert await app_settings.read(kube, "site") == {"a": "new", "b": "map", "c": "secret"}
    assert kube.writes == []


async def test_the_first_write_moves_everything() -> None:
    kube = kube_with({"a": "old", "b": "map"}, {"a": "new"})
    assert await app_settings.change(kube, "site", put(c="3")) == {"a": "new", "b": "map", "c": "3"}
    assert stored(kube) == ({}, {"a": "new", "b": "map", "c": "3"})
    (left,), (secret,) = kube.of_kind("ConfigMap"), kube.of_kind("Secret")
    assert left["metadata"]["annotations"] == {ANNOTATION_MOVED: secret["metadata"]["resourceVersion"]}
    assert moved_at(left) == int(secret["metadata"]["resourceVersion"])
    writes = len(kube.writes)
    assert await app_settings.change(kube, "site", put(c="3")) == {"a": "new", "b": "map", "c": "3"}
    assert len(kube.writes) == writes, "nothing differs"


async def test_a_setting_that_was_deleted_is_in_neither() -> None:
    kube = kube_with({"a": "old", "b": "map"}, {})
    assert await app_settings.change(kube, "site", without("a")) == {"b": "map"}
    assert stored(kube) == ({}, {"b": "map"})


@pytest.mark.parametrize("more", [{"immutable": True}, {"metadata": {"name": NAME, "namespace": "site"}}])
async def test_a_config_map_of_somebody_else_is_read_and_left_alone(more: dict[str, Any]) -> None:
    kube = kube_with({"a": "theirs"}, {}, **more)
    assert await app_settings.change(kube, "site", put(b="ours")) == {"a": "theirs", "b": "ours"}
    assert stored(kube) == ({"a": "theirs"}, {"b": "ours"})
    assert (await app_settings.change(kube, "site", without("a")))["a"] == "theirs", "its reader is told"


@pytest.mark.parametrize("edit", [put(c="3"), without("a")], ids=["put", "delete"])
@pytest.mark.parametrize("writes", [0, 1])
async def test_whoever_dies_in_between_loses_nothing(writes: int, edit: app_settings.Edit) -> None:
    kube = kube_with({"a": "1", "b": "2"}, {})
    kube.die_after_writes = writes
    with pytest.raises(Died):
        await app_settings.change(kube, "site", edit)
    kube.die_after_writes = None
    assert {"a": "1", "b": "2"}.items() <= (await app_settings.read(kube, "site")).items(), "not answered, not done"
    expected = dict(edit({"a": "1", "b": "2"}))
    assert await app_settings.change(kube, "site", edit) == expected
    assert stored(kube) == ({}, expected)


async def test_two_that_move_at_once() -> None:
    kube = kube_with({"a": "1"}, {})
    await asyncio.gather(*(app_settings.change(kube, "site", put(**{f"of{n}": "x"})) for n in range(3)))
    assert stored(kube) == ({}, {"a": "1", "of0": "x", "of1": "x", "of2": "x"})


@pytest.mark.parametrize("made", [True, False], ids=["there before", "made by the move"])
async def test_a_read_during_a_move_misses_nothing(made: bool) -> None:
    """Both objects are read at once: the Secret as it was before the move, the ConfigMap as it is after it."""
    kube = kube_with({"a": "1"}, {} if made else None)

    async def move(call: Call) -> None:
        if call.kind == "ConfigMap":
            for _ in range(10):
                await asyncio.sleep(0)  # until the Secret was read
            kube.before_call = None
            await app_settings.change(kube, "site", put())

    kube.before_call = move
    assert await app_settings.read(kube, "site") == {"a": "1"}
    kube.calls.clear()
    await app_settings.read(kube, "site")
    assert len(kube.calls) == 2


async def test_what_others_moved_and_deleted_does_not_come_back() -> None:
    """One has read the ConfigMap; another moves all, deletes ``a`` and answers; then the first one writes."""
    kube = kube_with({"a": "1"}, {})

    async def other(call: Call) -> None:
        if call.verb == "replace":
            kube.before_call = None
            await app_settings.change(kube, "site", without("a"))

    kube.before_call = other
    await app_settings.change(kube, "site", put(b="2"))
    assert stored(kube) == ({}, {"b": "2"})


async def test_what_comes_into_the_config_map_meanwhile_moves_too() -> None:
    kube = kube_with({"a": "1"}, {})

    async def other(call: Call) -> None:
        if call.verb == "patch":
            kube.before_call = None
            await kube.patch("ConfigMap", "site", NAME, {"data": {"late": "2"}})

    kube.before_call = other
    await app_settings.change(kube, "site", put(b="3"))
    assert stored(kube) == ({}, {"a": "1", "b": "3", "late": "2"})


async def test_a_tool_that_applies_the_config_map_again_changes_nothing() -> None:
    """And no write follows from it: the two never fight."""
    kube = kube_with({"a": "git"}, {})
    await app_settings.change(kube, "site", put(a="rest"))
    await kube.patch("ConfigMap", "site", NAME, {"data": {"a": "git"}})
    assert await app_settings.read(kube, "site") == {"a": "rest"}
    await app_settings.change(kube, "site", put(b="2"))
    assert stored(kube) == ({}, {"a": "rest", "b": "2"})


async def test_others_that_are_faster_each_time() -> None:
    kube = kube_with({"a": "1"}, {})
    kube.fail(Conflict(409, "Conflict", "changed"), verb="patch", times=100)
    with pytest.raises(Conflict, match="by others"):
        await app_settings.change(kube, "site", put(b="2"))


async def test_bytes_that_are_no_text_stay_what_they_are() -> None:
    kube = kube_with(None, {"a": "1"})
    kube.objects["Secret", "site", NAME]["data"]["raw"] = b64encode(b"\xff\x00").decode()
    await app_settings.change(kube, "site", put(a="2"))
    assert kube.of_kind("Secret")[0]["data"]["raw"] == b64encode(b"\xff\x00").decode()
