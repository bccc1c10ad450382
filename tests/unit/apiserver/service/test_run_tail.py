"""The log of a run line by line: each line once, whoever reads it on, and wherever it is by then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any

import pytest

from tests.fakes.objects import JOB_UID, kept_back, pod, run_body, webjob_body
from tests.fakes.shim import RUN_ID, Shim, shim
from webjobs.logs.kudu_lines import Output
from webjobs.store import run_log_parts
from webjobs.store import run_logs as stored_logs
from webjobs_apiserver.errors import Missing, Unavailable
from webjobs_apiserver.service import run_tail
from webjobs_apiserver.service.service import Service
from webjobs_apiserver.sites import Site
from webjobs_apiserver.watching.watch import Feed
from webjobs_kube.errors import Unreachable

SITE = Site(name="webjobs", namespace="site")
KEY = stored_logs.run_log_key(namespace="site", webjob="job", run_id=RUN_ID)
BEGUN = ["Status changed to Initializing", "Run script 'run.sh' with script host - 'BashScriptHost'"]
BEGUN += ["Status changed to Running"]


@pytest.fixture
def one(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shim]:
    monkeypatch.setattr(run_tail, "POLL_SECONDS", 0.0)
    with shim() as made:
        made.kube.add(webjob_body(name="job"))
        made.kube.add(run_body(f"job-{RUN_ID}", state="Running", status={"jobUID": JOB_UID}))
        yield made


def tails(one: Shim) -> run_tail.RunTails:
    """The logs of runs, line by line, at a replica that has just begun."""
    config = one.config
    return Service.build(
        kube=one.kube,
        feed=Feed(one.kube, namespaces=["site"]),
        store=one.store,
        limits=one.limits,
        job_limits=config.job_limits,
        clock=lambda: one.now,
        destinations=config.hooks.destinations(),
        sources=config.package_uri.destinations(),
    ).tails


def begin(one: Shim, name: str = "first", created: str = "2026-01-01T12:00:01Z") -> list[str]:
    """A pod of the run whose process runs; gives its log."""
    state = {"running": {"startedAt": "2026-01-01T12:00:02Z"}}
    labels = {"webjobs.dev/webjob": "job", "webjobs.dev/run": RUN_ID}
    meta: dict[str, Any] = {"name": name, "creationTimestamp": created}
    one.kube.add(pod(labels=labels, state=state, **meta) | {"apiVersion": "v1"})
    lines: list[str] = []
    one.kube.logs[("site", name, False)] = lines
    return lines


def say(lines: list[str], *numbers: int) -> None:
    """Lines that a process writes, one a second."""
    lines += [f"2026-01-01T12:{number // 60:02d}:{number % 60:02d}.5Z line {number}" for number in numbers]


def end(one: Shim) -> None:
    """The run ends."""
    one.set_status("WebJobRun", f"job-{RUN_ID}", state="Success", exitCode=0, endTime="2026-01-01T12:59:00Z")


def texts(lines: list[bytes]) -> list[str]:
    return [line.decode().partition("] ")[2] for line in lines]


class Reader:
    """A client that reads a log on."""

    def __init__(self, source: AsyncIterator[list[bytes]]) -> None:
        self.source = source
        self.lines: list[str] = []

    async def look(self, times: int = 3) -> None:
        """Take what comes until so many looks found nothing."""
        while times:
            new = await anext(self.source)
            self.lines += texts(new)
            times -= not new

    async def rest(self) -> None:
        """Take all that comes until the log ends."""
        async with asyncio.timeout(10):
            async for new in self.source:
                self.lines += texts(new)


async def read(one: Shim, *, after: int = 0) -> Reader:
    return Reader(await tails(one).follow(SITE, "job", RUN_ID, after=after))


async def test_lines_come_once_and_in_order(one: Shim) -> None:
    lines = begin(one)
    say(lines, 3, 4)
    reader = await read(one)
    await reader.look()
    say(lines, 5, 6)
    await reader.look()
    say(lines, *range(7, 700))
    await reader.look()
    end(one)
    await reader.rest()
    said = [f"line {number}" for number in range(3, 700)]
    assert reader.lines == [*BEGUN, *said, "Status changed to Success"]


async def test_a_look_reads_the_end_of_the_log_alone(one: Shim, monkeypatch: pytest.MonkeyPatch) -> None:
    lines, asked = begin(one), list[str | None]()
    say(lines, *range(3, 100))
    real = one.kube.log_lines

    def log_lines(*arguments: Any, since_time: str | None = None, **more: Any) -> Any:
        asked.append(since_time)
        return real(*arguments, since_time=since_time, **more)

    monkeypatch.setattr(one.kube, "log_lines", log_lines)
    reader = await read(one)
    await reader.look(5)
    assert asked[0] is None
    assert set(asked[-3:]) == {"2026-01-01T12:01:34Z"}


async def test_stdout_and_stderr(one: Shim) -> None:
    one.kube.errors_apart = True
    lines, errors = begin(one), list[str]()
    one.kube.error_logs[("site", "first", False)] = errors
    say(lines, 3, 20)
    reader = await read(one)
    await reader.look()
    say(errors, 19, 21)
    say(lines, 22)
    await reader.look()
    say(errors, 23)
    await reader.look()
    assert reader.lines == [*BEGUN, *(f"line {number}" for number in (3, 20, 19, 21, 22, 23))]


async def test_an_api_server_that_knows_no_streams(one: Shim, monkeypatch: pytest.MonkeyPatch) -> None:
    """It gives all lines for each stream."""
    real = one.kube.log_lines
    monkeypatch.setattr(one.kube, "log_lines", lambda *given, stream=None, **more: real(*given, **more))
    lines = begin(one)
    say(lines, *range(3, 30))
    reader = await read(one)
    await reader.look()
    say(lines, 30)
    await reader.look()
    assert reader.lines == [*BEGUN, *(f"line {number}" for number in range(3, 31))]


@pytest.mark.parametrize("after", [0, 1, 3, 4, 10, 12, 99])
async def test_another_replica_goes_on_at_any_line(one: Shim, after: int) -> None:
    lines = begin(one)
    say(lines, *range(3, 10))
    reader = await read(one, after=after)
    await reader.look()
    say(lines, 10)
    await reader.look()
    end(one)
    await reader.rest()
    said = [f"line {number}" for number in range(3, 11)]
    assert reader.lines == [*BEGUN, *said, "Status changed to Success"][after:]


async def test_what_keeps_a_run_back_is_no_line(one: Shim) -> None:
    """It would have the number of a line that comes later."""
    one.set_status("WebJobRun", f"job-{RUN_ID}", state="Initializing", **kept_back("ImagePullBackOff"))
    reader = await read(one)
    await reader.look()
    assert reader.lines == BEGUN[:1]
    say(begin(one), 3)
    await reader.look()
    assert reader.lines == [*BEGUN, "line 3"]


async def test_a_pod_that_goes_is_read_from_the_store(one: Shim) -> None:
    say(begin(one), 3, 4)
    reader = await read(one)
    await reader.look()
    stored = [Output(f"2026-01-01T12:00:0{number}.5Z line {number}") for number in (3, 4, 5)]
    await run_log_parts.write(one.store, KEY, pod="first", number=0, lines=stored)
    del one.kube.objects[("Pod", "site", "first")]
    say(begin(one, "second", "2026-01-01T12:00:06Z"), 7)
    await reader.look()
    assert reader.lines == [*BEGUN, "line 3", "line 4", "line 5", "line 7"]


async def test_the_end_comes_from_the_archive(one: Shim) -> None:
    say(begin(one), 3)
    reader = await read(one)
    await reader.look()

    async def archived() -> AsyncIterator[bytes]:
        head = [f"[01/01/2026 12:00:00 > a: SYS INFO] {text}" for text in BEGUN]
        yield "\r\n".join(
            [*head, "[01/01/2026 12:00:03 > a: INFO] line 3", "[01/01/2026 12:00:04 > a: INFO] l"]
        ).encode()
        yield b"ast\r\n"

    await stored_logs.write(one.store, KEY, archived())
    one.set_status("WebJobRun", f"job-{RUN_ID}", logPath=KEY)
    end(one)
    await reader.rest()
    assert reader.lines[3:] == ["line 3", "last"]


async def test_an_api_server_that_does_not_answer_is_waited_for(one: Shim) -> None:
    lines = begin(one)
    say(lines, 3)
    reader = await read(one)
    await reader.look()
    one.kube.fail(Unreachable("no"), verb="log", times=2)
    say(lines, 4)
    await reader.look(6)
    assert reader.lines == [*BEGUN, "line 3", "line 4"]


async def test_a_run_that_is_deleted_ends_its_log(one: Shim) -> None:
    begin(one)
    reader = await read(one)
    await reader.look()
    del one.kube.objects[("WebJobRun", "site", f"job-{RUN_ID}")]
    await reader.rest()
    with pytest.raises(Missing):
        await read(one)


async def test_followers_are_bounded(one: Shim) -> None:
    begin(one)
    of_one = tails(one)
    async with aclosing(await of_one.follow(SITE, "job", RUN_ID, after=0)) as first:  # type: ignore[type-var]
        await anext(first)
        assert of_one._open == 1
        of_one._open += run_tail._FOLLOWERS - 1
        with pytest.raises(Unavailable, match="48 logs"):
            await of_one.follow(SITE, "job", RUN_ID, after=0)
    assert of_one._open == run_tail._FOLLOWERS - 1


@pytest.mark.parametrize("size", [1, 3, 7, 10_000, 300_000])
async def test_pieces_of_any_size(size: int) -> None:
    text = b"a\r\n\r\nb\nc\rd\r\n" + b"x" * 300_000 + b"\r\nlast"
    pieces = [text[at : at + size] for at in range(0, len(text), size)] if size > 1 else [text]

    async def source() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    found = [line async for lines in run_tail.some(source()) for line in lines]
    assert found == [b"a", b"", b"b", b"c\rd", b"x" * 300_000, b"last"]
