"""Does the operator see what happens: has it looked at each WebJob, run and slot since? Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from webjobs.model import ANNOTATION_RESTORING
from webjobs.objects import Object
from webjobs_cli.doctor.checks.clocks import time_of
from webjobs_cli.doctor.facts import Facts
from webjobs_cli.doctor.finding import Finding, few
from webjobs_cli.text import count, span

SUBJECT = "watching"
"""Subject of the findings."""
PATIENCE = timedelta(seconds=60)
"""Time in which an operator that is well has looked at everything, under load and after a restart too."""
_DO = (
    "See what is said of the operator here; kubectl logs of it says more. If it is up and says nothing: restart it by "
)
_RESTART = "kubectl rollout restart deployment {name} -n {namespace}."


def check(facts: Facts) -> Iterator[Finding]:
    """Yield what the operator has not looked at, or that there is nothing."""
    jobs = [job for job in facts.jobs if _is_watched(facts, job)]
    alone = {_name(job) for job in facts.jobs if ANNOTATION_RESTORING in (job["metadata"].get("annotations") or {})}
    runs = [run for run in facts.runs if _is_watched(facts, run) and _owner(run) not in alone]
    found = [*_jobs(facts, jobs), *_runs(facts, runs), *_slots(facts, jobs), *_deleted(facts, [*jobs, *runs])]
    yield from found
    if not found and jobs:
        yield Finding(
            level="ok",
            subject=SUBJECT,
            what=f"{count(len(jobs), 'WebJob')}, {count(len(runs), 'run')} under way: the operator has seen them",
        )


def _is_watched(facts: Facts, body: Object) -> bool:
    """Return whether an operator is meant to look at an object: those of other namespaces have their own finding."""
    meta = body["metadata"]
    if ANNOTATION_RESTORING in (meta.get("annotations") or {}):
        return False
    return any(one.watches(meta["namespace"]) is not False for one in facts.installations) or not facts.installations


def _cure(facts: Facts) -> str:
    operator = next((one for one in facts.installations if one.operator), None)
    if operator is None or operator.operator is None:
        return "There has to be an operator: see what is said of it here."
    return _DO + _RESTART.format(name=operator.operator.name, namespace=operator.namespace)


def _name(body: Object) -> str:
    return f"{body['metadata']['namespace']}/{body['metadata']['name']}"


def _owner(run: Object) -> str:
    """Return namespace and name of the WebJob of a run."""
    return f"{run['metadata']['namespace']}/{(run.get('spec') or {}).get('webJobName')}"


def changed(body: Object) -> datetime:
    """Return when the spec of an object was last changed, at most: its status does not count, nor who wrote that."""
    meta = body["metadata"]
    found = [time_of(meta.get("creationTimestamp"))]
    for entry in meta.get("managedFields") or []:
        if entry.get("subresource") is None:
            found.append(time_of(entry.get("time")))
    return max(found)


def _jobs(facts: Facts, jobs: list[Object]) -> Iterator[Finding]:
    late = []
    for job in jobs:
        meta, status = job["metadata"], job.get("status") or {}
        seen = status.get("observedGeneration") or 0
        if seen < (meta.get("generation") or 0) and facts.now - changed(job) > PATIENCE:
            late.append(job)
    if late:
        oldest = min(changed(job) for job in late)
        yield Finding(
            level="bad",
            subject=SUBJECT,
            what=f"the operator has not looked at {len(late)} of {len(jobs)} WebJobs since they changed, for up to "
            f"{span(facts.now - oldest)}: {few([_name(job) for job in late])}",
            do=_cure(facts),
        )


def _runs(facts: Facts, runs: list[Object]) -> Iterator[Finding]:
    late = [
        run
        for run in runs
        if not (run.get("status") or {}).get("state")
        and facts.now - time_of(run["metadata"].get("creationTimestamp")) > PATIENCE
    ]
    if late:
        names = few([_name(run) for run in late])
        yield Finding(
            level="bad",
            subject=SUBJECT,
            what=f"nobody has taken up {count(len(late), 'run')}: {names}",
            do=_cure(facts),
        )


def _slots(facts: Facts, jobs: list[Object]) -> Iterator[Finding]:
    late = []
    for job in jobs:
        due = (job.get("status") or {}).get("nextRunTime")
        if not due or job["metadata"].get("deletionTimestamp") or _is_held(job):
            continue
        if facts.now - time_of(due) > PATIENCE:
            late.append((time_of(due), _name(job)))
    if late:
        yield Finding(
            level="bad",
            subject=SUBJECT,
            what=f"schedules of {count(len(late), 'WebJob')} are due and did not fire, for up to "
            f"{span(facts.now - min(late)[0])}: {few([name for _, name in sorted(late)])}",
            do=_cure(facts),
        )


def _is_held(job: Object) -> bool:
    """Return whether something is told that keeps the job back: its slots wait for that, and not for the operator."""
    conditions = (job.get("status") or {}).get("conditions") or []
    return any(one.get("type") == "Ready" and one.get("status") == "False" for one in conditions)


def _deleted(facts: Facts, bodies: list[Object]) -> Iterator[Finding]:
    """Yield a finding on what is deleted and does not go: somebody's finalizer holds it."""
    stuck = []
    for body in bodies:
        since, holders = body["metadata"].get("deletionTimestamp"), body["metadata"].get("finalizers") or []
        if since and holders and facts.now - time_of(since) > PATIENCE:
            stuck.append(f"{_name(body)} ({few(holders)})")
    if stuck:
        yield Finding(
            level="warn",
            subject=SUBJECT,
            what=f"{count(len(stuck), 'deleted object')} can't go, held by finalizers: {few(stuck)}",
            do="WebJobs has no finalizers of its own: whoever set it has to take it away (foregroundDeletion: what "
            "belongs to the object goes first, such as a Job with a finalizer).",
        )
