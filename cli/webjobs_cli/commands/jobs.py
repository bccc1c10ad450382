"""The commands list, show, start, stop, suspend and resume."""

from __future__ import annotations

from base64 import b64decode
from datetime import datetime

from webjobs import times
from webjobs.constants import SCRIPT_FILE
from webjobs.model import JobType, WebJob, condition_of
from webjobs.schedules import ScheduleError, parse
from webjobs_cli import lookup, output, tables, text
from webjobs_cli.errors import OK, CliError
from webjobs_cli.session import Session
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import NotFound


async def list_(session: Session) -> int:
    """Print all WebJobs."""
    async with session.kube() as kube:
        raws = [raw for raw in await session.webjobs(kube) if session.options.type in (None, raw["spec"].get("type"))]
    raws.sort(key=lambda raw: (raw["spec"]["type"] != "triggered", lookup.job_name(raw).casefold()))
    table = tables.jobs([WebJob.parse(raw) for raw in raws], now=session.clock(), wide=session.options.output == "wide")
    none = f"There are no WebJobs in namespace {session.namespace}."
    output.show(session, table, raws, kind="WebJob", none=none)
    return OK


async def show(session: Session) -> int:
    """Print one WebJob, or the shell script that its batch file runs as."""
    async with session.kube() as kube:
        raw = await session.webjob(kube)
        if session.options.script:
            session.print(await _script(session, kube, WebJob.parse(raw)), end="")
            return OK
    form = session.options.output
    if form in ("json", "yaml"):
        session.print(output.dump(output.without_noise(raw), form), end="")
    elif form == "name":
        output.show(session, ([], []), [raw], kind="WebJob", none="")
    else:
        session.print(described(WebJob.parse(raw), now=session.clock()), end="")
    return OK


async def _script(session: Session, kube: KubeClient, job: WebJob) -> str:
    """Return the shell script of a job, from the ConfigMap that its pods get."""
    program = job.status.program
    if program is None or program.script is None:
        why = program.why if program else tables.ready_condition(job)[2] or "the operator has not seen it yet."
        raise CliError(f"No batch file of {job.display_name!r} runs as a shell script: {why}")
    try:
        found = await kube.get("ConfigMap", session.namespace, program.script)
    except NotFound:
        raise CliError(f"The ConfigMap {program.script!r} is gone. The operator makes it again in a moment.") from None
    text_of = (found.get("data") or {}).get(SCRIPT_FILE)
    return text_of or b64decode(found["binaryData"][SCRIPT_FILE]).decode(errors="replace")


def described(job: WebJob, *, now: datetime) -> str:
    """Return what a person wants to know of a WebJob, a line each."""
    status, ready = job.status, tables.ready_condition(job)
    lines: list[tuple[str, str]] = [
        ("Name", job.display_name),
        ("Object", f"webjob/{job.metadata.name} in {job.metadata.namespace}"),
        ("Type", job.spec.type),
        ("State", tables.state(job)),
        ("Ready", f"{ready[0]} ({ready[1]}): {ready[2]}" if ready[0] else ""),
        ("Runs", tables.what_runs(job)),
    ]
    if program := status.program:
        by = " ".join(filter(None, (program.runtime, program.version)))
        lines += [
            ("Runtime", f"{by or program.host} ({program.host}), {program.image}"),
            ("Why", program.why),
            *(("Note", note) for note in program.notes or []),
        ]
    if (needs := condition_of(status.conditions, "Dependencies")) and needs.status == "False":
        lines.append(("Note", needs.message))
    if job.spec.package:
        package = job.spec.package
        lines.append(("Package", f"{package.digest} ({text.count(package.files, 'file')}, {text.size(package.size)})"))
    if job.spec.type == "triggered":
        lines += _triggered(job, now=now)
    else:
        lines.append(("Instances", f"{status.ready_replicas or 0} of {job.instances} ready"))
        lines.append(("Singleton", "yes" if job.singleton else "no"))
        lines += [(f"  {one.id}", f"{one.status} (pod {one.pod})") for one in status.instances or []]
    lines.append(("Stopping wait", f"{job.stopping_wait}s"))
    wide = max(text.width(name) for name, value in lines if value) + 1
    return "".join(f"{f'{name}:':<{wide}}  {text.plain(value)}\n" for name, value in lines if value)


