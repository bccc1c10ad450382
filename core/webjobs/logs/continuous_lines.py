"""The lines of ``job_log.txt``, each with the position in its pod's story (``continuous_story.py``). Pure."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import groupby

from webjobs.logs import kudu_lines, log_position
from webjobs.logs.continuous_story import Position, Tell, is_full
from webjobs.logs.kudu_lines import Output
from webjobs.times import EPOCH

FULL = (
    "Reached maximum allowed output lines for this run, to see all of the job's logs you can enable App Service Logs "
    "option in the Portal."
)
"""Text of the last line that ``job_log.txt`` takes of a process, in Kudu's words."""
_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Entry:
    """A part of ``job_log.txt`` that is written at once: one line of output, or the system lines of one step."""

    moment: tuple[datetime, str]
    """When the entry was written: whole seconds, and the fraction as nine digits."""
    text: bytes
    """The lines of the entry in Kudu's form, UTF-8."""
    after: Position
    """Position in the pod's story once the entry is told."""
    loose: bool = False
    """True when the entry may change places by time with loose entries beside it: lines of two streams come as they are
    read, and the news of a stop may be faster than lines before it."""


def taken(position: Position, output: Output, *, instance: str, cap: int) -> Entry:
    """Return the entry for one more line of a process's output.

    The line after ``cap`` lines is the last one: its entry says that the log is full.
    """
    if log_position.stream_of(output) == "ERR":
        after = replace(position, lines=position.lines + 1, err=log_position.extended(position.err, output))
    else:
        after = replace(position, lines=position.lines + 1, out=log_position.extended(position.out, output))
    moment = kudu_lines.moment(output.stamped)
    if is_full(after, cap=cap):
        return Entry(moment, kudu_lines.line(moment[0], instance, FULL, level="WARN").encode(), after)
    return Entry(moment, kudu_lines.output_line(output, instance).encode("utf-8", "replace"), after, loose=True)


def told(step: Tell, *, instance: str) -> Entry:
    """Return the entry with the system lines of one step."""
    text = "".join(kudu_lines.line(one.when, instance, one.text, level=one.level, system=True) for one in step.lines)
    when = step.lines[0].when if step.lines else EPOCH
    if step.loose:
        when += _SECOND  # the API tells whole seconds: what was written in this one may have come before
    return Entry((when, ""), text.encode("utf-8", "replace"), step.after, loose=step.loose)


def merged(stories: Iterable[Sequence[Entry]]) -> bytes:
    """Return the lines of several pods in the order of time; the lines of one pod keep their order."""

    def ordered(story: Sequence[Entry]) -> Iterator[tuple[tuple[datetime, str], bytes]]:
        latest = (EPOCH, "")
        for loose, group in groupby(story, key=lambda entry: entry.loose):
            for entry in sorted(group, key=lambda entry: entry.moment) if loose else group:
                latest = max(latest, entry.moment)  # the API tells whole seconds, lines are finer
                yield latest, entry.text

    return b"".join(text for _, text in heapq.merge(*map(ordered, stories), key=lambda one: one[0]))


def kept(stored: Position, begin: Position, entries: Sequence[Entry]) -> Sequence[Entry] | None:
    """Return the entries that the file lacks whose journal says ``stored``.

    ``begin``: where the story was before the entries. A write whose answer was lost may have stored some of them. None:
    the file holds another story than the entries.
    """
    if stored == begin:
        return entries
    done = next((number for number, entry in enumerate(entries, 1) if entry.after == stored), None)
    return None if done is None else entries[done:]
