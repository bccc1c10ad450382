"""The command import: an App Service site's jobs, brought over."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from webjobs.files.unpack import UploadError
from webjobs_cli import address, output, text
from webjobs_cli.errors import FAILED, OK, CliError, UsageError
from webjobs_cli.importing import plan, reading, report
from webjobs_cli.importing.model import Done, SourceJob, Step
from webjobs_cli.importing.targets import ClusterTarget, FolderTarget, SiteTarget, Target
from webjobs_cli.rest import RestError
from webjobs_cli.session import Session
from webjobs_kube.errors import ApiError


async def import_(session: Session) -> int:
    """Import jobs: read the source, compare, and do what is to be done.

    A job that fails leaves the others done.
    """
    options = session.options
    _check(session)
    with tempfile.TemporaryDirectory(prefix="webjobs-import-") as spool:
        jobs, site_settings = await _read(session, Path(spool))
        jobs = plan.chosen(jobs, options.job)
        async with _target(session) as target:
            if isinstance(target, FolderTarget):
                target.name(jobs)
            await target.begin()
            steps = [await _step(target, job) for job in jobs]
            changes: dict[str, str] = {}
            refused: list[str] = []
            problem = ""
            if site_settings is not None:
                wanted, refused = plan.wanted_settings(site_settings, every=options.all_settings)
                changes = plan.changed_settings(wanted, await target.settings())
            if options.dry_run:
                done = [Done(step=step, error=step.why if step.action == "refuse" else "") for step in steps]
            else:
                done = [await _do(target, step) for step in steps]
                if changes:
                    problem = await _set(target, changes)
        _show(session, done, [] if problem else sorted(changes))
        for name in refused:
            session.tell(f"not set: {text.plain(name)}: no setting can have this name here. Rename it in the program.")
        if problem:
            session.tell(f"no setting was set: {text.plain(problem)}")
    return FAILED if problem or refused or any(one.error for one in done) else OK


def _check(session: Session) -> None:
    """Raise UsageError for options that make no sense together."""
    options = session.options
    if bool(options.source) == bool(options.from_url):
        raise UsageError("Give one source: a wwwroot (folder or zip), or --from-url with a site that runs.")
    if (options.settings or options.all_settings) and not options.from_url:
        raise UsageError("A folder has no settings of the site: --settings needs --from-url.")
    named = options.to_url or options.to_folder or options.apply
    if not named and not session.has_rest:
        raise UsageError("Say where the jobs go: --to-url, --to-folder or --apply.")


async def _read(session: Session, spool: Path) -> tuple[list[SourceJob], dict[str, str] | None]:
    """Return the jobs of the source, and the settings of the site if they were asked for."""
    options = session.options
    if options.source:
        return await asyncio.to_thread(reading.from_path, Path(options.source), spool), None
    where = address.read(
        url=options.from_url,
        user=options.from_user,
        password=options.from_password,
        token=options.from_token,
        environ=session.environ,
        names=address.SOURCE,
    )
    async with session.site(where) as rest:
        jobs = await reading.from_site(session, rest, spool)
        wanted = options.settings or options.all_settings
        return jobs, await rest.settings() if wanted else None


@asynccontextmanager
async def _target(session: Session) -> AsyncIterator[Target]:
    options = session.options
    if options.to_folder:
        yield FolderTarget(Path(options.to_folder))
    elif options.apply:
        async with session.kube() as kube:
            yield ClusterTarget(kube, session.namespace)
    else:
        options.url = options.to_url or options.url
        async with session.rest() as rest:
            yield SiteTarget(session, rest)


async def _step(target: Target, job: SourceJob) -> Step:
    if job.problem:
        return plan.step(job, None)
    try:
        return plan.step(job, await target.look(job))
    except RestError as error:
        if error.status in (0, 401, 403, 429):
            raise
        return Step(job=job, action="refuse", why=str(error))
    except (CliError, UploadError) as error:
        return Step(job=job, action="refuse", why=str(error))


async def _do(target: Target, step: Step) -> Done:
    if step.action in ("none", "refuse"):
        return Done(step=step, error=step.why if step.action == "refuse" else "")
    try:
        await target.save(step.job)
    except (CliError, ApiError) as error:
        return Done(step=step, error=str(error) or "It could not be saved.")
    return Done(step=step)


async def _set(target: Target, changes: dict[str, str]) -> str:
    """Set the settings of a site; return why that failed, empty when it did not: the jobs are there in any case."""
    try:
        await target.set_settings(changes)
    except (CliError, ApiError) as error:
        return str(error) or "They could not be saved."
    return ""


def _show(session: Session, done: Sequence[Done], settings: Sequence[str]) -> None:
    options = session.options
    if options.output in ("json", "yaml"):
        body: dict[str, Any] = {"jobs": [report.body(one) for one in done], "settings": list(settings)}
        session.print(output.dump(body, options.output), end="")
    elif options.output == "name":
        for one in done:
            session.print(one.step.job.label)
    elif done:
        session.print(text.table(*report.table(done, dry_run=options.dry_run)), end="")
    for line in report.remarks(done, settings, dry_run=options.dry_run):
        session.tell(line)
    if options.to_folder and not options.dry_run:
        for line in report.next_steps(options.to_folder, done):
            session.tell(line)
