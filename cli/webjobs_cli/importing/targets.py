"""Targets of an import: a site of the REST shim, a folder of manifests and packages, or a namespace."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from webjobs import names
from webjobs.objects import Object
from webjobs_cli import lookup, pack
from webjobs_cli.errors import CliError
from webjobs_cli.importing import manifests, reading
from webjobs_cli.importing.model import SourceJob, TargetJob
from webjobs_cli.importing.plan import Key, digests, key
from webjobs_cli.rest import Rest
from webjobs_cli.session import Session
from webjobs_kube import app_settings
from webjobs_kube.errors import Conflict, NotFound

if TYPE_CHECKING:
    from webjobs_kube.client import KubeClient

_TRIES = 5


class Target(Protocol):
    """The place where the jobs of an import go."""

    async def begin(self) -> None:
        """Look at what is there, before any other call."""
        ...

    async def look(self, job: SourceJob) -> TargetJob | None:
        """Return a job as it is there; None when there is none.

        Raises CliError when the target can't take this job.
        """
        ...

    async def save(self, job: SourceJob) -> None:
        """Make a job there what it is at the source.

        Raises CliError and what the way there raises.
        """
        ...

    async def settings(self) -> dict[str, str]:
        """Return the app settings of the site."""
        ...

    async def set_settings(self, values: Mapping[str, str]) -> None:
        """Set some app settings of the site; others stay."""
        ...


class SiteTarget:
    """A site over REST: every job in one upload."""

    def __init__(self, session: Session, rest: Rest) -> None:
        self._session = session
        self._rest = rest
        self._there: dict[Key, str] = {}

    async def begin(self) -> None:
        """Read the names of the jobs that are there."""
        self._there = {(one["type"], names.fold(str(one["name"]))): str(one["name"]) for one in await self._rest.jobs()}

    async def look(self, job: SourceJob) -> TargetJob | None:
        """Return a job as the site has it; None when there is none."""
        name = self._there.get(key(job))
        if name is None:
            return None
        with tempfile.TemporaryDirectory() as spool:
            files = await reading.download(self._session, self._rest, Path(spool), job.job_type, name)
            if files is None:
                return None
            there = await asyncio.to_thread(reading.job_of, job.job_type, name, files)
        return TargetJob(digests=digests(files, job.job_type), settings=there.settings, stopped=there.stopped)

    async def save(self, job: SourceJob) -> None:
        """Upload a job as a zip."""
        with tempfile.TemporaryDirectory() as spool:
            archive = Path(spool) / "job.zip"
            with archive.open("xb") as out:
                await asyncio.to_thread(pack.write_zip, out, job.files)
            size = archive.stat().st_size
            with self._session.progress(f"pushing {job.name}", total=size) as progress:
                await self._rest.upload(job.job_type, job.name, archive, progress=progress)

    async def settings(self) -> dict[str, str]:
        """Return the app settings of the site."""
        return await self._rest.settings()

    async def set_settings(self, values: Mapping[str, str]) -> None:
        """Set some app settings of the site; others stay."""
        await self._rest.set_settings(values)


class FolderTarget:
    """A folder of manifests, and of a zip for each job that does not fit into its manifest."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._names: dict[Key, str] = {}

    async def begin(self) -> None:
        """Raise CliError when a file is in the folder's place."""
        if self._root.exists() and not self._root.is_dir():
            raise CliError(f"{self._root} is a file: give a folder.")

    def name(self, jobs: list[SourceJob]) -> None:
        """Decide the names of the objects of all jobs, which depend on each other."""
        self._names = manifests.object_names(jobs)

    def _files(self, job: SourceJob) -> dict[str, bytes]:
        """Return what is to be there for a job, by path below the root."""
        return manifests.files_of(job, self._names[key(job)])

    async def look(self, job: SourceJob) -> TargetJob | None:
        """Return a job as the folder has it; None when nothing of it is there.

        Its settings and state are told as the source's; when a file differs, all files count as different.
        """
        wanted = await asyncio.to_thread(self._files, job)
        there = {path: (self._root / path).read_bytes() for path in wanted if (self._root / path).is_file()}
        if not there:
            return None
        if there == wanted:  # as the source has it, by definition
            return TargetJob(digests=digests(job.files, job.job_type), settings=job.settings, stopped=job.stopped)
        return TargetJob(digests={}, settings=job.settings, stopped=job.stopped)

    async def save(self, job: SourceJob) -> None:
        """Write the files of a job into the folder."""
        await asyncio.to_thread(lambda: self._save(self._files(job)))

    def _save(self, files: Mapping[str, bytes], *, secret: bool = False) -> None:
        try:
            for path, content in files.items():
                target = self._root / path
                target.parent.mkdir(parents=True, exist_ok=True)
                if secret:  # before there is anything to read in it
                    target.touch(mode=0o600)
                    target.chmod(0o600)
                target.write_bytes(content)
        except OSError as error:
            raise CliError(f"{self._root} can't be written: {error}") from None

    async def settings(self) -> dict[str, str]:
        """Return the app settings in the folder's manifest."""
        return manifests.read_settings(self._root / manifests.SETTINGS_FILE)

    async def set_settings(self, values: Mapping[str, str]) -> None:
        """Set some app settings in the folder's manifest; others stay."""
        all_of_them = await self.settings() | dict(values)
        self._save({manifests.SETTINGS_FILE: manifests.to_yaml(manifests.settings_secret(all_of_them))}, secret=True)


