"""Kudu's log lines (docs/kudu-contract.md, section 8).

``[05/19/2016 01:50:32 > abc123: SYS INFO] Status changed to Running``, UTC, CRLF at the end, level padded to four. One
set of functions makes the archived log of an ended run and the live view of a running one.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal, NamedTuple

from webjobs.model import RunState, WebJob, WebJobRun, scripts
from webjobs.pods import container_status, instance_id
from webjobs.runs import runs
from webjobs.times import parse_time

Level = Literal["INFO", "WARN", "ERR"]
"""Level of a log line, as Kudu writes it."""

NEVER = (datetime.fromtimestamp(0, UTC), "")
"""Moment of a line without a stamp, before the moments of all other lines."""
_FRACTION = re.compile(r"\.(\d{1,9})")
_ERROR = re.compile(rb"\[\d\d/\d\d/\d{4} \d\d:\d\d:\d\d > \w+: ERR \] ", re.ASCII)

_SYSTEM = re.compile(rb"\[(\d\d/\d\d/\d{4} \d\d:\d\d:\d\d) > \w+: SYS (?:INFO|WARN|ERR )\] (.*)", re.ASCII | re.DOTALL)
_ENDED = re.compile(r"Status changed to (Success|Failed|Aborted)")
_EXIT_CODE = re.compile(r"Job failed due to exit code (-?\d{1,10})", re.ASCII)

_PIECE_BYTES = 2**16
TAIL_BYTES = 2**16
"""Bytes at the end of the log of a run among which its end stands."""


def line(when: datetime, instance: str, text: str, *, level: Level = "INFO", system: bool = False) -> str:
    """Return one line of a log in Kudu's form, with its end."""
    return f"[{when.astimezone(UTC):%m/%d/%Y %H:%M:%S} > {instance}: {'SYS ' if system else ''}{level:<4}] {text}\r\n"


class Output(NamedTuple):
    """A line of a container's log: ``2026-01-01T00:00:00.123456789Z text``, without its end."""

    stamped: str
    """The line with the stamp in front of it."""
    level: Level = "INFO"
    """Level of the line: ERR for stderr, where the streams can be told apart."""
    joined: bool = False
    """True when the line was read among the lines of both streams, and its level is known otherwise."""


def output_line(output: Output, instance: str) -> str:
    """Return a line of a container's log in Kudu's form."""
    stamped = output.stamped
    stamp, _, text = stamped.partition(" ")
    try:
        # Nanoseconds are cut to microseconds. The stamp can have an offset: the node's own zone.
        when = parse_time(stamp)
    except ValueError:
        when, text = datetime.fromtimestamp(0, UTC), stamped
    return line(when, instance, text.rstrip("\r"), level=output.level)


async def merge(stdout: AsyncIterator[str], stderr: AsyncIterator[str]) -> AsyncIterator[Output]:
    """Yield the stamped lines of both streams in the order of their stamps, which are in nanoseconds.

    A line that comes in both is one line of stdout: a server that does not know of streams gives all lines each time.
    """
    out, err = await anext(stdout, None), await anext(stderr, None)
    while out is not None or err is not None:
        if out is not None and out == err:
            yield Output(out)
            out, err = await anext(stdout, None), await anext(stderr, None)
        elif err is None or (out is not None and moment(out) <= moment(err)):
            yield Output(out or "")
            out = await anext(stdout, None)
        else:
            yield Output(err, "ERR")
            err = await anext(stderr, None)


def moment(stamped: str) -> tuple[datetime, str]:
    """Return when a stamped line was written, to the nanosecond, for comparisons; NEVER without a stamp."""
    stamp = stamped.partition(" ")[0]
    try:
        when = parse_time(stamp).replace(microsecond=0)
    except ValueError:
        return NEVER
    fraction = _FRACTION.search(stamp)
    return when, fraction[1].ljust(9, "0") if fraction else ""


