"""The jobs of a source: of a folder or a zip on this machine, or of a site that runs."""

from __future__ import annotations

import asyncio
import zipfile
from collections.abc import Mapping
from pathlib import Path

from webjobs import names
from webjobs.files.unpack import UploadError
from webjobs.model import JobType, job_settings, scripts
from webjobs.objects import Object
from webjobs.store.job_files import beside_script
from webjobs.verdict import judge
from webjobs_cli import pack
from webjobs_cli.errors import CliError, UsageError
from webjobs_cli.importing import layout
from webjobs_cli.importing.model import SourceJob
from webjobs_cli.pack import LocalFile
from webjobs_cli.rest import FOLDERS, Rest, RestError, job_folder
from webjobs_cli.session import Session

_SETTINGS_BYTES = 128 * 2**10
"""Most bytes of settings.job; the shim takes no larger ones."""
_ZIP_BYTES = 2**31
_TYPES: dict[str, JobType] = {"triggered": "triggered", "continuous": "continuous"}


def from_path(path: Path, spool: Path) -> list[SourceJob]:
    """Return the jobs of a folder or zip. Blocks.

    Raises CliError for what is no site, or can't be read safely.
    """
    try:
        if path.is_dir():
            files = pack.read_folder(path)
        elif not path.exists():
            raise UsageError(f"There is no {str(path)!r}: give a wwwroot, as folder or zip.")
        elif zipfile.is_zipfile(path):
            files = pack.read_zip(path, spool)
        else:
            raise UsageError(f"{str(path)!r} is neither a folder nor a zip: give a wwwroot.")
        jobs = layout.split(files)
    except (UploadError, layout.LayoutError) as error:
        raise CliError(f"{path}: {error}") from None
    except OSError as error:
        raise CliError(f"{path} can't be read: {error}") from None
    found = [job_of(job_type, name, inner) for (job_type, name), inner in jobs.items()]
    return [job for job in found if job.problem or scripts.select_script(job.files)]  # others are mere folders


def job_of(
    job_type: JobType, name: str, files: Mapping[str, LocalFile], *, settings: Object | None = None
) -> SourceJob:
    """Return a job from its files; what is wrong with it becomes its problem.

    ``settings``: as the source's own API says them; None: settings.job says them.
    """
    try:
        names.check(name)
        _check(files)
    except (names.JobNameError, UploadError) as error:
        return SourceJob(job_type=job_type, name=name, problem=str(error))
    stopped = job_type == "continuous" and beside_script(files, job_settings.DISABLE_FILE_NAME) is not None
    found = judge(job_type, files, pack.heads(files), settings=settings)
    return SourceJob(
        job_type=job_type, name=name, files=files, settings=found.settings, stopped=stopped, verdict=found.verdict
    )


def _check(files: Mapping[str, LocalFile]) -> None:
    """Raise UploadError for files beyond the limits of an upload, before it is tried."""
    limits = pack.JOB_LIMITS
    if len(files) > limits.files or sum(file.size for file in files.values()) > limits.total_bytes:
        raise UploadError(f"It has more than {limits.files} files or {limits.total_bytes} bytes.")
    path = beside_script(files, job_settings.FILE_NAME)
    if path and files[path].size > _SETTINGS_BYTES:
        raise UploadError(f"{path} has more than {_SETTINGS_BYTES} bytes.")


async def from_site(session: Session, rest: Rest, spool: Path) -> list[SourceJob]:
    """Return the jobs of a site that runs.

    A job whose files can't be had is among them, with its problem.
    """
    listed, found = await rest.jobs(), []
    for number, body in enumerate(listed):
        name, job_type = str(body["name"]), _TYPES.get(str(body.get("type")))
        if job_type:
            folder = spool / f"job{number}"
            await asyncio.to_thread(folder.mkdir)
            settings = body.get("settings")  # what the site itself made of settings.job
            known = settings if isinstance(settings, dict) and settings else None
            found.append(await _of_site(session, rest, folder, job_type, name, settings=known))
    return found


async def _of_site(
    session: Session, rest: Rest, spool: Path, job_type: JobType, name: str, *, settings: Object | None
) -> SourceJob:
    try:
        names.check(name)
        files = await download(session, rest, spool, job_type, name)
    except (names.JobNameError, RestError, UploadError) as error:
        if isinstance(error, RestError) and error.status in (0, 401, 403, 429):
            raise  # it would be the same with every other job
        return SourceJob(job_type=job_type, name=name, problem=str(error))
    if files is None:
        where = " or ".join(FOLDERS)
        return SourceJob(job_type=job_type, name=name, problem=f"Its files are not in {where} of the site.")
    if scripts.select_script(files) is None:
        said = "It has no script: an image runs it. Copy its WebJob with kubectl."
        return SourceJob(job_type=job_type, name=name, problem=said)
    return await asyncio.to_thread(job_of, job_type, name, files, settings=settings)


async def download(
    session: Session, rest: Rest, spool: Path, job_type: JobType, name: str
) -> dict[str, LocalFile] | None:
    """Return the files of a job of a site; None when it has no folder there."""
    archive = spool / "files.zip"
    for root in FOLDERS:
        with archive.open("wb") as out, session.progress(f"reading {name}") as progress:
            folder = job_folder(job_type, name, root=root)
            size = await rest.download(folder, out, limit=_ZIP_BYTES, progress=progress)
        if size is not None:
            inside = spool / "files"
            inside.mkdir()
            found = await asyncio.to_thread(pack.read_zip, archive, inside, limits=pack.JOB_LIMITS)
            archive.unlink()
            return found
    return None
