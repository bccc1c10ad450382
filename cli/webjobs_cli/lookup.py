"""Lookup of the WebJob, and of its runs, that a person means. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from webjobs import names
from webjobs.model import JobType, WebJob, WebJobRun
from webjobs.objects import Object
from webjobs.runs import runs
from webjobs_cli.errors import CliError


def job_name(raw: Object) -> str:
    """Return the name of a WebJob that people and REST clients use."""
    return str(raw["spec"].get("jobName") or raw["metadata"]["name"])


def webjob(known: Sequence[Object], name: str, *, job_type: JobType | None, namespace: str) -> Object:
    """Return the WebJob of a name: its own (case does not count), else the object's.

    Raises CliError when that is not one.
    """
    typed = [raw for raw in known if job_type in (None, raw["spec"].get("type"))]
    found = [raw for raw in typed if names.same(job_name(raw), name)]
    found = found or [raw for raw in typed if raw["metadata"]["name"] == name]
    if len(found) == 1:
        return found[0]
    if found:
        types = sorted({str(raw["spec"]["type"]) for raw in found})
        if len(types) == 1:
            objects = ", ".join(sorted(str(raw["metadata"]["name"]) for raw in found))
            raise CliError(f"Several WebJobs are called {name!r}; give the name of the object: {objects}.")
        raise CliError(f"There is a triggered and a continuous WebJob {name!r}: add --type triggered or continuous.")
    kind = f"{job_type} " if job_type else ""
    others = [raw for raw in known if names.same(job_name(raw), name)]
    if others:
        raise CliError(f"{name!r} is a {others[0]['spec']['type']} WebJob, and there is no {kind}one of that name.")
    close = get_close_matches(names.fold(name), {names.fold(job_name(raw)): raw for raw in typed}, n=1)
    meant = next((job_name(raw) for raw in typed if close and names.fold(job_name(raw)) == close[0]), None)
    hint = f"Did you mean {meant!r}?" if meant else "'kubectl webjob list' shows those that there are."
    raise CliError(f"There is no {kind}WebJob {name!r} in namespace {namespace}. {hint}")


def needs_type(job: WebJob, wanted: JobType, *, instead: str) -> None:
    """Raise CliError for a job of the other type.

    ``instead``: what to do with a job of that type.
    """
    if job.spec.type != wanted:
        raise CliError(f"{job.display_name!r} is {job.spec.type}, and this is for {wanted} WebJobs. {instead}")


def of_job(known: Sequence[Object], webjob_object: str) -> list[WebJobRun]:
    """Return the runs of a job, newest first, skipped ones among them."""
    parsed = [WebJobRun.parse(raw) for raw in known if raw["spec"].get("webJobName") == webjob_object]
    return sorted(parsed, key=runs.run_id, reverse=True)


def run(known: Sequence[WebJobRun], wanted: str | None, *, job: str) -> WebJobRun:
    """Return the run of an id or object name; for None the newest that was not skipped.

    Raises CliError when there is none.
    """
    if wanted is None:
        newest = next((one for one in known if one.status.state != "Skipped"), None)
        if newest is None:
            raise CliError(f"{job!r} has not run yet: 'kubectl webjob run' starts it.")
        return newest
    for one in known:
        if wanted in (runs.run_id(one), one.metadata.name):
            return one
    raise CliError(f"{job!r} has no run {wanted!r}: 'kubectl webjob history' shows their ids.")


def to_cancel(known: Sequence[WebJobRun], wanted: str | None, *, every: bool, job: str) -> list[WebJobRun]:
    """Return the runs that are to end.

    Raises CliError when it is not clear which, or none goes on.
    """
    if wanted is not None:
        one = run(known, wanted, job=job)
        if one.ended:
            raise CliError(f"Run {runs.run_id(one)} has ended already: {one.status.state}.")
        return [one]
    active = [one for one in known if not one.ended]
    if not active:
        raise CliError(f"No run of {job!r} goes on.")
    if len(active) > 1 and not every:
        ids = ", ".join(runs.run_id(one) for one in active)
        raise CliError(f"{len(active)} runs of {job!r} go on ({ids}): say which by --run, or --all.")
    return active
