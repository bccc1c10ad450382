"""The registry of scheduled jobs, by any order of changes: ids once, names once, and a refusal changes nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.operator.schedules.test_webjob_schedules import schedule
from webjobs.model import WebJobSchedule
from webjobs_apiserver.errors import BadRequest, ServiceError
from webjobs_apiserver.service.schedules import manifest, registry
from webjobs_apiserver.service.schedules.registry import Entry, Registry, Timing

NOW = datetime(2026, 1, 1, 12, 0, 30, 500_000, tzinfo=UTC)
_SMALL = st.integers(0, 4)
_NAMES = st.sampled_from([None, "a", "b"])
_CHANGES = st.fixed_dictionaries(
    {}, optional={"name": _NAMES, "stack": _SMALL, "timing": _SMALL, "enabled": st.booleans()}
)
_STEPS = st.one_of(
    st.tuples(st.just("add"), _NAMES, _SMALL, _SMALL, st.booleans()),
    st.tuples(st.just("change"), _SMALL, _CHANGES),
    st.tuples(st.just("drop"), _SMALL),
    st.tuples(st.just("time"), st.integers(60, 100)),
    st.tuples(st.just("retime"), _SMALL),
    st.tuples(st.just("stack"), st.sampled_from(["x", "y"])),
)


def _do(known: Registry, step: tuple[Any, ...]) -> int | None:
    """One change; the id that it gave."""
    match step:
        case "add", name, stack, timing, enabled:
            return known.add_job(Entry(name=name, stack=stack, timing=timing, enabled=enabled), now=NOW)
        case "change", identifier, changes:
            known.change_job(identifier, changes, now=NOW)
        case "drop", identifier:
            known.jobs.pop(identifier, None)
        case "time", period:
            known.add_timing(Timing(period=period))
        case "retime", identifier:
            known.free(identifier).period = 99
        case "stack", name:
            known.name_stacks([name])
    return None


@given(st.lists(_STEPS, max_size=30))
def test_any_order_of_changes(steps: list[tuple[Any, ...]]) -> None:
    known, given_ids = Registry(), []
    for step in steps:
        before = known.model_copy(deep=True)
        try:
            identifier = _do(known, step)
        except ServiceError:
            assert known == before
            continue
        if identifier is not None:
            given_ids.append(identifier)
        names = [job.name for job in known.jobs.values() if job.name]
        assert len(set(names)) == len(names)
        for number, job in known.jobs.items():
            assert known.stack_name(job.stack)
            timing = known.timings[job.timing]
            assert before.jobs.get(number, job).timing != job.timing or before.timings[job.timing] == timing, "in use"
        assert Registry.model_validate_json(known.stored()) == known
    assert given_ids == list(range(1, len(given_ids) + 1))


def test_it_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    known = Registry(stacks=["x" * 200])
    known.stored()
    monkeypatch.setattr(registry, "MAX_BYTES", 100)
    with pytest.raises(BadRequest):
        known.stored()


@pytest.mark.parametrize(
    ("spec", "handled", "expected"),
    [
        ({"periodSeconds": 60, "startTime": "2026-01-01T12:00:00Z"}, None, "12:01:00"),
        ({"periodSeconds": 60, "startTime": "2026-01-01T12:30:00Z"}, None, "12:30:00"),
        ({"periodSeconds": 60, "startTime": "2026-01-01T12:00:00Z"}, "2026-01-01T12:01:00Z", "12:02:00"),
        ({"cron": "0 15 * * * *"}, None, "12:15:00"),
        ({"at": "2026-01-01T12:05:00Z"}, None, "12:05:00"),
        ({"at": "2026-01-01T11:00:00Z"}, None, "11:00:00"),
        ({"at": "2026-01-01T11:00:00Z"}, "2026-01-01T11:00:00Z", None),
        ({"at": "2026-01-01T12:05:00Z"}, "2026-01-01T11:00:00Z", "12:05:00"),
        ({"cron": "0 0 0 31 2 *"}, None, None),
        ({"cron": "nonsense here is six fields"}, None, None),
    ],
)
def test_the_next_time(spec: dict[str, Any], handled: str | None, expected: str | None) -> None:
    """Of any WebJobSchedule: kubectl may have changed that of a job."""
    found = WebJobSchedule.parse(schedule(spec, **({"lastScheduleTime": handled} if handled else {})))
    coming = manifest.coming(found, now=NOW)
    assert (f"{coming:%H:%M:%S}" if coming else None) == expected