async def errors_of(pieces: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """Yield the lines of stderr of a log in Kudu's form, which comes in pieces of any size."""
    rest = b""
    async for piece in pieces:
        *lines, rest = (rest + piece).split(b"\r\n")
        kept = [one + b"\r\n" for one in lines if _ERROR.match(one)]
        if kept:
            yield b"".join(kept)


@dataclass(frozen=True, kw_only=True)
class RunLog:
    """Facts of one run that the system lines of its log name."""

    accepted: datetime
    """When the run was accepted."""
    instance: str
    """Six characters that stand for the run's pod."""
    script: str | None = None
    """File name of the script; None for a plain image."""
    host: str | None = None
    """Kudu's name of the script host; None for a plain image."""
    why: str | None = None
    """What runs a file for Windows; None for any other."""
    started: datetime | None = None
    """When the process of the run started; None before it did."""
    ended: datetime | None = None
    """When the run ended; None while it goes on."""
    state: str | None = None
    """State of the run at its end; None while it goes on."""
    exit_code: int | None = None
    """Exit code of the process, when it has one."""
    message: str | None = None
    """Why the run failed, when the exit code doesn't say it all."""
    kept_back: datetime | None = None
    """Since when something keeps the run from beginning, which ``message`` names; None when nothing does."""

    def head(self) -> str:
        """Return the system lines before the run's output."""
        text = self._system(self.accepted, "Status changed to Initializing")
        if self.started:
            if self.script:
                text += self._system(self.started, f"Run script '{self.script}' with script host - '{self.host}'")
            if self.why:
                text += self._system(self.started, self.why)
            text += self._system(self.started, "Status changed to Running")
        return text

    def tail(self) -> str:
        """Return the system lines after the run's output; while the run goes on, what keeps it from beginning."""
        if self.ended is None and self.kept_back and self.message:
            return self._system(self.kept_back, f"The run does not begin yet. {self.message}", level="WARN")
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


class End(NamedTuple):
    """The end of a run, as the log tells it."""

    state: RunState
    when: datetime
    exit_code: int | None = None
    message: str | None = None


def end_of(tail: bytes, *, whole: bool) -> End | None:
    """Return how a run ended, as the system lines at the end of its log say; None when they say nothing.

    ``tail``: the last TAIL_BYTES of the log; ``whole``: it is all of the log. What the job itself wrote has no SYS at
    the begin of its lines, so it says nothing here. After the line of the state comes at most a message, which may
    hold anything: the first such line counts.
    """
    lines = tail.split(b"\r\n")[0 if whole else 1 : -1]
    found = [match for line in lines if (match := _SYSTEM.fullmatch(line))]
    for number, match in enumerate(found):
        ended = _ENDED.fullmatch(match[2].decode("utf-8", "replace"))
        if ended is None:
            continue
        try:
            when = datetime.strptime(match[1].decode(), "%m/%d/%Y %H:%M:%S").replace(tzinfo=UTC)
        except ValueError:
            return None
        why = found[number + 1][2].decode("utf-8", "replace") if number + 1 < len(found) else None
        exited = _EXIT_CODE.fullmatch(why) if why else None
        state: RunState = "Success" if ended[1] == "Success" else "Failed" if ended[1] == "Failed" else "Aborted"
        if state == "Success":
            return End(state, when, exit_code=0)
        return End(state, when, exit_code=int(exited[1]) if exited else None, message=None if exited else why)
    return None


def script_of(webjob: WebJob) -> scripts.Selected | None:
    """Return the script that a WebJob runs.

    None for a plain image, and for a file that no script host here runs.
    """
    if webjob.spec.script:
        return scripts.entrypoint(webjob.spec.script.file_name)
    path = webjob.spec.package.entrypoint if webjob.spec.package else None
    return scripts.entrypoint(path) if path else None


def why(webjob: WebJob) -> str | None:
    """Return what a log says of a file for Windows: what runs it here, and where to read more; None for any other."""
    told, selected = webjob.status.program, script_of(webjob)
    if told is None or selected is None or selected.host is not scripts.WINDOWS:
        return None
    more = f" 'kubectl webjob show {webjob.metadata.name} --script' prints the shell script." if told.script else ""
    return f"{told.why}{more}"


def run_log(webjob: WebJob, run: WebJobRun, pod: Mapping[str, Any] | None) -> RunLog:
    """Return the facts for the system lines of a run, for the live view and for the archive alike.

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
        why=why(webjob),
        started=parse_time(started) if started else None,
        ended=parse_time(status.end_time) if run.ended and status.end_time else None,
        state=status.state if run.ended else None,
        exit_code=status.exit_code,
        message=status.message,
        kept_back=parse_time(status.kept_back.last_transition_time) if status.kept_back else None,
    )


async def render(log: RunLog, output: AsyncIterable[Output]) -> AsyncIterator[bytes]:
    """Yield the whole log of a run as UTF-8 pieces: system lines, output, system lines."""
    yield log.head().encode()
    async for one in output:
        yield output_line(one, log.instance).encode()
    if tail := log.tail():
        yield tail.encode()


async def gathered(source: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield the bytes of a source in larger pieces."""
    pending = bytearray()
    async for piece in source:
        pending += piece
        if len(pending) >= _PIECE_BYTES:
            yield bytes(pending)
            pending.clear()
    if pending:
        yield bytes(pending)
