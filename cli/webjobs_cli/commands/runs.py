"""The commands run, history and cancel."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from datetime import timedelta

from webjobs.model import API_VERSION, LABEL_RUN, LABEL_WEBJOB, WebJob, WebJobRun
from webjobs.model.command_line import join_arguments
from webjobs.objects import Object
from webjobs.runs import runs
from webjobs.runs.manifest import new_run
from webjobs_cli import exit_codes, lookup, output, pod_output, tables, text
from webjobs_cli.errors import FAILED, OK, CliError
from webjobs_cli.session import MANAGER, Session
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import NotFound, Unreachable
from webjobs_kube.logs.pod_logs import PodLogs

_ACCEPT_SECONDS = 5
"""Seconds within which the operator says whether it lets a run begin."""
_WAIT_SECONDS = 0.5
_FAILURES = 60
"""Looks at a run that may fail in a row before that is told: half a minute without an API server."""


def _new_run(session: Session, job: WebJob) -> Object:
    arguments = session.options.arguments
    return new_run(
        job,
        namespace=session.namespace,
        trigger=f"External - {MANAGER}",
        arguments=join_arguments(arguments) if arguments else None,
    )


class Watched:
    """A run that is looked at again and again."""

    def __init__(self, kube: KubeClient, run: WebJobRun, *, namespace: str) -> None:
        self._kube = kube
        self._namespace = namespace
        self._failures = 0
        self.run = run

    async def look(self) -> WebJobRun:
        """Return the run as it is now; as it was, while the API server can't be reached.

        Raises CliError when it was deleted.
        """
        name = self.run.metadata.name
        try:
            self.run = WebJobRun.parse(await self._kube.get("WebJobRun", self._namespace, name))
            self._failures = 0
        except NotFound:
            raise CliError(f"Run {runs.run_id(self.run)} was deleted while it was waited for.") from None
        except Unreachable:
            self._failures += 1
            if self._failures > _FAILURES:
                raise
        return self.run

    async def ended(self) -> bool:
        """Return whether the run has ended, by another look at it."""
        return (await self.look()).ended

    async def end(self) -> None:
        """Wait for the end of the run."""
        while not await self.ended():  # noqa: ASYNC110  it happens elsewhere
            await asyncio.sleep(_WAIT_SECONDS)


async def run(session: Session) -> int:
    """Start a run; with --wait return the exit code of the run."""
    options = session.options
    async with session.kube() as kube:
        job = WebJob.parse(await session.webjob(kube))
        lookup.needs_type(job, "triggered", instead="Continuous ones start by 'start'.")
        raw = await kube.create(_new_run(session, job))
        watched = Watched(kube, WebJobRun.parse(raw), namespace=session.namespace)
        run_id = runs.run_id(watched.run)
        if not (options.wait or options.follow):
            await _accepted(session, watched)
            _result(session, watched.run, {"metadata": raw["metadata"]} | raw)
            return OK
        session.tell(f"Run {run_id} of {job.display_name!r} is on its way.")
        limit = options.timeout
        try:
            async with asyncio.timeout(None if limit is None else limit.total_seconds()):
                if options.follow:
                    await _follow(session, kube, watched)
                await watched.end()
        except TimeoutError:
            raise CliError(
                f"Run {run_id} has not ended within {limit}. It goes on: 'kubectl webjob cancel' would end it."
            ) from None
        if watched.run.status.state == "Skipped":
            raise CliError(_refused(watched.run))
        session.tell(exit_codes.sentence(watched.run, run_id))
        return exit_codes.exit_code(watched.run)


async def _accepted(session: Session, watched: Watched) -> None:
    """Wait until the operator has taken the run up, or refused it."""
    deadline = session.clock() + timedelta(seconds=_ACCEPT_SECONDS)
    while session.clock() < deadline:
        state = (await watched.look()).status.state
        if state == "Skipped":
            raise CliError(_refused(watched.run))
        if state:
            return
        await asyncio.sleep(pod_output.LOOK_SECONDS)
    session.tell("warning: the operator has not taken the run up yet: it waits, or the operator is away.")


def _refused(run: WebJobRun) -> str:
    why = run.status.message or "Another run of the job was active."
    return f"The run was refused. {why} 'kubectl webjob history' shows the runs, 'kubectl webjob cancel' ends one."


def _result(session: Session, run: WebJobRun, raw: Object) -> None:
    form = session.options.output
    if form in ("json", "yaml"):
        session.print(output.dump(output.without_noise(raw), form), end="")
    elif form == "name":
        session.print(f"webjobrun.webjobs.dev/{run.metadata.name}")
    else:
        session.print(f"webjobrun.webjobs.dev/{run.metadata.name} created (run {runs.run_id(run)})")


async def _follow(session: Session, kube: KubeClient, watched: Watched) -> None:
    lines = pod_output.of_run(
        kube,
        PodLogs(kube),
        namespace=session.namespace,
        selector=selector(watched.run),
        ended=watched.ended,
    )
    async with aclosing(lines):
        async for line in lines:
            session.print(line.stamped.partition(" ")[2])


def selector(run: WebJobRun) -> str:
    """Return the label selector of the pods of a run."""
    return f"{LABEL_WEBJOB}={run.spec.web_job_name},{LABEL_RUN}={runs.run_id(run)}"


async def history(session: Session) -> int:
    """Print the runs of a triggered WebJob, newest first."""
    options = session.options
    if options.all:
        return await _stored(session)
    async with session.kube() as kube:
        job = WebJob.parse(await session.webjob(kube))
        lookup.needs_type(job, "triggered", instead="Continuous ones have a log: 'kubectl webjob logs'.")
        raws = await runs_of(session, kube, job)
    known = lookup.of_job(raws, job.metadata.name)[: options.limit]
    by_name = {raw["metadata"]["name"]: {"apiVersion": API_VERSION, "kind": "WebJobRun"} | raw for raw in raws}
    table = tables.history(known, now=session.clock(), wide=options.output == "wide")
    objects = [by_name[one.metadata.name] for one in known]
    output.show(session, table, objects, kind="WebJobRun", none=f"{job.display_name!r} has not run yet.")
    if job.status.stored_runs:
        session.tell("Older runs are in the store: 'kubectl webjob history --all' reads them through the REST shim.")
    return OK


async def _stored(session: Session) -> int:
    """Print all runs as the REST shim tells them."""
    options = session.options
    if options.output == "name":
        raise CliError("Runs in the store are no objects, and so have no names: leave out --all.")
    async with session.rest() as rest:
        bodies = (await rest.runs(options.name))[: options.limit]
    if options.output in ("json", "yaml"):
        session.print(output.dump({"runs": bodies}, options.output), end="")
        return OK
    table = tables.stored_history(bodies, now=session.clock(), wide=options.output == "wide")
    session.print(text.table(*table), end="")
    return OK


async def runs_of(session: Session, kube: KubeClient, job: WebJob) -> list[Object]:
    """Return the WebJobRuns of a job."""
    return await kube.list("WebJobRun", session.namespace, selector=f"{LABEL_WEBJOB}={job.metadata.name}")


async def cancel(session: Session) -> int:
    """Cancel runs that go on."""
    options, code = session.options, OK
    async with session.kube() as kube:
        job = WebJob.parse(await session.webjob(kube))
        lookup.needs_type(job, "triggered", instead="Continuous ones end by 'stop'.")
        known = lookup.of_job(await runs_of(session, kube, job), job.metadata.name)
        for one in lookup.to_cancel(known, options.run, every=options.all, job=job.display_name):
            try:
                if not one.spec.cancel:
                    await kube.patch("WebJobRun", session.namespace, one.metadata.name, {"spec": {"cancel": True}})
                session.print(f"webjobrun.webjobs.dev/{one.metadata.name} cancelled")
            except NotFound:
                session.tell(f"Run {runs.run_id(one)} has just been deleted.")
                code = FAILED
    return code
