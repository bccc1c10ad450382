"""Web hooks: subscriptions, and that each ended run is told once."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import httpx
import looptime
import pytest
from aiohttp import web
from aiohttp.abc import ResolveResult

from tests.fakes.kube import Call
from tests.fakes.objects import run_body, webjob_body
from tests.fakes.shim import RUN_ID, Shim, answer_of, shim
from webjobs_apiserver.http.destinations import Destinations
from webjobs_apiserver.kudu.hooks import posted
from webjobs_apiserver.service.hooks import hook_requests
from webjobs_apiserver.service.hooks.hook_delivery import ANNOTATION, CLAIM_SECONDS, Delivery
from webjobs_apiserver.service.hooks.hooks import Hooks
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
        self.hooks = Hooks(one.kube, clock=lambda: one.now, destinations=Destinations())

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


PRIVATE = "The url of a hook must not be an address of the cluster, of a private network or of the machine itself. "


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:8080", "127.1", "2130706433", "0x7f000001", "[::1]", "[::ffff:10.0.0.1]", "localhost", "LOCALHOST."],
)
@pytest.mark.parametrize("url", ["http://{}/", "https://me:pw@{}/done"])
async def test_a_private_address_is_refused_at_the_subscription(
    one: Shim, client: httpx.AsyncClient, host: str, url: str
) -> None:
    answer = await client.post("/api/hooks", json={"event": "TriggeredJobFinished", "url": url.format(host)})
    assert answer_of(answer) == (400, TEXT, PRIVATE + "An administrator can allow it (apiserver.hooks.allow).")
    assert not one.kube.writes


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "localhost", "x.localhost"])
async def test_an_allowed_address_is_no_private_one(host: str) -> None:
    with shim(settings={"hooks": {"allow": ["127.0.0.0/8"]}}) as one:
        async with one.client() as client:
            wanted = {"event": "TriggeredJobFinished", "url": f"http://{host}/"}
            assert (await client.post("/api/hooks", json=wanted)).status_code == 201


@pytest.fixture
async def receiver() -> AsyncIterator[tuple[int, list[tuple[str | None, str | None, bytes]]]]:
    """A server on 127.0.0.1 that sends elsewhere: its port, and what it has got."""
    seen: list[tuple[str | None, str | None, bytes]] = []

    async def receive(request: web.Request) -> web.Response:
        seen.append((request.headers.get("Content-Type"), request.headers.get("Authorization"), await request.read()))
        return web.Response(status=302, reason="Secret words", headers={"Location": "/elsewhere"}, text="secret")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receive)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield runner.addresses[0][1], seen
    await runner.cleanup()


Receiver = tuple[int, list[tuple[str | None, str | None, bytes]]]
LOOPBACK = Destinations.of(allow=["127.0.0.0/8"])


async def test_a_real_post(receiver: Receiver) -> None:
    port, seen = receiver
    url = f"http://me:pw@127.0.0.1:{port}/"
    told = await hook_requests.post(url, b"{}", insecure=True, destinations=LOOPBACK)
    assert told == (302, "Secret words"), "an administrator allowed this receiver"
    assert seen == [("application/json", "Basic " + base64.b64encode(b"me:pw").decode(), b"{}")], "no redirect"
    with pytest.raises(hook_requests.NotDelivered, match="ClientConnectorError"):
        await hook_requests.post("http://127.0.0.1:1/", b"{}", insecure=False, destinations=LOOPBACK)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "2130706433", "localhost", "[::ffff:127.0.0.1]"])
async def test_a_forbidden_address_gets_no_request(receiver: Receiver, host: str) -> None:
    """Also of a hook that was made before it was forbidden."""
    port, seen = receiver
    with pytest.raises(hook_requests.NotDelivered, match=r"^The host has no address that requests may go to\.$"):
        await hook_requests.post(f"http://{host}:{port}/", b"{}", insecure=False, destinations=Destinations())
    assert not seen


async def _post(
    port: int, monkeypatch: pytest.MonkeyPatch, answers: list[list[str]], **allowed: Any
) -> tuple[int, str]:
    """Post to a name that resolves to something else each time."""

    async def resolve(self: object, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=one, port=port, family=socket.AF_INET, proto=0, flags=0)
            for one in answers.pop(0)
        ]

    monkeypatch.setattr("aiohttp.ThreadedResolver.resolve", resolve)
    url = f"http://receiver.example:{port}/"
    return await hook_requests.post(url, b"{}", insecure=False, destinations=Destinations.of(**allowed))


@pytest.mark.parametrize("answers", [["127.0.0.1"], ["10.0.0.1", "127.0.0.1"], []])
async def test_the_address_behind_a_name_counts(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, answers: list[str]
) -> None:
    port, seen = receiver
    with pytest.raises(hook_requests.NotDelivered, match="no address that requests may go to"):
        await _post(port, monkeypatch, [answers])
    assert not seen
    with pytest.raises(hook_requests.NotDelivered, match="no address"):
        await _post(port, monkeypatch, [answers], allow=["other.example"])
    assert not seen


async def test_a_name_is_resolved_once(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it could be public when it is looked at, and private when it is connected to."""
    port, seen = receiver
    answers = [["127.0.0.1"], ["10.255.255.1"]]
    status, reason = await _post(port, monkeypatch, answers, allow=["127.0.0.1"])
    assert (status, reason) == (302, "Found"), "of a name that is not allowed itself the words are not told"
    assert answers == [["10.255.255.1"]]
    assert len(seen) == 1


async def test_a_name_can_be_allowed(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    port, _ = receiver
    assert await _post(port, monkeypatch, [["127.0.0.1"]], allow=["*.example"]) == (302, "Secret words")
