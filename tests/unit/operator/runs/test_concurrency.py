"""Which runs start, wait or are refused: one table for each policy."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.objects import run, webjob
from webjobs.model import WebJob, WebJobRun
from webjobs_operator.runs.concurrency import decide

NOW = datetime(2026, 1, 1, 1, tzinfo=UTC)
A, B, C = (f"job-20260101000000000{n}" for n in (1, 2, 3))


def job(policy: str, *, lock: str | None = None, since: datetime = NOW) -> WebJob:
    status = {"activeRun": {"name": lock, "since": since.isoformat()}} if lock else {}
    return webjob({"concurrencyPolicy": policy}, status=status)


def known(**states: str | None) -> dict[str, WebJobRun]:
    names = {"a": A, "b": B, "c": C}
    return {names[key]: run(names[key], state=state) for key, state in states.items()}


def names(found: list[WebJobRun]) -> str:
    return "".join({A: "a", B: "b", C: "c"}[one.metadata.name] for one in found)


@pytest.mark.parametrize(
    ("policy", "lock", "states", "holder", "start", "refuse", "replace"),
    [
        ("Forbid", None, {"a": None}, A, "a", "", ""),
        ("Forbid", None, {"a": None, "b": None}, A, "a", "b", ""),
        ("Forbid", A, {"a": "Running", "b": None}, A, "", "b", ""),
        ("Forbid", B, {"a": None, "b": None}, B, "b", "a", ""),
        ("Forbid", A, {"a": "Success", "b": None}, B, "b", "", ""),
        ("Forbid", A, {"a": "Success"}, None, "", "", ""),
        ("Forbid", None, {"a": "Running", "b": None}, A, "", "b", ""),
        ("Forbid", C, {"a": None}, C, "", "a", ""),
        ("Queue", A, {"a": "Running", "b": None, "c": None}, A, "", "", ""),
        ("Queue", A, {"a": "Failed", "b": None, "c": None}, B, "b", "", ""),
        ("Allow", None, {"a": "Running", "b": None, "c": None}, None, "bc", "", ""),
        ("Replace", A, {"a": "Running", "b": None, "c": None}, A, "", "b", "a"),
        ("Replace", A, {"a": "Aborted", "b": None}, B, "b", "", ""),
        ("Replace", None, {"a": None, "b": None}, B, "b", "a", ""),
        ("Replace", A, {"a": "Running"}, A, "", "", ""),
    ],
)
def test_decision(
    policy: str,
    lock: str | None,
    states: dict[str, str | None],
    holder: str | None,
    start: str,
    refuse: str,
    replace: str,
) -> None:
    found = decide(job(policy, lock=lock), known(**states), now=NOW)
    assert (found.holder, names(found.start), names(found.refuse), names(found.replace)) == (
        holder,
        start,
        refuse,
        replace,
    )


@pytest.mark.parametrize(
    ("policy", "lock", "states", "queued", "start", "overflow"),
    [
        ("Queue", A, {"a": "Running", "b": None, "c": None}, 2, "", ""),
        ("Queue", A, {"a": "Running", "b": None, "c": None}, 1, "", "c"),
        ("Queue", None, {"a": None, "b": None, "c": None}, 2, "a", ""),
        ("Queue", None, {"a": None, "b": None, "c": None}, 1, "a", "c"),
        ("Queue", A, {"a": "Success", "b": None, "c": None}, 1, "b", ""),
        ("Allow", None, {"a": "Running", "b": None, "c": None}, 1, "bc", ""),
        ("Forbid", A, {"a": "Running", "b": None, "c": None}, 1, "", ""),
    ],
)
def test_a_queue_has_a_bound(
    policy: str, lock: str | None, states: dict[str, str | None], queued: int, start: str, overflow: str
) -> None:
    found = decide(job(policy, lock=lock), known(**states), now=NOW, queued=queued)
    assert (names(found.start), names(found.overflow)) == (start, overflow)


def test_a_lock_whose_run_never_appeared_is_released() -> None:
    """The REST shim died between the lock and the run."""
    old = job("Forbid", lock=C, since=NOW - timedelta(minutes=1))
    assert decide(old, known(a=None), now=NOW).holder == A


def test_deleted_runs_do_not_start() -> None:
    gone = {A: run(A, deletionTimestamp="2026-01-01T00:00:00Z")}
    assert decide(job("Forbid"), gone, now=NOW).start == []


states = st.sampled_from([None, "Initializing", "Running", "Success", "Failed", "Aborted", "Skipped"])


@given(
    policy=st.sampled_from(["Forbid", "Queue", "Replace"]),
    lock=st.sampled_from([None, A, B, C]),
    a=states,
    b=states,
    c=states,
)
def test_never_two_at_once(policy: str, lock: str | None, a: str | None, b: str | None, c: str | None) -> None:
    """Whatever the state: nothing starts beside an active run, and at most one starts."""
    runs = known(a=a, b=b, c=c)
    found = decide(job(policy, lock=lock), runs, now=NOW)
    active = [one for one in runs.values() if one.status.state in ("Initializing", "Running")]
    assert len(found.start) + bool(active) <= 1
    assert all(one.status.state is None for one in found.start + found.refuse)
    assert not {one.metadata.name for one in found.start} & {one.metadata.name for one in found.refuse}
