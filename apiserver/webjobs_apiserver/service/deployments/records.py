"""The deployments of a site and what they put where: the state, and how each event changes it. Pure.

One deployment goes on at a time. Its record says so, and until when that counts: a process that dies leaves a record
behind that nobody renews.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict

from webjobs import names, times
from webjobs.model import JobType
from webjobs_apiserver.errors import BadRequest, Exists, Missing, Refused

Status = Literal[0, 2, 3, 4]
"""Status of a deployment in Kudu's numbers."""
PENDING: Status = 0
"""The zip is looked at and stored; no job has changed."""
DEPLOYING: Status = 2
"""Jobs are being changed. Kudu's 1 is not used: some clients take it for the end."""
FAILED: Status = 3
SUCCESS: Status = 4

LEASE = timedelta(seconds=45)
"""Time without a renewal after which a deployment's process counts as dead."""
MOST = 20
"""Most deployments that are remembered."""
MOST_BYTES = 700_000
"""Most bytes of the state: an object of Kubernetes has about a megabyte."""
_MOST_LINES = 250
_LONGEST_TEXT = 4096
_BUSY = "There is a deployment currently in progress. Please try again when it completes."
"""Text of Kudu; clients match on its beginning."""
_BROKE_OFF = "The deployment broke off before any WebJob was changed: the process that did it ended. Deploy again."
_LEFT = "The deployment broke off while WebJobs were being changed, and the next one took over."


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True)


class Line(_Model):
    """A line of the log of a deployment."""

    time: str
    """When it was written, RFC 3339."""
    message: str
    """Sentence for people."""
    type: Literal[0, 1, 2] = 0
    """Kudu's kind of the line: 0 a message, 1 a warning, 2 an error."""


class DeployedJob(_Model):
    """A job of a deployment."""

    job_type: JobType
    """Type of the job."""
    name: str
    """Name of the job, as the zip spells it."""
    package: str
    """Digest of the package with the files that the zip has for it."""

    @property
    def key(self) -> str:
        """Identity of the job: its type and its name in the form in which names are compared."""
        return key_of(self.job_type, self.name)


class Place(_Model):
    """What deployments have put into one job."""

    job_type: JobType
    """Type of the job."""
    name: str
    """Name of the job."""
    packages: tuple[str, ...]
    """Digests of packages whose files may be there: the last one's, and those of one that did not come to its end."""
    uid: str = ""
    """UID of the WebJob; empty: not known. One with another UID was made by somebody else since."""


class Deployment(_Model):
    """The record of a deployment."""

    id: str
    """Identity of the deployment in URLs."""
    status: Status = PENDING
    """How it stands."""
    status_text: str = ""
    """Why it failed."""
    deployer: str = "N/A"
    """Program that deployed."""
    author: str = "N/A"
    """Name of who deployed."""
    author_email: str = "N/A"
    """Address of who deployed."""
    message: str = ""
    """Text that the client gave."""
    progress: str = ""
    """What is being done, for people."""
    received: str
    """When the request came, RFC 3339."""
    start: str
    """When the work began, RFC 3339."""
    end: str | None = None
    """When it ended, RFC 3339; None while it goes on."""
    renewed: str = ""
    """When its process said last that it lives, RFC 3339."""
    holder: str = ""
    """Process that does it: its host name, which is its pod's name, and a word of its own."""
    clean: bool = False
    """True: files and jobs that came otherwise go, too."""
    jobs: tuple[DeployedJob, ...] | None = None
    """Jobs of the zip; None: not known yet, or only a record that a client has put."""
    log: tuple[Line, ...] = ()
    """Lines of the log, oldest first."""

    @property
    def is_over(self) -> bool:
        """True when the deployment has ended."""
        return self.status in (FAILED, SUCCESS)

    def is_abandoned(self, now: datetime) -> bool:
        """Return whether the process of a deployment that goes on is dead, or as good as that."""
        return not self.is_over and now - times.parse_time(self.renewed) > LEASE


