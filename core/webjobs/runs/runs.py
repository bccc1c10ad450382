"""Runs of triggered jobs: their ids and names, what started them, and the one-at-a-time lock.

A run id is UTC ``yyyyMMddHHmmssffff``: 18 digits, so that the order of the text is the order of time
(docs/kudu-contract.md, section 6.1). A WebJobRun made by this project is called ``<webjob>-<run id>``; for one made by
somebody else the id follows from its creation time and UID, so that every reader knows it without a write.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256

from webjobs.model import ANNOTATION_WEBJOB_UID, WebJob, WebJobRun
from webjobs.objects import ObjectView
from webjobs.times import parse_time

_MANAGER_OF_ANY = "Kubernetes"


def run_id_at(when: datetime) -> str:
    """Return the run id of a moment (an aware datetime), in ten-thousandths of a second."""
    utc = when.astimezone(UTC)
    return f"{utc:%Y%m%d%H%M%S}{utc.microsecond // 100:04d}"


@lru_cache(maxsize=10_000)
def time_of_run_id(run_id: str) -> datetime | None:
    """Return the moment that a run id says; None when the text is no run id."""
    if len(run_id) != 18 or not run_id.isdecimal() or not run_id.isascii():
        return None
    try:
        return datetime.strptime(run_id[:14], "%Y%m%d%H%M%S").replace(microsecond=int(run_id[14:]) * 100, tzinfo=UTC)
    except ValueError:
        return None


def object_name(*, webjob: str, run_id: str) -> str:
    """Return the name of the WebJobRun of a run, which is the name of its Job, too."""
    return f"{webjob}-{run_id}"


def run_id(run: WebJobRun) -> str:
    """Return the id of a run: from its name, else from creation time and UID.

    What the status says of it does not count: whoever may write that would take the id, and the log, of another run.
    """
    meta = run.metadata
    return _id(webjob=run.spec.web_job_name, name=meta.name, uid=meta.uid, created=meta.creation_timestamp)


def run_id_of_object(body: ObjectView) -> str:
    """Return the id of a run that is no model yet."""
    meta = body["metadata"]
    return _id(
        webjob=body["spec"]["webJobName"], name=meta["name"], uid=meta["uid"], created=meta.get("creationTimestamp")
    )


def _id(*, webjob: str, name: str, uid: str, created: str | None) -> str:
    before, _, own = name.rpartition("-")
    if before == webjob and time_of_run_id(own):
        return own
    fraction = int.from_bytes(sha256(uid.encode()).digest()[:4], "big") % 10_000
    return f"{parse_time(created):%Y%m%d%H%M%S}{fraction:04d}"


def start_time(run: WebJobRun) -> datetime:
    """Return when a run was accepted, which is the moment of its id."""
    return time_of_run_id(run_id(run)) or parse_time(run.metadata.creation_timestamp)


def trigger(run: WebJobRun) -> str:
    """Return what started a run, in Kudu's words; for a run from elsewhere the client that created it."""
    if run.spec.trigger:
        return run.spec.trigger
    managers = [str(field.get("manager", "")) for field in run.metadata.managed_fields]
    return f"External - {next(filter(None, managers), _MANAGER_OF_ANY)}"


def newest(runs: list[WebJobRun]) -> WebJobRun | None:
    """Return the newest run that counts for clients; None when there is none.

    A skipped run doesn't count: it never ran.
    """
    return max((run for run in runs if run.status.state != "Skipped"), key=run_id, default=None)


def is_of_another(run: WebJobRun, webjob: WebJob) -> bool:
    """Return whether a run was made for another WebJob of the name: one that is gone, or was before a restore.

    The run itself says so: a copy of it has no owner, and no status as long as nobody restores that. Who has written
    nothing made the run for the WebJob that is there.
    """
    noted = run.metadata.annotations.get(ANNOTATION_WEBJOB_UID)
    if noted is not None:
        return noted != webjob.metadata.uid
    owners = {owner.uid for owner in run.metadata.owner_references if owner.kind == "WebJob"}
    return bool(owners) and webjob.metadata.uid not in owners


def waits(run: WebJobRun, webjob: WebJob) -> bool:
    """Return whether a run waits for its turn: it has not begun, and is no history of an earlier WebJob."""
    return run.status.state is None and not is_of_another(run, webjob)


def lock_is_held(webjob: WebJob, runs: dict[str, WebJobRun], *, now: datetime, grace: timedelta) -> bool:
    """Return whether a run holds the one-at-a-time lock of a WebJob.

    ``runs``: by object name. A lock is held while its run is there and has not ended; a run that is not there is waited
    for ``grace`` long, because the lock is taken before the run is created. A lock of a time to come is no lock, but
    for clocks that differ by less than ``grace``.
    """
    active = webjob.status.active_run
    if active is None:
        return False
    run = runs.get(active.name)
    if run is None:
        return abs(now - parse_time(active.since)) < grace
    return not run.ended and (run.status.state is not None or waits(run, webjob))


LOCK_GRACE = timedelta(seconds=30)
"""Time that a lock may stand without its run: far above a slow write, far below a schedule's deadline."""
