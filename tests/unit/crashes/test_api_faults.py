"""An API server that is busy or away, over HTTP: who is told to wait waits, and nobody asks again and again."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import looptime
import pytest
from aiohttp import web
from kubernetes.aio.client.configuration import Configuration

from webjobs_kube.client import KubeClient
from webjobs_kube.errors import ApiError, Gone, Unreachable, from_response
from webjobs_kube.informer import Informer
from webjobs_operator.cluster.workqueue import LAST_RETRY_SECONDS, WorkQueue

TWO_MINUTES = 120.0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [(None, 0), ("7", 7), ("0", 0), ("86400", 60), ("Wed, 21 Oct 2026 07:28:00 GMT", 0), ("-1", 0)],
)
def test_how_long_to_wait(header: str | None, seconds: float) -> None:
    assert from_response(429, b"", retry_after=header).retry_after == seconds


async def test_the_header_reaches_the_error() -> None:
    async def serve(request: web.BaseRequest) -> web.StreamResponse:
        return web.json_response({"reason": "TooManyRequests"}, status=429, headers={"Retry-After": "3"})

    runner = web.ServerRunner(web.Server(serve))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    configuration = Configuration()
    configuration.host = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with KubeClient(configuration, manager="tester") as kube:
        with pytest.raises(ApiError) as caught:
            await kube.list("WebJob", "n")
    await runner.cleanup()
    assert (caught.value.status, caught.value.reason, caught.value.retry_after) == (429, "TooManyRequests", 3)


def busy(seconds: float) -> ApiError:
    error = ApiError(429, "TooManyRequests", "try later")
    error.retry_after = seconds
    return error


def in_virtual_time(scene: Callable[[], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        return await scene()

    with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:
        return runner.run(run())


def tries_of_a_pass(errors: Callable[[float], ApiError | None], *, until: float) -> list[float]:
    """When a pass is tried whose API server answers by ``errors``, a function of the time."""

    async def scene() -> list[float]:
        loop, tries = asyncio.get_running_loop(), list[float]()

        async def work(key: str) -> float | None:
            tries.append(loop.time())
            if error := errors(loop.time()):
                raise error
            return None

        queue = WorkQueue[str](workers=4)
        task = asyncio.create_task(queue.run(work))
        queue.add("job")
        await asyncio.sleep(until)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return tries

    found: list[float] = in_virtual_time(scene)
    return found


def test_a_pass_waits_as_long_as_it_is_told() -> None:
    tries = tries_of_a_pass(lambda now: busy(7) if now < 20 else None, until=60)
    assert [round(at) for at in tries] == [0, 7, 14, 21]


def test_two_minutes_of_errors_are_few_passes_and_one_soon_after() -> None:
    down = ApiError(500, "InternalError", "no")
    tries = tries_of_a_pass(lambda now: down if now < TWO_MINUTES else None, until=400)
    assert len(tries) <= 12
    gaps = [after - before for before, after in itertools.pairwise(tries)]
    assert gaps == sorted(gaps), "longer and longer"
    assert max(gaps) <= LAST_RETRY_SECONDS
    assert TWO_MINUTES <= tries[-1] <= TWO_MINUTES + LAST_RETRY_SECONDS


def test_a_day_of_errors_overflows_nothing() -> None:
    down = ApiError(500, "InternalError", "no")
    assert 1440 <= len(tries_of_a_pass(lambda now: down, until=86400)) <= 1460


class Sink:
    """Takes everything."""

    def fill(self, kind: str, items: list[dict[str, Any]], *, version: int) -> None:
        return

    def observe(self, kind: str, body: dict[str, Any]) -> None:
        return

    def forget(self, kind: str, body: dict[str, Any]) -> None:
        return


class Server(KubeClient):
    """An API server whose lists or watches fail; counts the calls."""

    def __init__(self, *, lists: Callable[[float], BaseException | None], watch: BaseException | None = None) -> None:
        self.lists, self.broken_watch = lists, watch
        self.calls: list[tuple[float, str]] = []

    async def list_at(
        self, kind: str, namespace: str | None, *, selector: str | None = None, fields: str | None = None
    ) -> tuple[list[dict[str, Any]], str]:
        now = asyncio.get_running_loop().time()
        self.calls.append((now, "list"))
        if error := self.lists(now):
            raise error
        return [], "1"

    def watch(self, kind: str, namespace: str | None, *, since: str, seconds: int) -> Any:
        self.calls.append((asyncio.get_running_loop().time(), "watch"))
        return _Watch(self.broken_watch)


class _Watch:
    def __init__(self, error: BaseException | None) -> None:
        self._error = error

    async def __aenter__(self) -> AsyncIterator[Any]:
        if self._error:
            raise self._error

        async def nothing() -> AsyncIterator[Any]:
            await asyncio.sleep(60)
            return
            yield

        return nothing()

    async def __aexit__(self, *error: object) -> None:
        return


def calls_of_an_informer(server: Server, *, until: float) -> list[tuple[float, str]]:
    async def scene() -> None:
        loop = asyncio.get_running_loop()
        informer = Informer(server, kind="WebJob", namespace="n", sink=Sink(), sleep=asyncio.sleep, clock=loop.time)
        task = asyncio.create_task(informer.run())
        await asyncio.sleep(until)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    in_virtual_time(scene)
    return server.calls


def test_a_watch_waits_as_long_as_it_is_told() -> None:
    calls = calls_of_an_informer(Server(lists=lambda now: busy(30) if now < 50 else None), until=100)
    lists = [at for at, what in calls if what == "list"]
    assert len(lists) == 3
    assert all(after - before >= 30 for before, after in itertools.pairwise(lists))


@pytest.mark.parametrize("error", [ApiError(503, "ServiceUnavailable", "no"), Unreachable("TimeoutError")])
def test_two_minutes_of_errors_are_few_lists(error: ApiError) -> None:
    calls = calls_of_an_informer(Server(lists=lambda now: error if now < TWO_MINUTES else None), until=TWO_MINUTES + 20)
    assert 8 <= len([at for at, what in calls if what == "list"]) <= 24
    assert calls[-1][1] == "watch", "it stands again at once"


def test_a_server_that_forgets_at_once_is_not_listed_in_a_loop() -> None:
    """410 for each watch, for ever: a list each time, but with growing pauses."""
    calls = calls_of_an_informer(
        Server(lists=lambda now: None, watch=Gone(410, "Expired", "too old")), until=TWO_MINUTES
    )
    assert 8 <= len([at for at, what in calls if what == "list"]) <= 24