class State(_Model):
    """All that is known of the deployments of a site."""

    deployments: tuple[Deployment, ...] = ()
    """Records, the one that was received last first."""
    places: Mapping[str, Place] = {}
    """What deployments have put into which job, by the job's identity."""
    active: str = ""
    """Id of the deployment that is in force; empty: there is none."""

    def get(self, identifier: str) -> Deployment:
        """Return one deployment. Raises Missing."""
        for one in self.deployments:
            if one.id == identifier:
                return one
        raise Missing(f"There is no deployment {identifier}.")

    @property
    def pending(self) -> Deployment | None:
        """The deployment that goes on; None: there is none."""
        return next((one for one in self.deployments if not one.is_over), None)

    @property
    def latest(self) -> Deployment:
        """The deployment that goes on, else the one that ended last. Raises Missing."""
        if not self.deployments:
            raise Missing("There is no deployment yet.")
        return self.pending or max(self.deployments, key=lambda one: times.parse_time(one.end))

    def changed(self, deployment: Deployment) -> State:
        """Return the state with another record of a deployment that is there."""
        found = tuple(deployment if one.id == deployment.id else one for one in self.deployments)
        return self.model_copy(update={"deployments": found})


Change = Callable[[State], State]
"""A function from the state as it is to the state as it is to be. It may be called several times."""


def key_of(job_type: JobType, name: str) -> str:
    """Return the identity of a job."""
    return f"{job_type}/{names.fold(name)}"


def begun(state: State, new: Deployment, *, now: datetime) -> State:
    """Return the state in which a deployment has begun, or begins anew. Raises Refused while another one goes on.

    One whose process is dead has failed by that.
    """
    check_free(state, now=now)
    if state.pending:
        state = failed(
            state, state.pending.id, now=now, text=_LEFT if state.pending.status == DEPLOYING else _BROKE_OFF
        )
    others = tuple(one for one in state.deployments if one.id != new.id)
    return _bounded(state.model_copy(update={"deployments": (_cut(new), *others)}))


def check_free(state: State, *, now: datetime) -> None:
    """Raise Refused while a deployment goes on."""
    if state.pending and not state.pending.is_abandoned(now):
        raise Refused(_BUSY)


def renewed(state: State, identifier: str, *, holder: str, now: datetime, progress: str) -> State:
    """Return the state in which the process of a deployment is known to live. Raises Refused when it is another's."""
    mine = of_holder(state, identifier, holder)
    return state.changed(mine.model_copy(update={"renewed": times.rfc3339(now), "progress": progress}))


def of_holder(state: State, identifier: str, holder: str) -> Deployment:
    """Return a deployment that goes on and that a process holds. Raises Refused when it is none, or another's."""
    found = next((one for one in state.deployments if one.id == identifier), None)
    if found is None or found.is_over or found.holder != holder:
        raise Refused("Another process has taken over the deployment.")
    return found


def taken_over(state: State, *, holder: str, now: datetime) -> tuple[State, Deployment | None]:
    """Return the state after a look for a deployment whose process is dead, and the one that is to go on.

    One that has changed jobs goes on, as all that it needs is stored. One that has not has failed: its zip is lost.
    """
    left = state.pending
    if left is None or not left.is_abandoned(now):
        return state, None
    if left.status != DEPLOYING:
        return failed(state, left.id, now=now, text=_BROKE_OFF), None
    line = Line(time=times.rfc3339(now), message="Goes on in another process.", type=1)
    mine = left.model_copy(update={"holder": holder, "renewed": times.rfc3339(now), "log": (*left.log, line)})
    return state.changed(mine), mine


