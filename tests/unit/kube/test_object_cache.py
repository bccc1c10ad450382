"""The rules of object caches: what counts of news that come late, twice and in any order."""

from __future__ import annotations

from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webjobs_kube import object_cache
from webjobs_kube.object_cache import ObjectCache, without_managed_fields

Object = dict[str, Any]


class Contents:
    """A cache of texts by home and name, as small as it can be."""

    def __init__(self) -> None:
        self.there: dict[str, dict[str, str]] = {}
        self.rules: ObjectCache[str, str] = ObjectCache(self._take_out)

    def _take_out(self, kind: str, home: str, name: str) -> None:
        del self.there[home][name]  # a KeyError if it was not there

    def observe(self, name: str, uid: str, version: int, *, home: str = "home", kind: str = "Pod") -> bool:
        body = {"metadata": {"uid": uid, "resourceVersion": str(version)}}
        news = self.rules.observe(kind, name, body, home=home)
        if news:
            self.there.setdefault(home, {})[name] = f"{uid}@{version}"
        return news

    def forget(self, name: str, uid: str, version: float = inf) -> str | None:
        return self.rules.forget("Pod", name, uid=uid, version=version)

    @property
    def flat(self) -> dict[str, str]:
        """All contents by name; each name is at one home only."""
        pairs = [pair for of_home in self.there.values() for pair in of_home.items()]
        assert len(dict(pairs)) == len(pairs)
        return dict(pairs)


@pytest.mark.parametrize(
    ("news", "left"),
    [
        pytest.param([("u", 1), ("u", 2)], "u@2", id="newer"),
        pytest.param([("u", 2), ("u", 1)], "u@2", id="older"),
        pytest.param([("u", 2), ("u", 2)], "u@2", id="twice"),
        pytest.param([("u", 10), ("u", 9)], "u@10", id="as numbers"),
        pytest.param([("u", 1), "u"], None, id="gone"),
        pytest.param([("u", 1), "u", ("u", 5)], None, id="late answer about what is gone"),
        pytest.param(["u", ("u", 5)], None, id="end told before all else"),
        pytest.param([("u", 1), ("v", 2)], "v@2", id="another of that name"),
        pytest.param([("u", 1), ("v", 2), "u"], "v@2", id="end of the former told late"),
        pytest.param([("v", 2), ("u", 1)], "v@2", id="the former told late"),
        pytest.param([("u", 1), ("v", 2), "v", ("u", 3)], None, id="the former never comes back"),
        pytest.param([("u", 1), "u", ("v", 2)], "v@2", id="made anew"),
    ],
)
def test_what_counts(news: list[tuple[str, int] | str], left: str | None) -> None:
    contents = Contents()
    for one in news:
        if isinstance(one, str):
            contents.forget("a", one)
        else:
            contents.observe("a", *one)
    assert contents.flat.get("a") == left


def test_an_object_without_its_label_comes_back_with_it() -> None:
    """A watch with a selector tells of both as an end and a beginning, with one UID."""
    contents = Contents()
    contents.observe("a", "u", 1)
    contents.forget("a", "u", 5)
    assert [contents.observe("a", "u", version) for version in (2, 5, 6)] == [False, False, True]
    assert contents.flat == {"a": "u@6"}


def test_news_are_told_from_the_rest() -> None:
    contents = Contents()
    assert contents.observe("a", "u", 1) is True
    assert contents.observe("a", "u", 1) is False
    assert contents.observe("a", "u", 2) is True
    assert contents.forget("a", "other") is None
    assert contents.forget("a", "u") == "home"
    assert contents.forget("a", "u") is None
    assert contents.observe("a", "u", 3) is False


def test_an_object_leaves_its_former_home() -> None:
    contents = Contents()
    contents.observe("a", "u", 1, home="old")
    contents.observe("a", "u", 2, home="new")
    contents.observe("a", "u", 1, home="old")  # told late
    assert contents.there == {"old": {}, "new": {"a": "u@2"}}
    assert contents.rules.home("Pod", "a") == "new"
    assert contents.rules.home("Pod", "b") is None


def test_kinds_have_names_and_uids_of_their_own() -> None:
    contents = Contents()
    contents.observe("a", "u", 1, home="pods")
    contents.observe("a", "u", 1, home="jobs", kind="Job")
    contents.forget("a", "u")
    assert contents.flat == {"a": "u@1"}
    assert contents.observe("a", "u", 2, home="jobs", kind="Job") is True


def test_a_list_takes_out_what_is_older_than_it() -> None:
    contents = Contents()
    for name, version in (("gone", 3), ("stays", 4), ("newer", 9)):
        contents.observe(name, f"uid-{name}", version)
    contents.rules.forget_others("Pod", {"uid-stays"}, version=8)
    assert sorted(contents.flat) == ["newer", "stays"]
    assert contents.observe("gone", "uid-gone", 10) is False


def test_only_so_many_that_are_gone_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_cache, "GONE", 3)
    contents = Contents()
    for number in range(5):
        contents.forget("a", f"u{number}")
    assert [contents.observe("a", f"u{number}", number + 1) for number in (4, 3, 2, 1)] == [False, False, False, True]


def test_managed_fields_are_left_out_of_a_copy() -> None:
    body = {"kind": "Pod", "metadata": {"name": "a", "managedFields": [{}]}}
    assert without_managed_fields(body) == {"kind": "Pod", "metadata": {"name": "a"}}
    assert body["metadata"] == {"name": "a", "managedFields": [{}]}


EVENT = st.tuples(st.sampled_from("abc"), st.sampled_from(["one", "two"]), st.booleans())
"""Name, home from now on, and whether the object is deleted."""


@given(st.lists(EVENT, max_size=14), st.randoms(use_true_random=False))
def test_the_order_of_news_does_not_count(history: list[tuple[str, str, bool]], random: Any) -> None:
    """Told in any order, and some of it twice, the newest is left, at its home; what was told gone never returns."""
    there: dict[str, tuple[str, int, str]] = {}
    news: list[tuple[str, str, int, str]] = []
    for version, (name, home, deleted) in enumerate(history, start=1):
        if deleted:
            if name in there:
                news.append((name, there.pop(name)[0], 0, ""))
            continue
        uid = there[name][0] if name in there else f"{name}-{version}"
        there[name] = (uid, version, home)
        news.append((name, uid, version, home))
    told = news + [one for one in news if random.random() < 0.3]
    random.shuffle(told)
    contents, gone = Contents(), set()
    for name, uid, version, home in told:
        before = contents.flat.get(name)
        if home:
            contents.observe(name, uid, version, home=home)
        else:
            contents.forget(name, uid)
            gone.add(uid)
        after = contents.flat
        assert not gone & {one.partition("@")[0] for one in after.values()}
        if before and name in after:
            assert int(after[name].partition("@")[2]) >= int(before.partition("@")[2])
    assert contents.flat == {name: f"{uid}@{version}" for name, (uid, version, _) in there.items()}
    assert {name: contents.rules.home("Pod", name) for name in there} == {name: one[2] for name, one in there.items()}
