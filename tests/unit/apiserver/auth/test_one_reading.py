"""One reading of a path: whatever the spelling, rights are asked for the place that the router finds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.routing import Match

from tests.fakes.objects import run_body, webjob_body
from tests.fakes.shim import RUN_ID, Shim, shim
from webjobs.files import tree
from webjobs_apiserver.auth.admission import Asked, Refusal
from webjobs_apiserver.sites import Site

TOKEN = {"Authorization": "Bearer abc.def"}
LOG = f"data/jobs/triggered/job/{RUN_ID}/status"
ARM = "/subscriptions/0/resourceGroups/g/providers/Microsoft.Web/sites/site"


@pytest.fixture
def one() -> Any:
    with shim() as made:
        made.kube.add(webjob_body(name="job"))
        made.kube.add(run_body(labels={"webjobs.dev/webjob": "job"}, state="Success"))
        made.kube.users["abc.def"] = "alice"
        yield made


async def asked(one: Shim, method: str, path: str) -> httpx.Response:
    """The answer to a request of the token, with a path as it is on the wire."""
    async with one.client(auth=None) as client:
        url = client.base_url.copy_with(raw_path=path.encode())
        return await client.request(method, url, headers=TOKEN)


SPELLINGS: list[Callable[[str], str]] = [
    lambda path: path,
    lambda path: "/" + path,
    lambda path: "%2F" + path,
    lambda path: "%5C" + path,
    lambda path: "\\" + path,
    lambda path: path.replace("/", "//"),
    lambda path: path.replace("/", "%2f"),
    lambda path: path.replace("/", "%5c"),
    lambda path: path.replace("/", "\\/"),
    lambda path: path.replace("data", "DATA"),
    lambda path: path.replace("data", "%64at%61"),
    lambda path: path.replace("data", "D%41ta", 1),
    lambda path: "./" + path,
    lambda path: "%2e/" + path,
    lambda path: "site/../" + path,
    lambda path: "site%2F..%5C" + path,
    lambda path: "%0A" + path,
    lambda path: path + "%0A",
    lambda path: path + "%00",
    lambda path: path.replace("data", "data%00"),
    lambda path: path.replace("/", "%252F"),
    lambda path: path.replace("data", "%2564ata"),
    lambda path: path + "/",
    lambda path: path + "%5C",
]


ROOTS = ["/api/vfs/", "/vfs/", "/API/Vfs/", "/api/zip/", "/zip/", "/%61pi%2Fvfs%2F"]


@pytest.mark.parametrize("place", ["data", "data/", "data/jobs/triggered/", "data/jobs/triggered/job/", LOG])
async def test_no_spelling_opens_the_logs(one: Shim, place: str) -> None:
    one.kube.rights.add(("alice", "site", "get", "webjobs"))
    for path in (root + spell(place) for root in ROOTS for spell in SPELLINGS):
        answer = await asked(one, "GET", path)
        # What has its percent escaped is another name, where nothing is.
        assert answer.status_code == (404 if "%25" in path and answer.status_code != 403 else 403), path
        assert "Success" not in answer.text


@pytest.mark.parametrize("path", ["/api/zip", "/api/zip/", "/zip", "/zip//", "/api/zip/%5C", "/api/zip/%2F/", "/ZIP/"])
async def test_a_zip_needs_what_all_in_it_needs(one: Shim, path: str) -> None:
    needs = [("get", "webjobs"), ("list", "webjobs"), ("get", "webjobruns"), ("list", "webjobruns")]
    for verb, resource in needs:
        refused = await asked(one, "GET", path)
        told = ", ".join(f"{verb} {resource}.webjobs.dev" for verb, resource in needs)
        assert (refused.status_code, refused.text) == (403, f"This needs the right to: {told}.")
        one.kube.rights.add(("alice", "site", verb, resource))
        one.pass_time(seconds=11)
    assert (await asked(one, "GET", path)).status_code == 200


@pytest.mark.parametrize("root", ["/api/triggeredwebjobs/job/", "/jobs/triggered/job/", f"{ARM}/triggeredwebjobs/job/"])
async def test_a_control_character_ends_no_word(one: Shim, root: str) -> None:
    """A pattern of a route ends before a line feed, too; and rights were asked for another word."""
    one.kube.rights |= {("alice", "site", verb, "webjobs") for verb in ("get", "list", "update", "create")}
    async with one.client() as owner:
        for end in ("%0A", "%0a", "/%0A", "%0D", "%00", "%0A%0A"):
            assert (await asked(one, "POST", f"{root}run{end}")).status_code in (403, 404)
            url = owner.base_url.copy_with(raw_path=f"{root}run{end}".encode())
            assert (await owner.post(url)).status_code == 404
    assert len(one.kube.of_kind("WebJobRun")) == 1


# Any spelling at all: the middleware and the routes themselves, without a cluster


class _Asker:
    """A keeper that remembers what was asked of it, and lets nobody in."""

    def __init__(self, keeper: Any) -> None:
        self.sites = keeper.sites
        self.asked: Asked | None = None

    async def admit(self, asked: Asked | None, given: Any, scope: Any) -> Refusal:
        self.asked = asked
        return Refusal(status=418)


with shim() as _made:
    _APP = _made.app
_SITE = Site(name="webjobs", namespace="site")


def decision(method: str, raw: str) -> tuple[Any, Any]:
    """What the router finds at a path as it is on the wire, and what a client needs for it."""
    found: list[Any] = []

    async def end(scope: Any, receive: Any, send: Any) -> None:
        found.append(scope)

    async def nothing(*_: Any) -> Any:
        return {"type": "http.request"}

    layers = [layer for layer in _APP.user_middleware if "keeper" not in layer.kwargs]
    (gate,) = [layer for layer in _APP.user_middleware if "keeper" in layer.kwargs]
    asker = _Asker(gate.kwargs["keeper"])
    guarded: Any = gate.cls(end, keeper=asker)  # type: ignore[call-arg, arg-type]
    routed: Any = end
    for layer in reversed(layers):
        guarded, routed = (layer.cls(app, *layer.args, **layer.kwargs) for app in (guarded, routed))
    raw_path = raw.encode()
    scope = {"type": "http", "method": method, "raw_path": raw_path, "path": unquote(raw), "query_string": b""}
    scope |= {"headers": [(b"host", b"s")], "client": ("127.0.0.1", 1)}
    asyncio.run(_both(guarded, routed, scope, nothing))
    (seen,) = found
    return _place(seen), (asker.asked.needs, asker.asked.roles) if asker.asked else None


async def _both(guarded: Any, routed: Any, scope: Any, nothing: Any) -> None:
    await guarded(scope, nothing, nothing)
    await routed(scope, nothing, nothing)


def _leaves(routes: Any) -> Iterator[Any]:
    for route in routes:
        if included := getattr(route, "original_router", None):
            yield from _leaves(included.routes)
        else:
            yield route


_ROUTES = list(_leaves(_APP.routes))


def _place(scope: Any) -> Any:
    """The route, and what it is for; None when there is none."""
    for route in _ROUTES:
        match, more = route.matches(scope)
        if match is Match.FULL:
            parameters = more["path_params"]
            if not route.path.startswith(("/api/vfs", "/api/zip")):
                return route.path, tuple(sorted(parameters.items()))
            try:
                return route.path[:8], repr(tree.place(parameters.get("path", "")))
            except tree.PathError:
                return route.path[:8], "no path"
    return None


_PLACES = [
    "/api/webjobs",
    "/api/triggeredwebjobs/job",
    "/api/triggeredwebjobs/job/run",
    "/api/triggeredwebjobs/job/history",
    "/api/triggeredwebjobs/job/history/1",
    "/api/triggeredwebjobs/job/settings",
    "/api/continuouswebjobs/job/passthrough/x",
    "/api/vfs",
    "/api/vfs/site/jobs/triggered/job/run.sh",
    "/api/vfs/site/wwwroot/App_Data/jobs/triggered",
    f"/api/vfs/{LOG}",
    "/api/vfs/data/jobs",
    "/api/vfs/data/jobs/triggered/job",
    "/api/zip",
    "/api/zip/data",
    "/api/zip/site",
    "/api/settings",
    "/api/settings/x",
    "/api/logs/recent",
    "/api/logstream",
    "/api/hooks/1",
    "/api/triggeredwebjobsswagger",
    "/api/publishprofile",
    f"{ARM}/publishxml",
    f"{ARM}/webjobs",
    f"{ARM}/triggeredwebjobs/job/history",
]
_SLASHES = st.sampled_from(["/", "/", "/", "//", "%2F", "%5c", "\\", "/./", "/../", "/%2e/", "%0A", "%252F"])
_ENDS = st.sampled_from(["", "", "/", "//", "%2F", "%5C", "%0A", "%00", "/.", "%20"])
_LETTERS = st.sampled_from([lambda c: c, lambda c: c, lambda c: c, str.upper, lambda c: f"%{ord(c):02x}"])


@st.composite
def spelled(draw: st.DrawFn, place: str) -> str:
    """A place in some spelling, right or wrong."""
    roots = [("/api/triggeredwebjobs", "/jobs/triggered"), ("/api/continuouswebjobs", "/api/jobs/continuous")]
    roots += [("/api/triggeredwebjobs", "/api/triggeredjobs"), ("/api/webjobs", "/jobs"), ("/api/", "/")]
    for old, new in draw(st.lists(st.sampled_from(roots), max_size=1)):
        place = place.replace(old, new, 1)
    odd = draw(st.sets(st.integers(0, len(place) - 1), max_size=3))
    text = "/"
    for at, char in enumerate(place[1:], start=1):
        if at not in odd:
            text += char
        elif char == "/":
            text += draw(_SLASHES)
        else:
            text += draw(_LETTERS)(char)
    return text + draw(_ENDS)


@settings(max_examples=400)
@given(st.data())
def test_one_place_has_one_right(data: st.DataObject) -> None:
    place = data.draw(st.sampled_from(_PLACES))
    method = data.draw(st.sampled_from(["GET", "HEAD", "PUT", "POST", "DELETE"]))
    found, needed = decision(method, place)
    other, otherwise = decision(method, data.draw(spelled(place)))
    if other == found and found is not None:
        assert otherwise == needed


def test_the_property_can_fail() -> None:
    """Else it would say nothing: places, their rights and their spellings are told apart."""
    read, needed = decision("GET", "/api/vfs/data/jobs")
    assert decision("GET", "/vfs/%5cDATA//jobs/") == (read, needed)
    assert decision("GET", "/api/vfs/site/jobs") != (read, needed)
    assert decision("GET", "/api/vfs/site/jobs")[1] != needed
    assert decision("POST", "/api/triggeredwebjobs/job/run")[0] == decision("POST", "/jobs/triggered/job/RUN/")[0]
    assert decision("POST", "/api/triggeredwebjobs/job/run%0A")[0] is None
