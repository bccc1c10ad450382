"""Run ids, times and the lock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.objects import run, webjob
from webjobs import times
from webjobs.runs import runs

_TIMES = st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(8999, 12, 30), timezones=st.just(UTC))
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


@given(_TIMES)
def test_a_run_id_is_a_moment(when: datetime) -> None:
    identifier = runs.run_id_at(when)
    assert len(identifier) == 18
    back = runs.time_of_run_id(identifier)
    assert back
    assert timedelta() <= when - back < timedelta(microseconds=100)


@given(_TIMES, _TIMES)
def test_run_ids_sort_as_time(one: datetime, other: datetime) -> None:
    if one <= other:
        assert runs.run_id_at(one) <= runs.run_id_at(other)


def test_run_ids_are_utc() -> None:
    assert runs.run_id_at(datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=2)))) == "202512312300000000"


@pytest.mark.parametrize("text", ["", "1", "2026010100000000000", "202613010000000000", "20260101000000000x"])
def test_what_is_no_run_id(text: str) -> None:
    assert runs.time_of_run_id(text) is None


def test_the_id_of_a_run() -> None:
    assert runs.run_id(run("job-202601010000000001")) == "202601010000000001"
    by_hand = run("mine", created="2026-01-01T00:00:05Z")
    assert runs.run_id(by_hand).startswith("20260101000005")
    assert runs.run_id(by_hand) == runs.run_id(by_hand)
    assert runs.run_id(run("job-999999999999999999")).startswith("2026")


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        (datetime(2026, 1, 1, tzinfo=UTC), "2026-01-01T00:00:00Z"),
        (datetime(2026, 1, 1, 0, 0, 0, 120000, tzinfo=UTC), "2026-01-01T00:00:00.12Z"),
        (datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC), "2026-01-01T00:00:00.000001Z"),
    ],
)
def test_kudu_time(when: datetime, expected: str) -> None:
    assert times.kudu_time(when) == expected


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (timedelta(), "00:00:00"),
        (timedelta(seconds=-1), "00:00:00"),
        (timedelta(microseconds=921813), "00:00:00.9218130"),
        (timedelta(hours=23, minutes=59, seconds=59), "23:59:59"),
        (timedelta(days=1), "1.00:00:00"),
        (timedelta(days=12, seconds=1, microseconds=1), "12.00:00:01.0000010"),
    ],
)
def test_kudu_duration(length: timedelta, expected: str) -> None:
    assert times.kudu_duration(length) == expected


@given(_TIMES)
def test_kubernetes_times_come_back(when: datetime) -> None:
    assert times.parse_time(times.rfc3339(when)) == when


def test_no_time_is_zero() -> None:
    assert times.parse_time(None) == times.parse_time("") == datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("managers", "spec", "expected"),
    [
        ([], {"trigger": "Schedule - 0 0 0 * * *"}, "Schedule - 0 0 0 * * *"),
        ([{"manager": "kubectl-create"}, {"manager": "x"}], {}, "External - kubectl-create"),
        ([{}], {}, "External - Kubernetes"),
    ],
)
def test_trigger(managers: list[dict[str, Any]], spec: dict[str, Any], expected: str) -> None:
    assert runs.trigger(run(spec=spec, managedFields=managers)) == expected


def test_newest_is_none_of_the_skipped() -> None:
    known = [run(f"job-20260101000000000{at}", state=state) for at, state in enumerate(["Success", None, "Skipped"])]
    newest = runs.newest(known)
    assert newest
    assert newest.metadata.name == "job-202601010000000001"
    assert runs.newest([]) is None


@pytest.mark.parametrize(
    ("held_by", "since", "state", "expected"),
    [
        (None, 0, None, False),
        ("job-202601010000000000", 0, None, True),
        ("job-202601010000000000", 3600, "Running", True),
        ("job-202601010000000000", 0, "Success", False),
        ("job-202601010000000000", 0, "Aborted", False),
        ("not-there", 29, None, True),
        ("not-there", 30, None, False),
    ],
)
def test_lock(held_by: str | None, since: int, state: str | None, expected: bool) -> None:
    taken = times.rfc3339(NOW - timedelta(seconds=since))
    job = webjob(status={"activeRun": {"name": held_by, "since": taken}} if held_by else {})
    known = {"job-202601010000000000": run(state=state)}
    assert runs.lock_is_held(job, known, now=NOW, grace=runs.LOCK_GRACE) is expected


@pytest.mark.parametrize(
    "recorded", ["", "x", "../../other/run", "2026010100000", "\uff12" * 18, "0" * 19, "9" * 18, "202601010000000002"]
)
@pytest.mark.parametrize("name", ["job-202601010000000001", "by-hand"])
def test_a_recorded_id_does_not_count(name: str, recorded: str) -> None:
    """Who may write the status writes it: keys of the store are made of ids, those of other runs, too."""
    assert runs.run_id(run(name, status={"runId": recorded})) == runs.run_id(run(name))


@pytest.mark.parametrize("name", ["other-202601010000000001", "job-job-202601010000000001", "-202601010000000001"])
def test_a_name_of_another_job_gives_no_id(name: str) -> None:
    """Else two runs of a job could have one id, and one log."""
    assert runs.run_id(run(name)) != "202601010000000001"


@pytest.mark.parametrize(
    ("since", "held"),
    [
        ("2026-01-01T01:00:00Z", True),
        ("2026-01-01T00:59:31Z", True),
        ("2026-01-01T00:59:30Z", False),
        ("2026-01-01T01:00:29Z", True),  # the other's clock is ahead
        ("2026-01-01T01:00:30Z", False),
        ("2099-01-01T00:00:00Z", False),
        ("0000-01-01T00:00:00Z", False),
        ("9999-12-31T23:59:59Z", False),
    ],
)
def test_a_lock_without_its_run_ends(since: str, held: bool) -> None:
    one = webjob(status={"activeRun": {"name": "job-202601010000000001", "since": since}})
    now = datetime(2026, 1, 1, 1, tzinfo=UTC)
    assert runs.lock_is_held(one, {}, now=now, grace=runs.LOCK_GRACE) is held


OWNER = {"kind": "WebJob", "name": "job", "uid": "uid-job"}


@pytest.mark.parametrize(
    ("noted", "owners", "another"),
    [
        (None, [], False),
        ("uid-job", [], False),
        ("uid-before", [], True),
        ("", [], True),
        ("uid-before", [OWNER], True),
        (None, [OWNER], False),
        (None, [OWNER | {"uid": "uid-gone"}], True),
        (None, [OWNER | {"uid": "uid-gone", "kind": "Workflow"}], False),
        ("uid-job", [OWNER | {"uid": "uid-gone"}], False),
    ],
)
def test_which_run_is_history(noted: str | None, owners: list[dict[str, str]], another: bool) -> None:
    annotations = {} if noted is None else {"webjobs.dev/webjob-uid": noted}
    one = run("x", annotations=annotations, ownerReferences=owners)
    locked = webjob(status={"activeRun": {"name": "x", "since": "2026-01-01T00:00:00Z"}})
    assert runs.is_of_another(one, locked) == another
    assert runs.waits(one, locked) != another
    assert runs.lock_is_held(locked, {"x": one}, now=NOW, grace=runs.LOCK_GRACE) != another
    begun = run("x", annotations=annotations, ownerReferences=owners, state="Running")
    assert runs.lock_is_held(locked, {"x": begun}, now=NOW, grace=runs.LOCK_GRACE), "what goes on holds it"
