"""App settings of a site as two watches tell of them, which are not in step."""

from __future__ import annotations

from base64 import b64encode
from itertools import permutations
from typing import Any

import pytest

from tests.fakes.cluster import KEY, World
from tests.fakes.objects import run_async, webjob_body
from webjobs.model.site.app_settings import ANNOTATION_MOVED, LABELS
from webjobs_operator.cluster import resync
from webjobs_operator.cluster.cache import Cache, fields_of
from webjobs_operator.cluster.sites import Sites

NAME = "webjobs-settings"


def config_map(version: int, *, moved: int | None = None, **data: str) -> dict[str, Any]:
    notes = {"kubectl.kubernetes.io/last-applied-configuration": "{'data': 'secret word'}"}
    notes |= {ANNOTATION_MOVED: str(moved)} if moved else {}
    meta = {"name": NAME, "namespace": "site", "uid": "map", "labels": dict(LABELS), "annotations": notes}
    return {"kind": "ConfigMap", "metadata": meta | {"resourceVersion": str(version)}, "data": data}


def secret(version: int, *, name: str = NAME, **data: str) -> dict[str, Any]:
    encoded = {key: b64encode(value.encode()).decode() for key, value in data.items()}
    meta = {"name": name, "namespace": "site", "uid": f"uid-{name}", "resourceVersion": str(version)}
    return {"kind": "Secret", "metadata": meta, "data": encoded}


def test_the_secret_wins() -> None:
    sites = Sites()
    sites.take("ConfigMap", config_map(1, WEBJOBS_STOPPED="1", WEBSITE_TIME_ZONE="UTC"))
    sites.take("Secret", secret(2, WEBJOBS_STOPPED="0"))
    found = sites.settings("site")
    assert (found.stopped, found.time_zone) == (False, "UTC")
    sites.drop("Secret", secret(3))
    assert sites.settings("site").stopped
    sites.drop("ConfigMap", config_map(4))
    assert not sites.settings("site").stopped


MOVE = [("Secret", secret(6, WEBJOBS_STOPPED="1", A="b")), ("ConfigMap", config_map(7, moved=6))]


@pytest.mark.parametrize("news", [*permutations(MOVE), *permutations([*MOVE, MOVE[1]])])
def test_settings_are_never_gone_while_they_move(news: Any) -> None:
    """The ConfigMap was emptied after the Secret was written, but its news can come first; and each can come twice."""
    sites = Sites()
    sites.take("ConfigMap", config_map(2, WEBJOBS_STOPPED="1", A="b"))
    sites.take("Secret", secret(3))
    before = sites.settings("site")
    for kind, body in news:
        sites.take(kind, body)
        assert sites.settings("site") == before, "and no digest changes: continuous jobs go on"
    sites.take("Secret", secret(8, A="b"))
    assert not sites.settings("site").stopped


def test_changes_of_an_emptied_config_map_count_once_the_secret_is_seen() -> None:
    sites = Sites()
    sites.take("ConfigMap", config_map(2, WEBJOBS_STOPPED="1"))
    sites.take("ConfigMap", config_map(7, moved=6))
    sites.take("ConfigMap", config_map(9, moved=6, WEBSITE_TIME_ZONE="UTC"))
    assert (sites.settings("site").stopped, sites.settings("site").time_zone) == (True, None)
    sites.take("Secret", secret(6, A="b"))
    assert (sites.settings("site").stopped, sites.settings("site").time_zone) == (False, "UTC")


def test_a_secret_that_is_deleted_at_once_holds_nothing_up() -> None:
    sites = Sites()
    sites.take("ConfigMap", config_map(2, WEBJOBS_STOPPED="1"))
    sites.take("ConfigMap", config_map(7, moved=6))
    sites.drop("Secret", secret(8))
    assert not sites.settings("site").stopped
    sites.take("ConfigMap", config_map(9, moved=6, WEBJOBS_STOPPED="1"))
    assert sites.settings("site").stopped


def test_a_secret_that_nobody_ever_told_of_is_missed_by_the_comparison() -> None:
    """Made by a move and deleted at once, while the watch of Secrets was broken."""
    world, due = World(webjob_body(), config_map(0, WEBJOBS_STOPPED="1")), list[Any]()
    world.watch()
    world.cache.take("ConfigMap", world.one("ConfigMap"))
    patch = {"metadata": {"annotations": {ANNOTATION_MOVED: "3"}}, "data": {"WEBJOBS_STOPPED": None}}
    world.cache.take("ConfigMap", run_async(world.kube.patch("ConfigMap", "site", NAME, patch)))
    assert world.cache.site("site").stopped
    world.kube._version = 9
    run_async(resync.compare(kube=world.kube, cache=world.cache, kind="Secret", namespaces=[], add=due.append))
    assert (due, world.cache.site("site").stopped) == ([KEY], False)


def test_no_value_stays_in_what_is_known() -> None:
    cache = Cache()
    cache.take("ConfigMap", config_map(2, DB="secret word"))
    cache.take("Secret", secret(3, DB="secret word"))
    for kind in ("ConfigMap", "Secret"):
        (known,) = cache.known(kind).values()
        assert "secret word" not in str(known)
        assert "data" not in known
    assert "secret word" not in repr(cache.site("site"))


def test_another_secret_is_nobodys_business() -> None:
    cache = Cache()
    body = secret(3, name="other", WEBJOBS_STOPPED="1")
    body["metadata"]["labels"] = {"webjobs.dev/webjob": "job"}
    assert cache.take("Secret", body) == []
    assert cache.known("Secret") == {}
    assert fields_of("Secret") == "metadata.name=webjobs-settings"


def test_a_change_of_the_secret_restarts_a_continuous_job_and_a_move_does_not() -> None:
    world = World(webjob_body({"type": "continuous"}))
    world.cache.take("ConfigMap", config_map(2, A="b"))
    world.settle()
    for kind, body in [MOVE[1], ("Secret", secret(6, A="b"))]:
        assert world.cache.take(kind, body) == [KEY]
        assert world.settle() == []
    world.cache.take("Secret", secret(9, A="c"))
    assert world.settle() == ["apply Deployment"]
    assert "secret word" not in str(world.kube.objects)


def test_a_secret_that_was_deleted_unseen() -> None:
    world, due = World(webjob_body(), secret(0, WEBJOBS_STOPPED="1"), secret(0, name="other")), list[Any]()

    def compare() -> None:
        run_async(resync.compare(kube=world.kube, cache=world.cache, kind="Secret", namespaces=[], add=due.append))

    world.watch()
    for _ in range(2):
        compare()
        assert (due, world.cache.site("site").stopped) == ([KEY], True)
    del world.kube.objects["Secret", "site", NAME]
    compare()
    assert (due, world.cache.site("site").stopped) == ([KEY, KEY], False)
