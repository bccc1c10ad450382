"""The WebJobSchedule of a scheduled job: made from the registry, and read back. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import ValidationError

from webjobs import times
from webjobs.model import API_VERSION, GROUP, WebJobSchedule
from webjobs.objects import Object
from webjobs.schedules import Once, ScheduleError
from webjobs.schedules.webjob_schedule import jitter, timetable_of
from webjobs_apiserver.service.schedules.registry import Entry, Registry, Timing

LABEL_JOB = f"{GROUP}/kragle-job"
"""Label with the id of the scheduled job."""
LABEL_TIMING = f"{GROUP}/kragle-schedule"
"""Label with the id of the job's timing."""
LABEL_STACK = f"{GROUP}/kragle-stack"
"""Label with the id of the job's stack."""
ANNOTATION_NAME = f"{GROUP}/kragle-name"
"""Annotation with the name of the job."""
ANNOTATION_REVISION = f"{GROUP}/kragle-revision"
"""Annotation with the registry's revision of the job that the object follows."""


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The WebJobSchedule of a scheduled job, as it is in the cluster."""

    raw: Object
    """The object as the API server gave it."""
    schedule: WebJobSchedule
    """Model of the object."""

    @property
    def uid(self) -> str:
        """UID of the object."""
        return self.schedule.metadata.uid

    @property
    def name(self) -> str:
        """Name of the object."""
        return self.schedule.metadata.name

    @property
    def identifier(self) -> int:
        """Id of the scheduled job."""
        return int(self.schedule.metadata.labels[LABEL_JOB])

    @property
    def revision(self) -> int:
        """Revision of the job that the object follows; 0 when it can't be told, so that the object is written anew."""
        return _number(self.schedule.metadata.annotations.get(ANNOTATION_REVISION, ""))

    @property
    def queued(self) -> bool:
        """True when the job goes at its next time instead of running."""
        return self.schedule.spec.delete_at is not None

    @property
    def done(self) -> bool:
        """True when the one time of a one-time job was dealt with."""
        spec, handled = self.schedule.spec, self.schedule.status.last_schedule_time
        return bool(spec.at and handled and times.parse_time(handled) >= times.parse_time(spec.at))

    @property
    def active(self) -> bool:
        """True when the job is switched on; a one-time job switches itself off.

        A job that is queued was on, and rests until it goes.
        """
        return self.queued or not (self.schedule.spec.suspend or self.done)

    def next_run(self, *, now: datetime) -> datetime | None:
        """Return when the job runs next, or goes instead; None when it is off.

        In the past when it is due but not dealt with.
        """
        if not self.active:
            return None
        if self.schedule.spec.delete_at:
            return times.parse_time(self.schedule.spec.delete_at)
        return coming(self.schedule, now=now)


def coming(schedule: WebJobSchedule, *, now: datetime) -> datetime | None:
    """Return the next moment of a schedule that was not dealt with, switched on or not; None when there is none."""
    try:
        timetable, shift = timetable_of(schedule, zone=None), jitter(schedule)
    except (ScheduleError, ValueError):
        return None
    handled = schedule.status.last_schedule_time
    if isinstance(timetable, Once):
        is_handled = handled is not None and times.parse_time(handled) >= timetable.at
        return None if is_handled else timetable.at + shift
    last = max(now - shift, times.parse_time(handled)) if handled else now - shift
    found = timetable.next_after(last)
    return found + shift if found else None


def seen(raw: Object) -> Seen | None:
    """Return the object of a scheduled job; None when it is not readable, or going already."""
    try:
        schedule = WebJobSchedule.parse(raw)
    except ValidationError:
        return None
    number = schedule.metadata.labels.get(LABEL_JOB, "")
    if schedule.metadata.deletion_timestamp or not (number.isascii() and number.isdecimal()):
        return None
    return Seen(raw=raw, schedule=schedule)


def _number(text: str) -> int:
    """Return the number that a label or annotation says; 0 when it says none."""
    return int(text) if text.isascii() and text.isdecimal() else 0


def object_name(identifier: int) -> str:
    """Return the name of the WebJobSchedule of a scheduled job."""
    return f"kragle-{identifier}"


