"""The report of an import. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from typing import Any

from webjobs_cli import text
from webjobs_cli.importing.manifests import inline_script, object_names
from webjobs_cli.importing.model import Done
from webjobs_cli.importing.plan import key

_DONE = {"create": "created", "update": "updated", "none": "unchanged", "refuse": "refused"}


def outcome(one: Done, *, dry_run: bool) -> str:
    """Return one word that says what became of a job, or will."""
    if one.error:
        return "refused" if one.step.action == "refuse" else "failed"
    return one.step.action if dry_run else _DONE[one.step.action]


def table(done: Sequence[Done], *, dry_run: bool) -> tuple[list[str], list[list[str]]]:
    """Return the table of an import: a row for each job."""
    headers = ["JOB", "TYPE", "SCHEDULE", "STATE", "VERDICT", "ACTION" if dry_run else "RESULT", "CHANGES"]
    rows = []
    for one in done:
        job = one.step.job
        state = "stopped" if job.stopped else "singleton" if job.settings.get("is_singleton") is True else ""
        fitness = "" if job.problem else job.verdict.fitness
        changes = one.step.why if one.step.action == "update" else ""
        rows.append([job.name, job.job_type, job.schedule, state, fitness, outcome(one, dry_run=dry_run), changes])
    return headers, rows


def body(one: Done) -> dict[str, Any]:
    """Return the outcome of one job as an object for programs."""
    job = one.step.job
    return {
        "name": job.name,
        "type": job.job_type,
        "schedule": job.schedule or None,
        "stopped": job.stopped,
        "singleton": job.settings.get("is_singleton") is True,
        "verdict": None if job.problem else job.verdict.fitness,
        "advice": job.verdict.why or None,
        "action": one.step.action,
        "changes": one.step.why.split(", ") if one.step.action == "update" else [],
        "error": one.error or None,
    }


def remarks(done: Sequence[Done], settings: Sequence[str], *, dry_run: bool) -> Iterator[str]:
    """Yield the lines that a person should read beside the table."""
    for one in done:
        if one.error:
            yield f"{outcome(one, dry_run=dry_run)}: {one.step.job.label}: {text.plain(one.error)}"
        elif one.step.job.verdict.why:
            said = one.step.job.verdict.fitness
            yield f"{'note' if said == 'fine' else said}: {one.step.job.label}: {text.plain(one.step.job.verdict.why)}"
    if settings:
        yield f"settings of the site {'to set' if dry_run else 'set'}: {', '.join(settings)}"
    changing = [one for one in done if one.step.action in ("create", "update")]
    failed = sum(bool(one.error) for one in done)
    if not changing and not settings and not failed:
        yield f"{text.count(len(done), 'job')}: nothing to do."
        return
    words = [outcome(one, dry_run=dry_run) for one in done]
    counts = ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words))
    yield f"{text.count(len(done), 'job')}{': ' if counts else ''}{counts}."
    if failed:
        yield f"{text.count(failed, 'job')} could not be brought over; the others are not affected."


def next_steps(folder: str, done: Sequence[Done]) -> Iterator[str]:
    """Yield the lines that say how the files in the target folder get into a cluster."""
    jobs = [one.step.job for one in done if not one.error]
    known = object_names([one.step.job for one in done])
    pushes = [job for job in jobs if inline_script(job) is None]
    if not jobs:
        return
    yield "Next:"
    for job in pushes:
        path = shlex.quote(f"{folder}/packages/{job.job_type}/{known[key(job)]}.zip")
        yield f"  kubectl webjob push --type {job.job_type} {shlex.quote(job.name)} {path}"
    yield f"  kubectl apply -f {shlex.quote(f'{folder}/manifests')}"
