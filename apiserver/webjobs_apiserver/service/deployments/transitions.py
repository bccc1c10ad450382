"""How each event changes the deployments of a site: one begins, goes on, ends, is taken over. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from webjobs import times
from webjobs.model.site.site_content import SiteContent
from webjobs_apiserver.errors import BadRequest, Exists, Refused
from webjobs_apiserver.service.deployments.records import (
    DEPLOYING,
    FAILED,
    SUCCESS,
    DeployedJob,
    Deployment,
    Line,
    Place,
    State,
)

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


def applying(
    state: State,
    identifier: str,
    *,
    holder: str,
    jobs: tuple[DeployedJob, ...],
    content: SiteContent | None,
    now: datetime,
) -> State:
    """Return the state in which the jobs of a deployment, and the site's content, begin to change.

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
    update = {"status": DEPLOYING, "jobs": jobs, "content": content, "renewed": times.rfc3339(now)}
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
