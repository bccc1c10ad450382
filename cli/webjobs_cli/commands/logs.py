"""The command logs: from the pods by Kubernetes' log API, and from the store through the REST shim."""

from __future__ import annotations

from codecs import getincrementaldecoder
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from heapq import merge
from io import IncrementalNewlineDecoder
from urllib.parse import quote

from webjobs.logs import kudu_lines as log_lines
from webjobs.logs.kudu_lines import Output
from webjobs.model import LABEL_WEBJOB, WebJob, WebJobRun
from webjobs.objects import Object
from webjobs.pods import by_age, instance_id
from webjobs.runs import runs
from webjobs_cli import lookup, pod_output
from webjobs_cli.commands.runs import Watched, runs_of, selector
from webjobs_cli.errors import OK, CliError, UsageError
from webjobs_cli.session import Session
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import Invalid, NotFound
from webjobs_kube.logs.pod_logs import PodLogs


async def logs(session: Session) -> int:
    """Print the log of a run, or of all instances of a continuous WebJob."""
    options = session.options
    async with session.kube() as kube:
        job = WebJob.parse(await session.webjob(kube))
        if job.spec.type == "continuous":
            if options.run:
                raise UsageError(f"{job.display_name!r} is continuous: it has one log and no runs. Leave out --run.")
            if options.stored:
                return await _stored(session, f"continuous/{quote(job.display_name, safe='')}/job_log.txt")
            return await _of_worker(session, kube, job)
        known = lookup.of_job(await runs_of(session, kube, job), job.metadata.name)
        moved = job.status.stored_runs and options.run not in {runs.run_id(one) for one in known}
        if options.run and moved and runs.time_of_run_id(options.run):
            return await _stored(session, _path(job, options.run))  # its record is in the store only
        run = lookup.run(known, options.run, job=job.display_name)
        if not options.stored and await _of_run(session, kube, run):
            return OK
    return await _stored(session, _path(job, runs.run_id(run)))


def _path(job: WebJob, run_id: str) -> str:
    return f"triggered/{quote(job.display_name, safe='')}/{run_id}/output_log.txt"


async def _of_run(session: Session, kube: KubeClient, run: WebJobRun) -> bool:
    """Print what the run's pods have; return False when they are gone."""
    pods = await kube.list("Pod", session.namespace, selector=selector(run))
    if not pods and run.ended:
        return False
    watched = Watched(kube, run, namespace=session.namespace)
    if session.options.follow:
        where = {"namespace": session.namespace, "selector": selector(run)}
        lines = pod_output.of_run(kube, PodLogs(kube), **where, ended=watched.ended)
    else:
        lines = _now(kube, session.namespace, pods)
    written = False
    with suppress(NotFound, Invalid):  # the pod has just gone
        async with aclosing(lines):
            async for line in lines:
                _write(session, line)
                written = True
    return written or not watched.run.ended or bool(await kube.list("Pod", session.namespace, selector=selector(run)))


async def _now(kube: KubeClient, namespace: str, pods: list[Object]) -> AsyncGenerator[Output]:
    """Yield the lines that pods have by now."""
    pod_logs = PodLogs(kube)
    for pod in by_age(pods):
        if pod_output.has_begun(pod):
            async for line in pod_output.PodReader(pod_logs, namespace, pod["metadata"]["name"]).all(follow=False):
                yield line


def _write(session: Session, line: Output, prefix: str = "") -> None:
    stamp, _, text = line.stamped.partition(" ")
    session.print(f"{prefix}{stamp} {text}" if session.options.timestamps else f"{prefix}{text}")


async def _of_worker(session: Session, kube: KubeClient, job: WebJob) -> int:
    chosen = f"{LABEL_WEBJOB}={job.metadata.name}"
    pods = [pod for pod in await kube.list("Pod", session.namespace, selector=chosen) if pod_output.has_begun(pod)]
    readers: dict[str, pod_output.PodReader] = {}
    by_pod = []
    for pod in by_age(pods):
        uid, instance = pod["metadata"]["uid"], instance_id(pod["metadata"]["uid"])
        readers[uid] = pod_output.PodReader(PodLogs(kube), session.namespace, pod["metadata"]["name"])
        with suppress(NotFound, Invalid):  # it has just gone
            lines = readers[uid].all(follow=False)
            by_pod.append([(log_lines.moment(line.stamped), instance, line) async for line in lines])
    found = list(merge(*by_pod, key=lambda one: one[0]))
    if not session.options.follow:
        if not pods:
            raise CliError(f"{job.display_name!r} has no instance now: --stored reads its log through the REST shim.")
        many = len(pods) > 1
        for _, instance, line in found:
            _write(session, line, f"[{instance}] " if many else "")
        return OK
    for _, instance, line in found:
        _write(session, line, f"[{instance}] ")
    followed = pod_output.of_worker(
        kube,
        PodLogs(kube),
        namespace=session.namespace,
        selector=chosen,
        begun=readers,
    )
    async with aclosing(followed):
        async for instance, line in followed:
            _write(session, line, f"[{instance}] ")
    return OK


async def _stored(session: Session, path: str) -> int:
    """Print a log of the store, in Kudu's form."""
    if session.options.follow:
        session.tell("The pods are gone: the log is complete, and there is nothing to follow.")
    async with session.rest() as rest:
        pieces = rest.log(path)
        async with aclosing(pieces):
            text = IncrementalNewlineDecoder(getincrementaldecoder("utf-8")("replace"), translate=True)
            async for piece in pieces:
                session.print(text.decode(piece), end="")
            session.print(text.decode(b"", final=True), end="")
    return OK