def _triggered(job: WebJob, *, now: datetime) -> list[tuple[str, str]]:
    status, latest = job.status, job.status.latest_run
    lines = []
    if job.schedule:
        suspended = ", suspended" if job.spec.suspend else ""
        lines.append(
            ("Schedule", f"{job.schedule} ({_says(job.schedule)}, {job.spec.time_zone or 'the site zone'}{suspended})")
        )
    if status.next_run_time:
        when = times.parse_time(status.next_run_time)
        lines.append(("Next run", f"{status.next_run_time} ({text.ahead(when, now)})"))
    if latest:
        lines.append(("Last run", f"{latest.run_id}: {latest.state}, by {latest.trigger or 'somebody'}"))
    lines.append(("One at a time", f"{job.concurrency} (concurrencyPolicy)"))
    if status.skipped_runs:
        lines.append(("Skipped runs", str(status.skipped_runs)))
    return lines


def _says(schedule: str) -> str:
    try:
        return parse(schedule).description
    except ScheduleError as error:
        return f"can't be read: {error}"


async def start(session: Session) -> int:
    """Start a continuous WebJob."""
    return await _set(session, "continuous", "stopped", False, "started", "Triggered ones start by 'run'.")


async def stop(session: Session) -> int:
    """Stop a continuous WebJob."""
    return await _set(session, "continuous", "stopped", True, "stopped", "'cancel' ends a run, 'suspend' a schedule.")


async def suspend(session: Session) -> int:
    """Suspend the schedule of a WebJob, or one WebJobSchedule of it; runs on demand work."""
    return await _suspend(session, suspended=True)


async def resume(session: Session) -> int:
    """Resume the schedule of a WebJob, or one WebJobSchedule of it."""
    return await _suspend(session, suspended=False)


async def _suspend(session: Session, *, suspended: bool) -> int:
    done = "suspended" if suspended else "resumed"
    if session.options.schedule is None:
        instead = "'stop' and 'start' are for continuous ones."
        return await _set(session, "triggered", "suspend", suspended, done, instead)
    name = session.options.schedule
    async with session.kube() as kube:
        job = WebJob.parse(await session.webjob(kube))
        try:
            raw = await kube.get("WebJobSchedule", session.namespace, name)
        except NotFound:
            raise CliError(f"There is no WebJobSchedule {name!r}: 'kubectl get wjs' shows them.") from None
        if raw["spec"]["webJobName"] != job.metadata.name:
            raise CliError(f"WebJobSchedule {name!r} is of {raw['spec']['webJobName']!r}, not of {job.display_name!r}.")
        if bool(raw["spec"].get("suspend")) == suspended:
            session.print(f"webjobschedule.webjobs.dev/{name} is {done} already")
            return OK
        await kube.patch("WebJobSchedule", session.namespace, name, {"spec": {"suspend": suspended}})
    session.print(f"webjobschedule.webjobs.dev/{name} {done}")
    return OK


async def _set(session: Session, job_type: JobType, field: str, value: bool, done: str, instead: str) -> int:
    """Set a switch of a WebJob; write nothing when it stands so already."""
    async with session.kube() as kube:
        raw = await session.webjob(kube)
        job = WebJob.parse(raw)
        lookup.needs_type(job, job_type, instead=instead)
        if bool(raw["spec"].get(field)) == value:
            session.print(f"webjob.webjobs.dev/{job.metadata.name} is {done} already")
            return OK
        await kube.patch("WebJob", session.namespace, job.metadata.name, {"spec": {field: value}})
    session.print(f"webjob.webjobs.dev/{job.metadata.name} {done}")
    return OK
