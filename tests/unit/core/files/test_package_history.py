"""Earlier packages: what is noted when one takes another's place, and the way back."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.fakes.objects import webjob_body
from webjobs.files import package_history
from webjobs.files.package_history import ANNOTATION, KEPT, NothingEarlier

NOW = datetime(2026, 3, 1, tzinfo=UTC)
Object = dict[str, Any]


def package(letter: str, **more: Any) -> Object:
    return {"digest": f"sha256:{letter * 64}", "entrypoint": "run.sh", "size": 1, "files": 1} | more


def job(letter: str, **spec: Any) -> Object:
    return webjob_body({"script": None, "package": package(letter)} | spec)


def upload(raw: Object, letter: str, *, settings: Object | None = None, now: datetime = NOW) -> Object:
    changed = deepcopy(raw)
    changed["spec"] |= {"package": package(letter), "settings": settings or {}}
    package_history.record(raw, changed, now=now)
    return changed


def digits(raw: Object) -> str:
    return "".join(one.package.digest[7] for one in package_history.of(raw))


def test_each_upload_notes_the_one_before() -> None:
    raw = job("a", settings={"x": 1})
    for letter in "bcdef0":
        raw = upload(raw, letter, now=NOW + timedelta(minutes=1))
    assert digits(raw) == "fedcb"
    assert len(package_history.of(raw)) == KEPT
    assert upload(raw, "0") == raw  # the same once more
    again = upload(raw, "d")
    assert digits(again) == "0fecb"


def test_the_settings_beside_it_are_kept() -> None:
    raw = upload(job("a", settings={"schedule": "0 0 0 1 1 *"}), "b")
    (one,) = package_history.of(raw)
    assert (one.settings, one.replaced) == ({"schedule": "0 0 0 1 1 *"}, "2026-03-01T00:00:00Z")


@pytest.mark.parametrize("before", [webjob_body(), job("a", package=package("a", entrypoint=None))])
def test_what_is_no_package_that_ran_is_not_noted(before: Object) -> None:
    assert package_history.of(upload(before, "b")) == []


def test_there_and_back() -> None:
    raw = upload(job("a", settings={"v": 1}), "b", settings={"v": 2})
    back = package_history.go_back(raw, package_history.choose(raw, None), now=NOW)
    assert (back["spec"]["package"], back["spec"]["settings"], digits(back)) == (package("a"), {"v": 1}, "b")
    assert raw["spec"]["package"] == package("b")  # what was given is as it was
    forth = package_history.go_back(back, package_history.choose(back, None), now=NOW)
    assert (forth["spec"]["package"], forth["spec"]["settings"], digits(forth)) == (package("b"), {"v": 2}, "a")


@pytest.mark.parametrize(
    ("wanted", "found"),
    [(None, "b"), ("a", "a"), ("sha256:aaaa", "a"), ("B", "b"), ("c", "no earlier package begins"), ("", "no earlier")],
)
def test_choice(wanted: str | None, found: str) -> None:
    raw = upload(upload(job("a"), "b"), "c")
    try:
        chosen = package_history.choose(raw, wanted).package.digest[7]
    except NothingEarlier as error:
        chosen = str(error)
    assert chosen.startswith(found)


def test_nothing_to_go_back_to() -> None:
    with pytest.raises(NothingEarlier, match="no earlier package is known"):
        package_history.choose(job("a"), None)


@pytest.mark.parametrize(
    "text",
    ["", "no json", "{}", "[1, null, {}]", '[{"package": {"digest": "x"}}]', '[{"package": 3}]', "[" * 100_000],
)
def test_an_annotation_of_somebody_else_does_no_harm(text: str) -> None:
    raw = job("a")
    raw["metadata"]["annotations"] = {ANNOTATION: text, "other": "stays"}
    assert package_history.of(raw) == []
    changed = upload(raw, "b")
    assert digits(changed) == "a"
    assert changed["metadata"]["annotations"]["other"] == "stays"


def test_large_settings_leave_room_for_fewer() -> None:
    raw = job("a", settings={"x": "y" * 40_000})
    for letter in "bc":
        raw = upload(raw, letter, settings={"x": "y" * 40_000})
    assert digits(raw) == "b"
    assert len(json.dumps(raw["metadata"]["annotations"])) < 2**17
    huge = upload(job("a", settings={"x": "y" * 100_000}), "b")
    assert ANNOTATION not in huge["metadata"].get("annotations", {})
