"""The registry of a site: which ids are taken by what, and what each scheduled job is to be. Pure.

It is one object, so that each change of it is one conditional write: ids are given once, two jobs never get one name,
and a timing never changes under a job that begins to use it. WebJobSchedules follow it (``sync.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from webjobs_apiserver.errors import BadRequest, Exists, Missing, Refused, ServiceError

MAX_BYTES = 900_000
"""Most bytes of the stored registry; an object of Kubernetes may have a little more than a megabyte."""


class NoStack(ServiceError):
    """A job whose stack is not there."""


class NoTiming(ServiceError):
    """A job whose timing is not there."""


class NameTaken(Exists):
    """A name that another job has."""

    def __init__(self, message: str, *, holder: int) -> None:
        super().__init__(message)
        self.holder = holder


class InUse(Refused):
    """A timing that jobs use."""

    def __init__(self, message: str, *, users: list[int]) -> None:
        super().__init__(message)
        self.users = users


class _Stored(BaseModel):
    model_config = ConfigDict(extra="ignore")


class Timing(_Stored):
    """A timing of jobs: every ``period`` seconds, or at ``timestamp``; just one of them."""

    name: str | None = None
    """Name of the timing; None: it has none."""
    once: bool = False
    """True when a job with the timing runs once."""
    period: int | None = None
    """Seconds from one run to the next."""
    timestamp: int | None = None
    """Time of the one run in seconds of Unix time."""


class Entry(_Stored):
    """A scheduled job as it is to be."""

    name: str | None = None
    """Name of the job, unique in the site; None: it has none."""
    stack: int
    """Id of the triggered WebJob that runs."""
    timing: int
    """Id of the job's timing."""
    enabled: bool = False
    """True when the job is switched on."""
    start: int | None = None
    """Time of the first run of a period in seconds of Unix time."""
    revision: int = 1
    """Number that each change raises; the job's WebJobSchedule says which one it follows."""
    uid: str | None = None
    """UID of the job's WebJobSchedule, once that was seen: when that object is not there any more, the job is gone."""


class Registry(_Stored):
    """The registry of a site. The methods change it in place, or raise and change nothing."""

    next_job: int = 1
    """Id of the next job."""
    next_timing: int = 1
    """Id of the next timing."""
    jobs: dict[int, Entry] = Field(default_factory=dict)
    """Scheduled jobs by id."""
    timings: dict[int, Timing] = Field(default_factory=dict)
    """Timings by id."""
    stacks: list[str] = Field(default_factory=list)
    """Object names of WebJobs (empty: lost); the id is the place, from 1. A name keeps its id when its WebJob is made
    anew."""

    def stack_id(self, name: str) -> int | None:
        """Return the id of a WebJob by its object name; None when it has none yet."""
        return self.stacks.index(name) + 1 if name in self.stacks else None

    def stack_name(self, identifier: int) -> str | None:
        """Return the object name of a stack; None when there is none."""
        return (self.stacks[identifier - 1] or None) if 0 < identifier <= len(self.stacks) else None

    def name_stacks(self, names: list[str]) -> None:
        """Give ids to WebJobs that have none."""
        self.stacks += [name for name in names if name not in self.stacks]

    # Timings

    def add_timing(self, timing: Timing) -> int:
        """Store a timing; return its id."""
        identifier = self.next_timing
        self.next_timing += 1
        self.timings[identifier] = timing
        return identifier

    def users(self, identifier: int) -> list[int]:
        """Return the ids of the jobs that use a timing."""
        return sorted(job for job, entry in self.jobs.items() if entry.timing == identifier)

    def timing(self, identifier: int) -> Timing:
        """Return one timing.

        Raises Missing when there is none.
        """
        if identifier not in self.timings:
            raise Missing(f"There is no Schedule {identifier}.")
        return self.timings[identifier]

    def free(self, identifier: int) -> Timing:
        """Return a timing that may be changed.

        Raises Missing, or InUse when jobs use it.
        """
        timing = self.timing(identifier)
        if users := self.users(identifier):
            raise InUse(
                f"Schedule {identifier} is used by {len(users)} Jobs, so it may not be changed: job {users[0]} is one.",
                users=users,
            )
        return timing

    # Jobs

    def add_job(self, entry: Entry, *, now: datetime) -> int:
        """Add a job; return its id.

        Raises NoStack, NoTiming, NameTaken.
        """
        self._check(entry)
        identifier = self.next_job
        self.next_job += 1
        self.jobs[identifier] = entry
        entry.start = self._start(entry, now=now)
        return identifier

    def change_job(self, identifier: int, changes: Mapping[str, object], *, now: datetime) -> Entry:
        """Change some fields of a job (``name``, ``stack``, ``timing``, ``enabled``).

        Raises Missing, NoStack, NoTiming, NameTaken.
        """
        before = self.jobs.get(identifier)
        if before is None:
            raise Missing(f"There is no Job {identifier}.")
        after = before.model_copy(update=dict(changes))
        self._check(after, but=identifier)
        if after == before:
            return before
        if after.timing != before.timing or (after.enabled and not before.enabled):
            after.start = self._start(after, now=now)
        after.revision += 1
        self.jobs[identifier] = after
        return after

    def _start(self, entry: Entry, *, now: datetime) -> int | None:
        # The first run is a period away from when it begins to count: nothing is made up for.
        period = self.timings[entry.timing].period
        return int(now.timestamp()) + period if period else None

    def _check(self, entry: Entry, *, but: int | None = None) -> None:
        if self.stack_name(entry.stack) is None:
            raise NoStack(f"There is no Stack {entry.stack}.")
        if entry.timing not in self.timings:
            raise NoTiming(f"There is no Schedule {entry.timing}.")
        if entry.name is None:
            return
        for identifier, other in self.jobs.items():
            if other.name == entry.name and identifier != but:
                raise NameTaken(f"Job {identifier} has that name already.", holder=identifier)

    def drop_job(self, identifier: int, *, uid: str | None) -> None:
        """Remove a job whose WebJobSchedule is gone; do nothing when it has another one by now."""
        entry = self.jobs.get(identifier)
        if entry and entry.uid == uid:
            del self.jobs[identifier]

    def stored(self) -> str:
        """Return the registry as it is kept.

        Raises BadRequest when it has grown too large.
        """
        text = self.model_dump_json(exclude_defaults=True)
        if len(text.encode()) > MAX_BYTES:
            raise BadRequest("There are too many Jobs and Schedules in this site: delete some.")
        return text