def spec_of(entry: Entry, *, timing: Timing, webjob: str) -> Object:
    """Return all fields of a WebJobSchedule's spec that the registry says; null: not there."""
    time = datetime.fromtimestamp(timing.timestamp, UTC) if timing.timestamp is not None else None
    start = datetime.fromtimestamp(entry.start, UTC) if entry.start is not None and timing.period else None
    return {
        "webJobName": webjob,
        "periodSeconds": timing.period,
        "startTime": times.rfc3339(start, micro=False) if start else None,
        "at": times.rfc3339(time, micro=False) if time else None,
        "suspend": not entry.enabled,
    }


def _metadata(identifier: int, entry: Entry) -> Object:
    labels = {LABEL_JOB: identifier, LABEL_TIMING: entry.timing, LABEL_STACK: entry.stack}
    return {
        "labels": {key: str(value) for key, value in labels.items()},
        "annotations": {ANNOTATION_NAME: entry.name, ANNOTATION_REVISION: str(entry.revision)},
    }


def _without_nulls(values: Mapping[str, Any]) -> Object:
    return {key: value for key, value in values.items() if value is not None}


def new(identifier: int, entry: Entry, *, namespace: str, timing: Timing, webjob: str) -> Object:
    """Return the manifest of a scheduled job that has no object yet."""
    meta = _metadata(identifier, entry)
    meta["annotations"] = _without_nulls(meta["annotations"])
    return {
        "apiVersion": API_VERSION,
        "kind": "WebJobSchedule",
        "metadata": {"name": object_name(identifier), "namespace": namespace, **meta},
        "spec": _without_nulls(spec_of(entry, timing=timing, webjob=webjob)),
    }


def patch(there: Seen, entry: Entry, *, timing: Timing, webjob: str, now: datetime) -> Object:
    """Return the merge patch that makes an object follow the registry.

    The API server answers it by Conflict when the object has changed since.
    """
    spec = spec_of(entry, timing=timing, webjob=webjob)
    if there.queued:  # it goes at what is its next time from now on
        changed = there.schedule.model_copy(
            update={"spec": type(there.schedule.spec).model_validate(_without_nulls(spec))}
        )
        end = coming(changed, now=now) or now
        spec["suspend"] = True
        spec["deleteAt"] = times.rfc3339(end.replace(microsecond=0), micro=False)
    meta = {"resourceVersion": there.schedule.metadata.resource_version}
    return {"metadata": meta | _metadata(there.identifier, entry), "spec": spec}


def queue(there: Seen, *, end: datetime) -> Object:
    """Return the merge patch after which an object makes no run any more, and goes at ``end``.

    The API server answers it by Conflict when the object has changed since.
    """
    meta = {"resourceVersion": there.schedule.metadata.resource_version}
    # It rests already: a run that is late, because the operator was away, would be one after the deletion.
    return {"metadata": meta, "spec": {"suspend": True, "deleteAt": times.rfc3339(end, micro=False)}}


def recovered(left: Iterable[Object]) -> Registry:
    """Return the registry as far as the objects of its jobs tell it, for when it was lost."""
    registry = Registry()
    found = {one.identifier: one for one in (seen(raw) for raw in left) if one}
    names: set[str] = set()
    for identifier, one in sorted(found.items()):
        labels, spec = one.schedule.metadata.labels, one.schedule.spec
        timing = _number(labels.get(LABEL_TIMING, ""))
        if timing and timing not in registry.timings:
            at = int(times.parse_time(spec.at).timestamp()) if spec.at else None
            registry.timings[timing] = Timing(once=bool(spec.at), period=spec.period_seconds, timestamp=at)
        name = one.schedule.metadata.annotations.get(ANNOTATION_NAME)
        registry.jobs[identifier] = Entry(
            name=name if name not in names else None,
            stack=_stack(registry, labels.get(LABEL_STACK, ""), spec.web_job_name),
            timing=timing,
            enabled=one.active,
            start=int(times.parse_time(spec.start_time).timestamp()) if spec.start_time else None,
            revision=max(one.revision, 1),
            uid=one.uid,
        )
        names |= {name} if name else set()
    registry.next_job = max(found, default=0) + 1
    registry.next_timing = max(registry.timings, default=0) + 1
    return registry


def _stack(registry: Registry, number: str, webjob: str) -> int:
    wanted = _number(number)
    if registry.stack_name(wanted) in (None, "") and 0 < wanted < 100_000:
        registry.stacks += [""] * (wanted - len(registry.stacks))
        registry.stacks[wanted - 1] = webjob
    if registry.stack_name(wanted) != webjob:
        registry.name_stacks([webjob])
    return registry.stack_id(webjob) or 0
