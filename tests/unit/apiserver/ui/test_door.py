"""Sessions of the dashboard: who comes in, with which cookie, and what a visitor may do."""

from __future__ import annotations

import pytest
from starlette.routing import Mount, Route

from tests.fakes.shim import PASSWORD, USER, Shim, script, shim
from tests.fakes.visitor import Browser, browser, csrf_in
from tests.unit.apiserver.ui.conftest import READ_PASSWORD, READER
from webjobs_apiserver.auth.admission import Asked
from webjobs_apiserver.auth.tickets import LIFETIME
from webjobs_apiserver.sites import Site
from webjobs_apiserver.ui import addresses, rights, sessions

SITE = Site(name="webjobs", namespace="site")


@pytest.fixture(autouse=True)
async def hello(one: Shim, visitor: Browser) -> None:
    """There is a job."""
    answer = await one.client().put("/api/triggeredwebjobs/hello", content=b"echo", headers=script())
    assert answer.status_code == 200
    await one.caught_up()


def pages(one: Shim) -> list[tuple[str, str]]:
    """Verb and path of each route of the dashboard that needs a session, with names filled in."""
    mounted = next(route for route in one.app.routes if isinstance(route, Mount) and route.path == addresses.ROOT)
    found = []
    for route in mounted.routes:
        assert isinstance(route, Route)
        if route.name.startswith(("GET /", "POST /")):
            path = route.path.format_map({"kind": "triggered", "name": "hello", "run_id": "1", "id": "1"})
            found.append((next(iter((route.methods or set()) - {"HEAD"})), f"{addresses.ROOT}{path}"))
    assert found
    return found


async def test_no_page_without_a_session(one: Shim) -> None:
    stranger = browser(one)
    for method, path in pages(one):
        answer = await stranger.client.request(method, path)
        assert answer.status_code == 303, path
        assert answer.headers["location"].startswith(addresses.LOGIN)
        forged = await stranger.client.request(method, path, headers={"cookie": "webjobs_session=owner.99999999999.00"})
        assert (forged.status_code, forged.text) == (303, ""), path


async def test_no_form_without_the_token_of_the_session(one: Shim, visitor: Browser) -> None:
    for method, path in pages(one):
        if method == "POST":
            for fields in ({}, {"csrf": ""}, {"csrf": "0" * 64}):
                answer = await visitor.client.post(path, data=fields)
                assert (answer.status_code, "earlier session" in answer.text) == (403, True), path


async def test_the_cookie(one: Shim) -> None:
    answer = await browser(one).log_in()
    cookie = answer.headers["set-cookie"]
    for flag in ("HttpOnly", "Secure", "SameSite=strict", "Path=/ui", f"Max-Age={12 * 3600}"):
        assert flag in cookie
    assert PASSWORD not in cookie
    clear = await browser(one).client.post("http://s/ui/login", data={"username": USER, "password": PASSWORD})
    assert "Secure" not in clear.headers["set-cookie"], "a browser would throw it away"


async def test_a_session_ends(one: Shim, visitor: Browser) -> None:
    assert (await visitor.client.get("/ui/jobs")).status_code == 200
    one.pass_time(seconds=LIFETIME.total_seconds())
    assert (await visitor.client.get("/ui/jobs")).status_code == 303


async def test_another_password_ends_it(one: Shim, visitor: Browser) -> None:
    (one.directory / "password").write_text("another password, and a long one")
    assert (await visitor.client.get("/ui/jobs")).status_code == 303


async def test_log_out(one: Shim, visitor: Browser) -> None:
    assert "set-cookie" not in (await visitor.client.post("/ui/logout", data={"csrf": "0" * 64})).headers
    answer = await visitor.send("/ui/logout")
    assert (answer.status_code, answer.headers["location"]) == (303, addresses.LOGIN)
    assert not visitor.client.cookies
    assert (await visitor.client.get("/ui/jobs")).status_code == 303


async def test_wrong_passwords_are_throttled_as_everywhere(one: Shim) -> None:
    there = browser(one)
    answers = [(await there.log_in(USER, "wrong")).status_code for _ in range(40)]
    assert answers[0] == 401
    assert answers[-1] == 429
    assert (await there.client.get("/api/webjobs", auth=(USER, "wrong"))).status_code == 429, "one count for both"


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, 400),
        ({"username": USER}, 400),
        ({"username": USER, "password": "wrong"}, 401),
        ({"username": READER, "password": READ_PASSWORD}, 303),
        ({"username": "$webjobs", "password": "a password to deploy with"}, 403),
        ({"token": "two words"}, 400),
        ({"token": "webjobs.owner.99999999999.00"}, 401),
    ],
)
async def test_who_gets_a_session(one: Shim, fields: dict[str, str], status: int) -> None:
    answer = await browser(one).client.post("/ui/login", data=fields)
    assert answer.status_code == status
    assert ("set-cookie" in answer.headers) == (status == 303)


async def test_a_session_is_nothing_else(one: Shim, visitor: Browser) -> None:
    """Its ticket is no token and no password, and a token of Azure's login begins no session."""
    text = str(visitor.client.cookies[sessions.COOKIE])
    bare = one.client(auth=None)
    for headers in ({"authorization": f"Bearer webjobs.{text}"}, {"cookie": f"auth_tkt={text}"}):
        assert (await bare.get("/api/webjobs", headers=headers)).status_code == 401
    assert (await bare.get("/api/webjobs", auth=("$webjobs", f"webjobs.{text}"))).status_code == 401
    assert (await bare.get("/api/webjobs", headers={"cookie": f"{sessions.COOKIE}={text}"})).status_code == 401