def applying(state: State, identifier: str, *, holder: str, jobs: tuple[DeployedJob, ...], now: datetime) -> State:
    """Return the state in which the jobs of a deployment begin to change.

    From here on all its files may be in place, whatever becomes of it.
    """
    mine = of_holder(state, identifier, holder)
    places = dict(state.places)
    for job in jobs:
        there = places.get(job.key)
        before = there.packages if there else ()
        packages = (*(one for one in before if one != job.package), job.package)
        uid = there.uid if there else ""
        places[job.key] = Place(job_type=job.job_type, name=job.name, packages=packages, uid=uid)
    update = {"status": DEPLOYING, "jobs": jobs, "renewed": times.rfc3339(now)}
    state = state.model_copy(update={"places": places})
    return _bounded(state.changed(mine.model_copy(update=update)))


def succeeded(
    state: State, identifier: str, *, holder: str, uids: Mapping[str, str], log: tuple[Line, ...], now: datetime
) -> State:
    """Return the state in which a deployment is done. ``uids``: of the WebJobs of its jobs, by their identity."""
    mine = of_holder(state, identifier, holder)
    places = {
        job.key: Place(job_type=job.job_type, name=job.name, packages=(job.package,), uid=uids.get(job.key, ""))
        for job in mine.jobs or ()
    }
    update = {"status": SUCCESS, "progress": "", "status_text": "", "end": times.rfc3339(now)}
    done = mine.model_copy(update=update | {"log": (*mine.log, *log)[:_MOST_LINES]})
    return _bounded(state.changed(done).model_copy(update={"places": places, "active": identifier}))


def failed(
    state: State, identifier: str, *, now: datetime, text: str, holder: str | None = None, log: tuple[Line, ...] = ()
) -> State:
    """Return the state in which a deployment has failed. ``holder``: only if this process holds it, else Refused."""
    mine = state.get(identifier) if holder is None else of_holder(state, identifier, holder)
    line = Line(time=times.rfc3339(now), message=text[:_LONGEST_TEXT], type=2)
    update = {"status": FAILED, "progress": "", "status_text": text[:_LONGEST_TEXT], "end": times.rfc3339(now)}
    lines = (*(*mine.log, *log)[: _MOST_LINES - 1], line)
    return _bounded(state.changed(mine.model_copy(update=update | {"log": lines})))


def recorded(state: State, new: Deployment, *, active: bool) -> State:
    """Return the state with a record that a client has put of something done elsewhere. Raises Exists."""
    if any(one.id == new.id for one in state.deployments):
        raise Exists(f"There is a deployment {new.id} already.")
    if active and new.status == FAILED:
        raise BadRequest("A deployment that failed can't be active: leave out active, or send status 4.")
    update: dict[str, object] = {"deployments": (_cut(new), *state.deployments)}
    return _bounded(state.model_copy(update=update | ({"active": new.id} if active else {})))


def removed(state: State, identifier: str) -> State:
    """Return the state without a record. Raises Missing, and Refused for one that is active or goes on."""
    found = state.get(identifier)
    if not found.is_over or identifier == state.active:
        raise Refused("The deployment is active, or goes on. Deploy another one first.")
    return state.model_copy(update={"deployments": tuple(one for one in state.deployments if one.id != identifier)})


def _cut(new: Deployment) -> Deployment:
    """Return a record whose texts, which anybody may have sent, have an end."""
    texts = ("deployer", "author", "author_email", "message")
    return new.model_copy(update={name: getattr(new, name)[:_LONGEST_TEXT] for name in texts})


def _bounded(state: State) -> State:
    """Return the state without the oldest records, as far as there are too many; the active one stays."""
    kept = list(state.deployments)

    def may_go() -> list[Deployment]:
        return [one for one in kept[1:] if one.id != state.active and one.is_over]

    while (len(kept) > MOST or _size(state, kept) > MOST_BYTES) and may_go():
        kept.remove(may_go()[-1])
    return state.model_copy(update={"deployments": tuple(kept)})


def _size(state: State, kept: list[Deployment]) -> int:
    return len(state.model_copy(update={"deployments": tuple(kept)}).model_dump_json())