class ClusterTarget:
    """A namespace of WebJobs, by Kubernetes' API alone: packages can't go this way."""

    def __init__(self, kube: KubeClient, namespace: str) -> None:
        self._kube = kube
        self._namespace = namespace
        self._there: dict[Key, Object] = {}

    async def begin(self) -> None:
        """Read the WebJobs of the namespace."""
        for raw in await self._kube.list("WebJob", self._namespace):
            self._there[raw["spec"]["type"], names.fold(lookup.job_name(raw))] = raw

    async def look(self, job: SourceJob) -> TargetJob | None:
        """Return a job as its WebJob has it; None when there is none.

        Raises CliError for a job whose files need an upload.
        """
        raw = self._there.get(key(job))
        own = manifests.digests_of(raw["spec"]) if raw else None
        wanted = digests(job.files, job.job_type)
        package = manifests.package_of(job)
        if raw and (raw["spec"].get("package") or {}).get("digest") == package["digest"]:
            own = wanted
        if own != wanted and manifests.inline_script(job) is None:
            raise CliError("Its files need an upload: import by --to-url, or push it.")
        if raw is None or own is None:
            return None if raw is None else TargetJob(digests={}, settings={}, stopped=job.stopped)
        spec = raw["spec"]
        return TargetJob(digests=own, settings=spec.get("settings") or {}, stopped=bool(spec.get("stopped")))

    async def save(self, job: SourceJob) -> None:
        """Create the WebJob of a job, or change it; try again on conflicts.

        Raises CliError after several of them.
        """
        raw = self._there.get(key(job))
        for _ in range(_TRIES):
            try:
                if raw:
                    await self._kube.replace(manifests.changed(raw, job))
                else:
                    await self._create(job)
                return
            except Conflict:
                name = raw["metadata"]["name"] if raw else names.candidates(job.name, job.job_type)[0]
                try:
                    raw = await self._kube.get("WebJob", self._namespace, name)
                except NotFound:
                    raw = None
        raise CliError("The WebJob is being changed by others at the same time. Try again.")

    async def _create(self, job: SourceJob) -> None:
        """Create the WebJob of a job under the first object name that is free."""
        plain, qualified = names.candidates(job.name, job.job_type)
        taken = {raw["metadata"]["name"] for raw in self._there.values()}
        name = qualified if plain in taken else plain
        made = await self._kube.create(manifests.webjob(job, name, namespace=self._namespace))
        self._there[key(job)] = made

    async def settings(self) -> dict[str, str]:
        """Return the app settings in the Secret of the namespace, and in its ConfigMap of before."""
        return await app_settings.read(self._kube, self._namespace)

    async def set_settings(self, values: Mapping[str, str]) -> None:
        """Set some app settings in the Secret of the namespace; others stay, and those of its ConfigMap move there."""
        await app_settings.change(self._kube, self._namespace, lambda known: {**known, **values})
