"""Runs of triggered jobs: their ids and names, what started them, and the one-at-a-time lock.

A run id is UTC ``yyyyMMddHHmmssffff``: 18 digits, so that the order of the text is the order of time
(docs/kudu-contract.md, section 6.1). A WebJobRun made by this project is called ``<webjob>-<run id>``; for one made by
somebody else the id follows from its creation time and UID, so that every reader knows it without a write.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256

from webjobs.model import ANNOTATION_WEBJOB_UID, WebJob, WebJobRun
from webjobs.times import parse_time

_OWN_NAME = re.compile(r"^.+-(\d{18})$")
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
    """Return the id of a run: the recorded one, else from its name, else from creation time and UID.

    A recorded one that is no run id does not count: anybody may have written it.
    """
    recorded = run.status.run_id
    return recorded if recorded and time_of_run_id(recorded) else own_id(run)


def own_id(run: WebJobRun) -> str:
    """Return the id that follows from what nobody can change of a run: its name, else creation time and UID."""
    if (own := _OWN_NAME.match(run.metadata.name)) and time_of_run_id(own[1]):
        return own[1]
    fraction = int.from_bytes(sha256(run.metadata.uid.encode()).digest()[:4], "big") % 10_000
    return f"{parse_time(run.metadata.creation_timestamp):%Y%m%d%H%M%S}{fraction:04d}"


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
