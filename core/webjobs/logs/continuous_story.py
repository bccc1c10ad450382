"""What ``job_log.txt`` says of one instance (pod) of a continuous job, in Kudu's words. Pure.

The words are those of docs/kudu-contract.md, section 8.

A Position says how far a pod's story was told. ``next_step`` gives what comes after it, from the pod as it is now. So
the operator that stores the log, an operator that takes over from it, and the view of what is not stored yet tell one
story, and tell everything once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal, NamedTuple, Self, cast, get_args

from webjobs.logs import kudu_lines
from webjobs.logs.kudu_lines import Level
from webjobs.logs.log_position import LogPosition, Stamps, all_before
from webjobs.logs.processes import Pod, Process, processes
from webjobs.logs.restarts import own_delay, restart_at
from webjobs.model import WebJob
from webjobs.pods import asked_to_end, container_status, is_over
from webjobs.times import parse_time

Stage = Literal["new", "begun", "running", "down", "waiting", "stopped"]
"""How far a pod's story was told: not at all (new), its beginning (begun), the beginning of its process (running), the
end of its process (down), that it waits for its next process (waiting), all of it (stopped)."""

_BACK_OFF = re.compile(r"back-off (?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


@dataclass(frozen=True, kw_only=True)
class Position:
    """A position in the story of a pod: how far it was told."""

    stage: Stage = "new"
    """Stage that the story has reached."""
    process: str = ""
    """Id of the newest process that was told of."""
    lines: int = 0
    """Lines of the process's output that were told, the line about the cap included."""
    out: Stamps = ()
    """Stamps of the newest lines of the process's stdout (or of both streams, where they can't be told apart)."""
    err: Stamps = ()
    """Stamps of the newest lines of the process's stderr, where stderr comes by itself."""
    stopping: bool = False
    """True once it was told that the pod is to go."""

    @classmethod
    def of_wire(cls, wire: Mapping[str, Any]) -> Self:
        """Return the position that a JSON object says; the beginning when the object can't be read."""
        stage = wire.get("stage")
        if stage not in get_args(Stage):
            return cls()
        known = {name: wire[name] for name in ("process", "lines", "stopping") if name in wire}
        return cls(stage=cast(Stage, stage), **known, out=_stamps(wire.get("out")), err=_stamps(wire.get("err")))

    def to_wire(self) -> dict[str, Any]:
        """Return the position as a JSON object, without the fields that are as in the beginning."""
        begin = asdict(type(self)())
        return {name: value for name, value in asdict(self).items() if value != begin[name]}

    @property
    def log(self) -> LogPosition:
        """Position in the log of the process: how far it was read."""
        return LogPosition({"INFO": self.out, "ERR": self.err})


def _stamps(wire: Any) -> Stamps:
    if isinstance(wire, str):  # a journal of an operator that kept the newest stamp only
        return all_before(wire)
    return tuple((str(stamp), int(count)) for stamp, count in wire or ())


@dataclass(frozen=True, kw_only=True)
class About:
    """Facts of a continuous job that the lines of its log name."""

    singleton: bool
    """True when at most one instance of the job runs."""
    script: str | None = None
    """File name of the script; None for a plain image."""
    host: str | None = None
    """Kudu's name of the script host; None for a plain image."""
    why: str | None = None
    """What runs a file for Windows; None for any other."""
    restart_delay: int | None = None
    """Seconds that the job's container waits before it starts a process again; None when it does not wait."""

    @classmethod
    def of(cls, webjob: WebJob) -> Self:
        """Return the facts of a WebJob as it is now, under the settings of its site."""
        selected = kudu_lines.script_of(webjob)
        if selected is None:
            return cls(singleton=webjob.singleton)
        return cls(
            singleton=webjob.singleton,
            script=selected.file_name,
            host=selected.host.name,
            why=kudu_lines.why(webjob),
            restart_delay=own_delay(webjob),
        )


class Line(NamedTuple):
    """A system line of ``job_log.txt`` before it is rendered."""

    when: datetime
    text: str
    level: Level = "INFO"


@dataclass(frozen=True)
class Tell:
    """A step of the story: tell these lines; then the story is at ``after``."""

    lines: tuple[Line, ...]
    """System lines of the step, in their order."""
    after: Position
    """Position once the lines are told."""
    loose: bool = False
    """True when output that was written before the lines, and is read later, goes before them."""


@dataclass(frozen=True)
class Read:
    """A step of the story: read the output of a process, all of it after the position, for as long as it runs."""

    process: Process
    """Process whose output is to be read."""


@dataclass(frozen=True)
class Wait:
    """A step of the story: there is nothing to tell before a moment, unless the pod changes."""

    until: datetime
    """Moment before which there is nothing to tell."""


def is_full(position: Position, *, cap: int) -> bool:
    """Return whether the output of the process was cut at ``cap`` lines, and the log says so."""
    return 0 < cap < position.lines


