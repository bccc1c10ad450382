"""The log of a run, line by line, from a line on and for as long as the run goes on.

A line is known by its number, which follows from the log alone: a client that lost its connection goes on at any
replica. Who begins has the log read once, up to its line. After that each look asks the API server for the pods of the
run, and for the last seconds of their logs, however long those are. So a follower costs two or three small requests a
second, and no connection to a kubelet; their number is bounded. The order of lines of stdout and stderr that were
written within a moment can differ between two readings of a log, and then such a line can come twice or not at all.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing

from webjobs.logs.log_position import LogPosition
from webjobs.model import WebJobRun
from webjobs_apiserver.errors import Missing, Unavailable
from webjobs_apiserver.service.job_logs import JobLogs
from webjobs_apiserver.service.runs import Runs
from webjobs_apiserver.sites import Site
from webjobs_apiserver.watching.job import Job
from webjobs_kube.errors import ApiError

log = logging.getLogger(__name__)

POLL_SECONDS = 1.0
"""Seconds from one look for new lines to the next."""
_FOLLOWERS = 48
"""Logs that are followed at once."""
_LINES = 500
"""Most lines that are passed on together."""
_BYTES = 2**18
"""Bytes of lines from which on they are passed on."""


class RunTails:
    """Logs of runs, line by line."""

    def __init__(self, *, logs: JobLogs, runs: Runs) -> None:
        self._logs = logs
        self._runs = runs
        self._open = 0

    async def lines(self, site: Site, name: str, run_id: str) -> AsyncIterator[list[bytes]]:
        """Return the lines of a run's log as it is now, without their ends, some at a time.

        Raises Missing when there is no such run.
        """
        job, run = await self._runs.get(site, name, run_id)
        if run.ended:
            return some((await self._logs.of_run(site, name, run_id)).content)
        return some(self._logs.live(site, job, run))

    async def follow(self, site: Site, name: str, run_id: str, *, after: int) -> AsyncIterator[list[bytes]]:
        """Return the lines after a number as they come, some at a time; none at each look that found nothing new.

        Ends when the run has ended and all its lines came. Raises Missing when there is no such run, Unavailable while
        too many logs are followed.
        """
        await self._runs.get(site, name, run_id)
        if self._open >= _FOLLOWERS:
            raise Unavailable(f"{_FOLLOWERS} logs are followed already. Load the page again when one has ended.")
        return self._follow(site, name, run_id, count=after)

    async def _follow(self, site: Site, name: str, run_id: str, *, count: int) -> AsyncIterator[list[bytes]]:
        self._open += 1
        try:
            ended = False
            while not ended:
                try:
                    job, run = await self._runs.get(site, name, run_id)
                    ended = run.ended
                    source = self._rest(site, job, run, run_id) if ended else self._live(site, job, run, run_id)
                    passed = 0
                    async with aclosing(source):  # type: ignore[type-var]
                        async for lines in source:
                            passed += len(lines)
                            new = lines[max(len(lines) - (passed - count), 0) :] if passed > count else []
                            count += len(new)
                            if new or not lines:
                                yield new
                except Missing:
                    return  # its history was cleared
                except ApiError as error:
                    ended = False
                    log.info("log of run %s/%s can't be read on: %s", site.namespace, run_id, error)
                    yield []
                if not ended:
                    await asyncio.sleep(POLL_SECONDS)
        finally:
            self._open -= 1

    async def _rest(self, site: Site, job: Job, run: WebJobRun, run_id: str) -> AsyncIterator[list[bytes]]:
        """Yield all lines of a run that has ended."""
        async for lines in some((await self._logs.of_run(site, job.name, run_id)).content):
            yield lines

    async def _live(self, site: Site, job: Job, run: WebJobRun, run_id: str) -> AsyncIterator[list[bytes]]:
        """Yield all lines of a run that goes on, then new ones, until it ends or its log has to be read again."""
        positions = dict[str, LogPosition]()
        async for lines in some(self._logs.live(site, job, run, positions)):
            yield lines
        while True:
            yield []
            if not positions:
                return  # it has not begun, or its pod is gone
            await asyncio.sleep(POLL_SECONDS)
            job, run = await self._runs.get(site, job.name, run_id)
            pods = await self._logs.pods_of_run(site, job, run)
            if run.ended or not positions.keys() <= {pod["metadata"]["name"] for pod in pods}:
                return
            new = await self._logs.newer(pods, positions)
            for begin in range(0, len(new), _LINES):
                yield new[begin : begin + _LINES]


async def some(pieces: AsyncIterator[bytes]) -> AsyncIterator[list[bytes]]:
    """Yield the lines of a log that comes in pieces of any size, without their ends, some at a time."""
    rest, lines, size = bytearray(), list[bytes](), 0
    async for piece in pieces:
        rest += piece
        if b"\n" not in piece:
            continue
        *whole, last = bytes(rest).split(b"\n")
        rest = bytearray(last)
        lines += [line.removesuffix(b"\r") for line in whole]
        size += len(piece)
        if len(lines) >= _LINES or size >= _BYTES:
            for part in _parts(lines):
                yield part
            lines, size = [], 0
    if rest:
        lines.append(bytes(rest).removesuffix(b"\r"))
    for part in _parts(lines):
        yield part


def _parts(lines: Sequence[bytes]) -> list[list[bytes]]:
    return [list(lines[begin : begin + _LINES]) for begin in range(0, len(lines), _LINES)]
