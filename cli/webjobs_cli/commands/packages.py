"""The commands push and rollback: the files of a WebJob."""

from __future__ import annotations

import asyncio
import tempfile
import zipfile
from pathlib import Path
from typing import Any, cast

from webjobs import names
from webjobs.files import package_history
from webjobs.files.unpack import UploadError
from webjobs.model import JobType, WebJob, scripts
from webjobs_cli import output, pack, tables, text
from webjobs_cli.errors import OK, CliError, UsageError
from webjobs_cli.pack import LocalFile
from webjobs_cli.rest import Rest
from webjobs_cli.session import Session
from webjobs_kube.errors import Conflict

_TRIES = 5


async def push(session: Session) -> int:
    """Upload a folder, a zip or a script: create a WebJob, or replace its files and settings."""
    options = session.options
    name, path = options.name, Path(options.path)
    try:
        names.check(name)
    except names.JobNameError as error:
        raise UsageError(str(error)) from None
    with tempfile.TemporaryDirectory() as spool:
        files, selected = await asyncio.to_thread(read, path, Path(spool))
        async with session.rest() as rest:
            job_type = options.type or await _type_there(rest, name)
            archive = Path(spool) / "job.zip"
            with archive.open("xb") as out:
                await asyncio.to_thread(pack.write_zip, out, files)
            size = archive.stat().st_size
            with session.progress(f"pushing {name}", total=size) as progress:
                job = await rest.upload(job_type, name, archive, progress=progress)
    if options.output in ("json", "yaml"):
        session.print(output.dump(job, options.output), end="")
        return OK
    many = text.count(len(files), "file")
    unpacked = text.size(sum(file.size for file in files.values()))
    session.print(f"pushed {job['name']!r} ({job_type}): {job.get('run_command') or selected}, {many}, {unpacked}")
    return OK


def read(path: Path, spool: Path) -> tuple[dict[str, LocalFile], str]:
    """Return the files that are to be uploaded, and the script among them that will run.

    Raises CliError that says what is wrong.
    """
    try:
        if path.is_dir():
            files = pack.read_folder(path, limits=pack.JOB_LIMITS)
        elif not path.exists():
            raise UsageError(f"There is no {str(path)!r}: give a folder, a zip or a script.")
        elif not path.is_file():
            raise UsageError(f"{str(path)!r} is no file and no folder: give a folder, a zip or a script.")
        elif path.suffix.lower() == ".zip" or (scripts.host_of(path.name) is None and zipfile.is_zipfile(path)):
            files = pack.read_zip(path, spool, limits=pack.JOB_LIMITS)
        else:
            files = pack.read_script(path)
    except UploadError as error:
        raise CliError(f"{path}: {error}") from None
    except OSError as error:
        raise CliError(f"{path} can't be read: {error}") from None
    selected = scripts.select_script(files)
    if selected is None:
        endings = ", ".join(ending for host in scripts.HOSTS for ending in host.extensions)
        raise CliError(f"{path} has nothing to run: put a run.sh or run.py into it (or another script of {endings}).")
    return files, selected.path


async def _type_there(rest: Rest, name: str) -> JobType:
    """Return the type of the job of that name, triggered when there is none."""
    types = {job["type"] for job in await rest.jobs() if names.same(str(job["name"]), name)}
    if len(types) > 1:
        raise UsageError(f"There is a triggered and a continuous WebJob {name!r}: add --type triggered or continuous.")
    return cast(JobType, types.pop()) if types else "triggered"


async def rollback(session: Session) -> int:
    """Put an earlier package back, with the settings that it had."""
    options = session.options
    async with session.kube() as kube:
        raw = await session.webjob(kube)
        for _ in range(_TRIES):
            job = WebJob.parse(raw)
            if options.list:
                return _listed(session, job, raw)
            try:
                chosen = package_history.choose(raw, options.to)
            except package_history.NothingEarlier as error:
                raise CliError(f"{job.display_name!r} can't go back: {error}") from None
            changed = package_history.go_back(raw, chosen, now=session.clock())
            try:
                await kube.replace(changed)
            except Conflict:
                raw = {"apiVersion": raw["apiVersion"], "kind": "WebJob"} | await kube.get(
                    "WebJob", session.namespace, job.metadata.name
                )
                continue
            digest = chosen.package.digest.removeprefix("sha256:")[:12]
            session.print(
                f"webjob.webjobs.dev/{job.metadata.name} rolled back to {digest} ({chosen.package.entrypoint})"
            )
            return OK
    raise CliError("The WebJob is being changed by others at the same time. Try again.")


def _listed(session: Session, job: WebJob, raw: dict[str, Any]) -> int:
    known = package_history.of(raw)
    if session.options.output in ("json", "yaml"):
        current = [{"package": job.spec.package.to_wire(), "current": True}] if job.spec.package else []
        session.print(output.dump([*current, *(one.to_wire() for one in known)], session.options.output), end="")
    elif job.spec.package or known:
        session.print(text.table(*tables.packages(job, known, now=session.clock())), end="")
    else:
        session.tell(f"{job.display_name!r} has no package: its program is in its manifest.")
    return OK