async def test_a_reader_sees_no_buttons_and_may_send_no_form(one: Shim, reader: Browser) -> None:
    page = (await reader.client.get("/ui/jobs")).text
    assert "hello" in page
    assert "formaction" not in page
    token = csrf_in(page)
    for method, path in pages(one):
        if method == "POST":
            answer = await reader.client.post(path, data={"csrf": token})
            assert (answer.status_code, "may only read" in answer.text) == (403, True), path


async def test_a_user_of_kubernetes(one: Shim, visitor: Browser) -> None:
    """What the user may do is asked at each act, and no button is shown for the rest."""
    one.kube.users["good"] = "ann"
    one.kube.rights |= {("ann", "site", verb, "webjobs") for verb in ("get", "list")}
    ann = browser(one)
    assert (await ann.client.post("/ui/login", data={"token": "bad"})).status_code == 401
    assert (await ann.client.post("/ui/login", data={"token": "good"})).status_code == 303
    page = (await ann.client.get("/ui/jobs")).text
    assert "ann" in page
    assert "formaction" not in page
    one.pass_time(minutes=59)
    assert (await ann.client.get("/ui/jobs")).status_code == 200
    one.kube.rights.clear()
    one.pass_time(seconds=30)  # a decision is remembered for ten
    assert (await ann.client.get("/ui/jobs")).status_code == 403
    one.pass_time(minutes=2)
    assert (await ann.client.get("/ui/jobs")).status_code == 303


async def test_the_sites_of_a_user() -> None:
    """Only those whose jobs the user may list; an account sees its own."""
    sites = [{"namespace": name, "host": f"{name}.example"} for name in ("blog", "other")]
    with shim(settings={"sites": sites}) as one:
        one.kube.users["good"] = "ann"
        one.kube.rights |= {("ann", namespace, "list", "webjobs") for namespace in ("site", "blog")}
        ann, owner = browser(one), browser(one)
        await ann.client.post("/ui/login", data={"token": "good"})
        await owner.log_in()
        of_ann, of_owner = [(await there.client.get("/ui/sites")).text for there in (ann, owner)]
        assert ("https://blog.example/ui/" in of_ann, "other.example" in of_ann) == (True, False)
        assert "blog" not in of_owner


async def test_a_link_of_another_site_finds_the_session(one: Shim, visitor: Browser) -> None:
    """The browser keeps the cookie back at first: the page asks once more, by itself."""
    there = browser(one)
    answer = await there.client.get("/ui/jobs?q=a", headers={"sec-fetch-site": "cross-site"})
    assert (answer.status_code, "refresh" in answer.text) == (200, True)
    again = await there.client.get("/ui/jobs?q=a", headers={"sec-fetch-site": "same-origin"})
    assert again.headers["location"] == "/ui/login?next=%2Fui%2Fjobs%3Fq%3Da"


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("/ui/jobs?q=a", "/ui/jobs?q=a"),
        ("/ui/jobs/triggered/a%20b", "/ui/jobs/triggered/a%20b"),
        ("//evil.example/ui/", "/ui/"),
        ("/ui//evil.example", "/ui/"),
        ("/ui/\\evil.example", "/ui/"),
        ("https://evil.example/ui/", "/ui/"),
        ("/ui/a\nLocation: x", "/ui/"),
        ("/api/webjobs", "/ui/"),
        ("/uix/", "/ui/"),
        ("", "/ui/"),
    ],
)
def test_only_pages_of_ours_come_after_a_login(given: str, meant: str) -> None:
    assert addresses.own(given) == meant


@pytest.mark.parametrize(
    ("method", "path", "reader"),
    [
        ("GET", "/api/webjobs", True),
        ("GET", "/api/triggeredwebjobs/a/history", True),
        ("GET", "/api/triggeredwebjobs/a/history/1", True),
        ("GET", "/api/vfs/data/jobs/triggered/a/1/output_log.txt", True),
        ("GET", "/api/deployments", True),
        ("GET", "/api/settings", False),
        ("GET", "/api/vfs/site/wwwroot/app.config", False),
        ("POST", "/api/triggeredwebjobs/a/run", False),
        ("DELETE", "/api/triggeredwebjobs/a/history/1", False),
        ("PUT", "/api/triggeredwebjobs/a/settings", False),
    ],
)
def test_what_a_reader_may(method: str, path: str, reader: bool) -> None:
    asked = rights.asked(method, path, site=SITE)
    assert isinstance(asked, Asked)
    assert ("reader" in asked.roles, "owner" in asked.roles, "deployer" in asked.roles) == (reader, True, False)


def test_a_host_of_nobody_has_no_pages() -> None:
    assert rights.asked("GET", "/api/webjobs", site=None) is None


async def test_the_dashboard_can_be_off() -> None:
    with shim(settings={"ui": {"enabled": False}}) as made:
        for path in ("/ui", "/ui/", "/ui/jobs", "/ui/login", "/azurejobs/"):
            assert (await made.client().get(path)).status_code == 404


async def test_headers(one: Shim, visitor: Browser) -> None:
    for answer in (await visitor.client.get("/ui/jobs"), await browser(one).client.get("/ui/login")):
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_no_such_page(one: Shim, visitor: Browser) -> None:
    for path in ("/ui/none", "/ui/jobs/odd/hello", "/ui/jobs/triggered/none"):
        answer = await visitor.client.get(path)
        assert (answer.status_code, "<h1>Not there</h1>" in answer.text) == (404, True), path


async def test_static_files_stay(one: Shim) -> None:
    page = (await browser(one).client.get("/ui/login")).text
    path = next(part for part in page.split('"') if part.endswith("dashboard.css"))
    answer = await browser(one).client.get(path)
    assert (answer.status_code, "immutable" in answer.headers["cache-control"]) == (200, True)
    assert (await browser(one).client.get("/ui/static/app.py")).status_code == 404
