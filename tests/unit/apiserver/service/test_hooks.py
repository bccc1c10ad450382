"""Web hooks: subscriptions, and that each ended run is told once."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Coroutine
from typing import Any

import httpx
import looptime
import pytest
from aiohttp import web

from tests.fakes.kube import Call
from tests.fakes.objects import run_body, webjob_body
from tests.fakes.shim import RUN_ID, Shim, answer_of, shim
from webjobs_apiserver.kudu.hooks import posted
from webjobs_apiserver.service import hook_requests
from webjobs_apiserver.service.hook_delivery import ANNOTATION, CLAIM_SECONDS, Delivery
from webjobs_apiserver.service.hooks import Hooks
from webjobs_apiserver.service.jobs import Jobs
from webjobs_apiserver.sites import Site
from webjobs_apiserver.watching.watch import Feed

JSON = "application/json; charset=utf-8"
TEXT = "text/plain; charset=utf-8"
SITE = Site(name="site", namespace="site")
URL = "https://me:secret@example.com/done"
RUN = f"job-{RUN_ID}"


@pytest.fixture
def one() -> Any:
    with shim() as made:
        made.kube.add(webjob_body(name="job"))
        yield made


async def test_subscriptions(one: Shim, client: httpx.AsyncClient) -> None:
    assert answer_of(await client.get("/api/hooks")) == (200, JSON, "[]")
    made = await client.post("/hooks/", json={"event": "triggeredjobfinished", "url": f" {URL} "})
    body = (
        '{"id":"639028656001234000","event":"TriggeredJobFinished","url":"https://me:secret@example.com/done",'
        '"insecure_ssl":false,"last_status":null,"last_reason":null,"last_datetime":"0001-01-01T00:00:00",'
        '"last_context":null}'
    )
    assert answer_of(made) == (201, JSON, body)
    assert answer_of(await client.get("/api/hooks")) == (200, JSON, f"[{body}]")
    assert answer_of(await client.get(f"/hooks/{made.json()['id']}")) == (200, JSON, body)
    again = await client.post("/api/hooks", json={"event": "TriggeredJobFinished", "url": URL.upper()})
    assert answer_of(again) == (409, None, "")
    (secret,) = one.kube.of_kind("Secret")
    assert secret["metadata"]["name"] == "webjobs-hooks"
    assert json.loads(base64.b64decode(secret["data"]["hooks"]))[0]["url"] == URL
    for _ in range(2):
        assert answer_of(await client.delete(f"/api/hooks/{made.json()['id']}")) == (200, None, "")
    assert answer_of(await client.get(f"/api/hooks/{made.json()['id']}")) == (404, None, "")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "Send a JSON object with event and url."),
        ("[]", "Send a JSON object with event and url."),
        ('{"event":"TriggeredJobFinished"}', "Send a JSON object with event and url."),
        ('{"event":1,"url":"http://x"}', "Send a JSON object with event and url."),
        (
            '{"event":"PostDeployment","url":"http://x"}',
            "The event of a hook must be TriggeredJobFinished: no other happens here.",
        ),
        *(
            (
                json.dumps({"event": "TriggeredJobFinished", "url": url}),
                "The url of a hook must be an http or https address.",
            )
            for url in ("file:///etc/passwd", "http://", "x", "http://a:99999999/", "http://a b", "http://[", "")
        ),
    ],
)
async def test_subscriptions_that_are_none(one: Shim, client: httpx.AsyncClient, content: str, message: str) -> None:
    assert answer_of(await client.post("/api/hooks", content=content)) == (400, TEXT, message)
    assert not one.kube.writes


class World:
    """A delivery over a fake API server, with a receiver that answers as it is told."""

    def __init__(self, one: Shim, *answers: int) -> None:
        self.one = one
        self.answers = list(answers)
        self.posts: list[bytes] = []
        self.hooks = Hooks(one.kube, clock=lambda: one.now)

    def delivery(self) -> Delivery:
        jobs = Jobs(self.one.kube, feed=Feed(self.one.kube, namespaces=[]))
        return Delivery(
            self.one.kube, hooks=self.hooks, jobs=jobs, body=posted, clock=lambda: self.one.now, post=self._post
        )

    async def _post(self, url: str, body: bytes, *, insecure: bool) -> tuple[int, str]:
        self.posts.append(body)
        status = self.answers.pop(0) if self.answers else 200
        if status == 0:
            raise hook_requests.NotDelivered("TimeoutError")
        return status, "Reason"

    async def subscribe(self) -> None:
        await self.hooks.add(SITE, event="TriggeredJobFinished", url=URL, insecure_ssl=False, base="https://s")

    def end(self, name: str = RUN, *, state: str = "Success", at: str = "2026-01-01T12:00:09Z") -> None:
        status = {"state": state, "endTime": at}
        self.one.kube.add(run_body(name, spec={"trigger": "External - x"}, status=status))

    async def turn(self) -> None:
        """One round of the loop, to its end."""
        delivery = self.delivery()
        await asyncio.gather(*(delivery.tell(SITE, *work) for work in await delivery.due(SITE)))


def _virtual(work: Coroutine[Any, Any, None]) -> None:
    """Runs in virtual time: waiting takes none."""
    with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:
        runner.run(work)


def test_an_ended_run_is_told_once(one: Shim) -> None:
    async def work() -> None:
        world = World(one)
        await world.subscribe()
        world.end("job-202601011100000000", at="2026-01-01T11:00:00Z")  # before the hook was made
        world.end("job-202601011200010000", state="Skipped")
        one.kube.add(run_body("job-202601011200020000", state="Running"))
        world.end()
        for _ in range(3):
            await world.turn()
            one.pass_time(hours=1)
        assert [body.decode() for body in world.posts] == [
            "{\n"
            f'  "id": "{RUN_ID}",\n  "name": "{RUN_ID}",\n  "status": "Success",\n'
            '  "start_time": "2026-01-01T12:00:00.1234Z",\n  "end_time": "2026-01-01T12:00:09Z",\n'
            '  "duration": "00:00:08.8766000",\n'
            f'  "output_url": "https://s/vfs/data/jobs/triggered/job/{RUN_ID}/output_log.txt",\n'
            f'  "url": "https://s/api/triggeredwebjobs/job/history/{RUN_ID}",\n  "job_name": "job",\n'
            '  "trigger": "External - x"\n}'
        ]
        (hook,) = await world.hooks.all(SITE)
        assert (hook.last_status, hook.last_reason) == ("200", "Reason")

    _virtual(work())


@pytest.mark.parametrize(
    ("answers", "posts", "status"),
    [
        ((500, 0, 200), 3, "200"),
        ((0, 0, 0, 0), 4, "Failure"),
        ((503, 429, 500, 500, 200), 4, "500"),
        ((404,), 1, "404"),
        ((302,), 1, "302"),
    ],
)
def test_what_is_tried_again(one: Shim, answers: tuple[int, ...], posts: int, status: str) -> None:
    async def work() -> None:
        world = World(one, *answers)
        await world.subscribe()
        world.end()
        await world.turn()
        await world.turn()
        assert len(world.posts) == posts
        assert (await world.hooks.all(SITE))[0].last_status == status

    _virtual(work())


def test_gone_removes_the_hook(one: Shim) -> None:
    async def work() -> None:
        world = World(one, 410)
        await world.subscribe()
        world.end()
        await world.turn()
        assert await world.hooks.all(SITE) == []

    _virtual(work())


def test_two_shims_tell_once(one: Shim) -> None:
    async def work() -> None:
        world = World(one)
        await world.subscribe()
        world.end()
        await asyncio.gather(world.turn(), world.turn())
        assert len(world.posts) == 1

    _virtual(work())


def test_a_shim_that_dies_in_between_is_replaced(one: Shim) -> None:
    async def work() -> None:
        world = World(one)
        await world.subscribe()
        world.end()
        assert len(await world.delivery().due(SITE)) == 1  # and then it died
        assert await world.delivery().due(SITE) == []
        one.pass_time(seconds=CLAIM_SECONDS + 1)
        await world.turn()
        assert len(world.posts) == 1
        assert "done" in one.kube.objects["WebJobRun", "site", RUN]["metadata"]["annotations"][ANNOTATION]

    _virtual(work())


def test_at_rest_it_costs_one_read(one: Shim) -> None:
    async def work() -> None:
        world = World(one)
        world.end()
        await world.turn()
        assert [(call.verb, call.kind) for call in one.kube.calls] == [("get", "Secret")]
        await world.subscribe()
        before = len(one.kube.writes)
        one.kube.objects.pop(("WebJobRun", "site", RUN))
        await world.turn()
        assert len(one.kube.writes) == before

    _virtual(work())


def test_the_loop_survives_errors(one: Shim, caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        world = World(one)
        await world.subscribe()
        world.end()
        failures: list[BaseException] = [ZeroDivisionError("bug"), hook_requests.NotDelivered("x")]

        async def broken(call: Call) -> None:
            if call.kind == "Secret" and failures:
                raise failures.pop()

        one.kube.before_call = broken
        loop = asyncio.create_task(world.delivery().run(SITE))
        await asyncio.sleep(60)
        loop.cancel()
        assert len(world.posts) == 1

    _virtual(work())


def test_a_bug_in_one_delivery_ends_no_other(one: Shim, caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        world = World(one, 503, 503, 503, 503)
        await world.subscribe()
        world.end()
        delivery = world.delivery()
        tell, bodies = delivery._body, iter([ZeroDivisionError("bug")])

        def broken(*arguments: Any) -> bytes:
            if error := next(bodies, None):
                raise error
            return tell(*arguments)

        delivery._body = broken
        loop = asyncio.create_task(delivery.run(SITE))
        await asyncio.sleep(1)
        world.end("job-202601010000000001")
        await asyncio.sleep(9)
        assert len(world.posts) == 2
        assert "ZeroDivisionError" in caplog.text
        loop.cancel()
        await asyncio.gather(loop, return_exceptions=True)
        await asyncio.sleep(60)
        assert len(world.posts) == 2  # its further tries have ended with it

    _virtual(work())


async def test_a_real_post() -> None:
    seen: list[tuple[str | None, str | None, bytes]] = []

    async def receive(request: web.Request) -> web.Response:
        seen.append((request.headers.get("Content-Type"), request.headers.get("Authorization"), await request.read()))
        raise web.HTTPFound("/elsewhere")

    app = web.Application()
    app.router.add_post("/", receive)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    port = runner.addresses[0][1]
    assert await hook_requests.post(f"http://me:pw@127.0.0.1:{port}/", b"{}", insecure=True) == (302, "Found")
    assert seen == [("application/json", "Basic " + base64.b64encode(b"me:pw").decode(), b"{}")]
    await runner.cleanup()
    with pytest.raises(hook_requests.NotDelivered, match="ClientConnectorError"):
        await hook_requests.post(f"http://127.0.0.1:{port}/", b"{}", insecure=False)
