"""The state of a site's deployments: what each event makes of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webjobs import times
from webjobs_apiserver.errors import Exists, Missing, Refused
from webjobs_apiserver.service.deployments import records, transitions
from webjobs_apiserver.service.deployments.places import base_of
from webjobs_apiserver.service.deployments.records import DEPLOYING, FAILED, SUCCESS, DeployedJob, Deployment, State

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
LATE = NOW + records.LEASE + timedelta(seconds=1)
ME, OTHER = "me", "other"


def new(identifier: str, *, at: datetime = NOW, holder: str = ME, **more: Any) -> Deployment:
    text = times.rfc3339(at)
    return Deployment(id=identifier, received=text, start=text, renewed=text, holder=holder, **more)


def job(name: str, package: str = "sha256:1") -> DeployedJob:
    return DeployedJob(job_type="triggered", name=name, package=package)


def done(state: State, one: Deployment, *jobs: DeployedJob, at: datetime = NOW) -> State:
    state = transitions.begun(state, one, now=at)
    state = transitions.applying(state, one.id, holder=ME, jobs=jobs, content=None, now=at)
    return transitions.succeeded(state, one.id, holder=ME, uids={one.key: "u" for one in jobs}, log=(), now=at)


def test_a_deployment_from_its_beginning_to_its_end() -> None:
    state = transitions.begun(State(), new("a"), now=NOW)
    assert (state.pending, state.latest.id, state.active) == (state.get("a"), "a", "")
    state = transitions.applying(state, "a", holder=ME, jobs=(job("x"),), content=None, now=NOW)
    assert (state.get("a").status, state.places["triggered/x"].packages) == (DEPLOYING, ("sha256:1",))
    state = transitions.succeeded(state, "a", holder=ME, uids={"triggered/x": "u"}, log=(), now=NOW)
    assert (state.get("a").status, state.active, state.pending) == (SUCCESS, "a", None)
    assert state.places["triggered/x"].uid == "u"


def test_what_did_not_come_to_its_end_may_be_there() -> None:
    state = done(State(), new("a"), job("X"))
    state = transitions.begun(state, new("b"), now=NOW)
    state = transitions.applying(state, "b", holder=ME, jobs=(job("x", "sha256:2"), job("y")), content=None, now=NOW)
    state = transitions.failed(state, "b", now=NOW, text="no", holder=ME)
    assert state.places["triggered/x"].packages == ("sha256:1", "sha256:2")
    assert set(state.places) == {"triggered/x", "triggered/y"}
    state = done(state, new("c"), job("y", "sha256:3"))
    assert {key: place.packages for key, place in state.places.items()} == {"triggered/y": ("sha256:3",)}


def test_one_at_a_time() -> None:
    state = transitions.begun(State(), new("a"), now=NOW)
    with pytest.raises(Refused):
        transitions.begun(state, new("b"), now=NOW + records.LEASE)
    state = transitions.begun(state, new("b", at=LATE), now=LATE)
    assert (state.get("a").status, state.pending) == (FAILED, state.get("b"))
    assert "before any WebJob was changed" in state.get("a").status_text


def test_a_renewal_keeps_it() -> None:
    state = transitions.begun(State(), new("a"), now=NOW)
    state = transitions.renewed(state, "a", holder=ME, now=NOW + records.LEASE, progress="2 of 3")
    assert state.get("a").progress == "2 of 3"
    with pytest.raises(Refused):
        transitions.begun(state, new("b"), now=LATE)
    for change in (
        partial(transitions.renewed, holder=OTHER, now=NOW, progress=""),
        partial(transitions.applying, holder=OTHER, jobs=(), content=None, now=NOW),
        partial(transitions.succeeded, holder=OTHER, uids={}, log=(), now=NOW),
        partial(transitions.failed, holder=OTHER, text="", now=NOW),
    ):
        with pytest.raises(Refused):
            change(state, "a")


def test_who_takes_over() -> None:
    state = transitions.begun(State(), new("a", holder=OTHER), now=NOW)
    assert transitions.taken_over(state, holder=ME, now=NOW) == (state, None)
    after, mine = transitions.taken_over(state, holder=ME, now=LATE)
    assert (after.get("a").status, mine) == (FAILED, None)
    state = transitions.applying(state, "a", holder=OTHER, jobs=(job("x"),), content=None, now=NOW)
    after, mine = transitions.taken_over(state, holder=ME, now=LATE)
    assert mine is not None
    assert (after.get("a").status, mine.holder, mine.jobs) == (DEPLOYING, ME, (job("x"),))
    with pytest.raises(Refused):
        transitions.renewed(after, "a", holder=OTHER, now=LATE, progress="")
    assert transitions.taken_over(after, holder=OTHER, now=LATE)[1] is None


def test_the_latest_is_the_one_that_goes_on_or_ended_last() -> None:
    state = done(State(), new("a"), job("x"))
    state = transitions.recorded(
        state, new("r", status=SUCCESS, end=times.rfc3339(NOW - timedelta(days=1))), active=False
    )
    assert state.latest.id == "a"
    state = transitions.begun(state, new("b"), now=NOW)
    assert state.latest.id == "b"
    state = transitions.failed(state, "b", now=NOW + timedelta(seconds=1), text="no")
    assert (state.latest.id, state.active) == ("b", "a")
    with pytest.raises(Missing):
        _ = State().latest


def test_records_go_but_not_the_active_one() -> None:
    state = done(State(), new("a"), job("x"))
    with pytest.raises(Refused):
        transitions.removed(state, "a")
    with pytest.raises(Exists):
        transitions.recorded(state, new("a", status=SUCCESS), active=False)
    state = done(state, new("b"), job("x"))
    assert [one.id for one in transitions.removed(state, "a").deployments] == ["b"]


@given(st.lists(st.sampled_from(["ok", "fail", "die", "record"]), max_size=40))
def test_bounds_and_truths_hold_for_any_order(events: list[str]) -> None:
    state, now = State(), NOW
    for number, event in enumerate(events):
        now += 2 * records.LEASE
        one = new(str(number), at=now, message="m" * 9000)
        if event == "record":
            end = times.rfc3339(now)
            state = transitions.recorded(state, one.model_copy(update={"status": FAILED, "end": end}), active=False)
            continue
        jobs = tuple(job(f"job{n}", f"sha256:{number}") for n in range(number % 4))
        state = transitions.begun(state, one, now=now)
        assert state.pending is not None
        assert state.latest.id == str(number)
        state = transitions.applying(state, one.id, holder=ME, jobs=jobs, content=None, now=now)
        if event == "ok":
            state = transitions.succeeded(state, one.id, holder=ME, uids={}, log=(), now=now)
            assert {place.packages for place in state.places.values()} <= {(f"sha256:{number}",)}
        elif event == "fail":
            state = transitions.failed(state, one.id, now=now, text="t" * 9000, holder=ME)
        assert len(state.deployments) <= transitions.MOST + 1
        assert len(state.model_dump_json()) < 2 * transitions.MOST_BYTES
        assert not state.active or state.get(state.active)
        assert sum(not one.is_over for one in state.deployments) <= 1


def test_what_is_stored_is_what_comes_back() -> None:
    state = done(State(), new("a", message="ü"), job("x"))
    assert State.model_validate_json(state.model_dump_json()) == state


def test_the_places_that_a_path_means() -> None:
    assert base_of("jobs/triggered/x") == "site/wwwroot/App_Data/jobs/triggered/x"
    assert base_of("site/jobs/triggered/x") == "site/jobs/triggered/x"
    assert base_of("App_Data") == "site/wwwroot/App_Data"
