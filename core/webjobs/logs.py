"""Kudu's log lines (contract, section 8).

``[05/19/2016 01:50:32 > abc123: SYS INFO] Status changed to Running``, UTC, CRLF at the end, level padded to four.
The same functions make the archived log of an ended run and the live view of a running one.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from webjobs import runs, scripts
from webjobs.model import WebJob, WebJobRun
from webjobs.runs import parse_time

Level = Literal["INFO", "WARN", "ERR"]

CONTAINER = "job"
"""Name of the container that runs the job, in every pod of it."""


def instance_id(pod_uid: str) -> str:
    """Six characters for one pod, as Kudu shows the first six of an instance's id."""
    return pod_uid.replace("-", "")[:6] or "000000"


def line(when: datetime, instance: str, text: str, *, level: Level = "INFO", system: bool = False) -> str:
    """One line with its end."""
    return f"[{when.astimezone(UTC):%m/%d/%Y %H:%M:%S} > {instance}: {'SYS ' if system else ''}{level:<4}] {text}\r\n"


def output_line(stamped: str, instance: str) -> str:
    """A line of a container's log with time stamp (``2026-01-01T00:00:00.123456789Z text``) in Kudu's form."""
    stamp, _, text = stamped.partition(" ")
    try:
        # Nanoseconds are cut to microseconds. The stamp can have an offset: the node's own zone.
        when = parse_time(stamp)
    except ValueError:
        when, text = datetime.fromtimestamp(0, UTC), stamped
    return line(when, instance, text.rstrip("\r"))


@dataclass(frozen=True, kw_only=True)
class RunLog:
    """What the system lines of one run say."""

    accepted: datetime
    instance: str
    script: str | None = None
    """File name of the script; None for a plain image."""
    host: str | None = None
    """Kudu's name of the script host."""
    started: datetime | None = None
    """When the process started."""
    ended: datetime | None = None
    state: str | None = None
    """State at the end."""
    exit_code: int | None = None
    message: str | None = None
    """Why it failed, when the exit code doesn't say it all."""

    def head(self) -> str:
        """The lines before the output."""
        text = self._system(self.accepted, "Status changed to Initializing")
        if self.started:
            if self.script:
                text += self._system(self.started, f"Run script '{self.script}' with script host - '{self.host}'")
            text += self._system(self.started, "Status changed to Running")
        return text

    def tail(self) -> str:
        """The lines after the output; empty while the run goes on."""
        if self.ended is None or self.state is None:
            return ""
        text = self._system(self.ended, f"Status changed to {self.state}")
        if self.state == "Failed" and self.exit_code:
            text += self._system(self.ended, f"Job failed due to exit code {self.exit_code}", level="ERR")
        elif self.state != "Success" and self.message:
            text += self._system(self.ended, self.message, level="ERR")
        return text

    def _system(self, when: datetime, text: str, *, level: Level = "INFO") -> str:
        return line(when, self.instance, text, level=level, system=True)


def script_of(webjob: WebJob) -> scripts.Selected | None:
    """The script that a WebJob runs; None for a plain image, and for a file that nothing here runs."""
    if webjob.spec.script:
        return scripts.entrypoint(webjob.spec.script.file_name)
    path = webjob.spec.package.entrypoint if webjob.spec.package else None
    return scripts.entrypoint(path) if path else None


def container_status(pod: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The entry of ``containerStatuses`` for the job's container; empty before the kubelet said."""
    known: list[Mapping[str, Any]] = ((pod or {}).get("status") or {}).get("containerStatuses") or []
    return next((status for status in known if status.get("name") == CONTAINER), {})


def run_log(webjob: WebJob, run: WebJobRun, pod: Mapping[str, Any] | None) -> RunLog:
    """The system lines of a run, for the live view and for the archive alike.

    ``pod``: the raw object of the last attempt; None before it is there and after it is gone.
    """
    status, selected = run.status, script_of(webjob)
    state = container_status(pod).get("state") or {}
    seen = (state.get("running") or state.get("terminated") or {}).get("startedAt")
    started = status.process_start_time or seen
    return RunLog(
        accepted=runs.start_time(run),
        instance=instance_id(pod["metadata"]["uid"] if pod else status.job_uid or run.metadata.uid),
        script=selected.file_name if selected else None,
        host=selected.host.name if selected else None,
        started=parse_time(started) if started else None,
        ended=parse_time(status.end_time) if run.ended and status.end_time else None,
        state=status.state if run.ended else None,
        exit_code=status.exit_code,
        message=status.message,
    )


async def render(log: RunLog, output: AsyncIterable[str]) -> AsyncIterator[bytes]:
    """The whole log as UTF-8 pieces; ``output`` are time-stamped lines without their ends."""
    yield log.head().encode()
    async for stamped in output:
        yield output_line(stamped, log.instance).encode()
    if tail := log.tail():
        yield tail.encode()