def next_step(
    position: Position, pod: Pod | None, *, about: About, cap: int, now: datetime, read: str = ""
) -> Tell | Read | Wait | None:
    """Return the step that comes next in a pod's story; None when there is none until the pod changes.

    ``pod``: None when it is gone; ``cap``: lines of output of one process, 0 for no end; ``read``: the ended process
    whose output was read to its end.
    """
    if position.stage == "stopped":
        return None
    if pod is None:
        return _gone(position, now)
    if position.stage == "new":
        when = parse_time((pod.get("status") or {}).get("startTime") or pod["metadata"].get("creationTimestamp"))
        lines = (
            Line(when, "Status changed to Starting"),
            Line(when, f"WebJob singleton setting is {about.singleton}"),
        )
        return Tell(lines, replace(position, stage="begun"))
    asked = asked_to_end(pod)
    if asked and not position.stopping:
        return Tell((Line(asked, "Status changed to Stopping"),), replace(position, stopping=True), loose=True)
    known = processes(pod)
    if position.stage == "running":
        return _running(position, pod, known, cap=cap, read=read)
    ids = [process.id for process in known]
    later = known[ids.index(position.process) + 1 :] if position.process in ids else known
    if position.stage == "down" and (later or (_waits(pod) and not position.stopping)):
        return _down(position, pod, known, later, delay=about.restart_delay)
    if later:
        begins = _begins(later[0], known, delay=about.restart_delay)
        # Clocks differ: only a wait of ours is believed to lie ahead.
        if later[0].started < begins and now < begins and later[0].ended is None and not position.stopping:
            return Wait(begins)
        return Tell(_begin(begins, about), Position(stage="running", process=later[0].id, stopping=position.stopping))
    if is_over(pod) or (position.stopping and position.stage in ("down", "waiting")):
        ended = max([process.ended for process in known if process.ended] + ([asked] if asked else []), default=now)
        return Tell((Line(ended, "Status changed to Stopped"),), replace(position, stage="stopped"))
    return None


def _gone(position: Position, now: datetime) -> Tell:
    lines = []
    if position.stage == "running":  # nobody has seen how it ended
        lines.append(Line(now, "WebJob process was aborted"))
    if position.stage != "new":
        lines.append(Line(now, "Status changed to Stopped"))
    return Tell(tuple(lines), replace(position, stage="stopped", out=(), err=()))


def _begins(process: Process, known: Sequence[Process], *, delay: int | None) -> datetime:
    """Return when a process begins, or began: its container may have to wait for it."""
    before = next((one for one in known if one.terminated and one is not process), None)
    if delay is None or before is None or before.terminated is None:
        return process.started
    return max(process.started, restart_at(before.terminated, delay=delay))


def _begin(when: datetime, about: About) -> tuple[Line, ...]:
    running = Line(when, "Status changed to Running")
    if about.script is None:
        return (running,)
    script = f"Run script '{about.script}' with script host - '{about.host}'"
    return (Line(when, script), *([Line(when, about.why)] if about.why else []), running)


def _running(position: Position, pod: Pod, known: Sequence[Process], *, cap: int, read: str) -> Tell | Read | None:
    own = next((process for process in known if process.id == position.process), None)
    if own is None:  # its end was never seen; others came after it, or nothing will
        return Tell((), _read_to_end(position)) if known or is_over(pod) else None
    if not is_full(position, cap=cap) and (own.ended is None or read != own.id):
        return Read(own)
    if own.ended is None:
        return None
    if own.exit_code:
        told = Line(own.ended, f"Job failed due to exit code {own.exit_code}", "ERR")
    else:
        told = Line(own.ended, "Status changed to Success")
    return Tell((told,), _read_to_end(position))


def _read_to_end(position: Position) -> Position:
    """Return the position after the end of its process, whose log is not read again."""
    return replace(position, stage="down", out=(), err=())


def _waits(pod: Pod) -> bool:
    return "waiting" in (container_status(pod).get("state") or {})


def _down(
    position: Position, pod: Pod, known: Sequence[Process], later: Sequence[Process], *, delay: int | None
) -> Tell:
    own = next((process for process in known if process.id == position.process), None)
    when = own.ended if own and own.ended else later[0].started if later else parse_time(None)
    if delay is not None and own and own.terminated:
        wait = round((restart_at(own.terminated, delay=delay) - when).total_seconds())
    else:
        wait = seconds_down(pod, ended=own.ended if own else None, following=later[0].started if later else None)
    lines = (
        Line(when, f"Process went down, waiting for {wait} seconds"),
        Line(when, "Status changed to PendingRestart"),
    )
    return Tell(lines, replace(position, stage="waiting"))


def seconds_down(pod: Pod, *, ended: datetime | None, following: datetime | None) -> int:
    """Return how many seconds pass between the end of a process and the next one.

    Known by the start of the next process, ``following``; before that by what the kubelet says of its back-off.
    """
    if following is not None:
        return round(max(following - ended, timedelta()).total_seconds()) if ended else 0
    waiting = (container_status(pod).get("state") or {}).get("waiting") or {}
    found = _BACK_OFF.search(str(waiting.get("message") or ""))
    hours, minutes, seconds = (int(number or 0) for number in found.groups()) if found else (0, 0, 0)
    return 3600 * hours + 60 * minutes + seconds
