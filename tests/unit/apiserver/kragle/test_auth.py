"""Ways into the Kragle API: cookie, inline auth, Basic, Bearer; and what keeps others out."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from http.cookies import SimpleCookie
from typing import Any

import httpx
import pytest

from tests.fakes.kragle import ROOT, Kragle, kragle
from tests.fakes.shim import PASSWORD, USER, Shim
from webjobs.store import open_store
from webjobs_apiserver.app import create_app

LOGIN = {"username": USER, "password": PASSWORD}
GOOD = (USER.encode(), PASSWORD.encode())


@pytest.fixture
async def api() -> AsyncIterator[Kragle]:
    async with kragle() as made:
        await made.job()
        (made.shim.directory / "readonlyUsername").write_text("looks")
        (made.shim.directory / "readonlyPassword").write_text("reads")
        yield made


async def ask(
    shim: Shim, method: str, path: str, body: Any = None, *, cookie: str = "", auth: Any = None, **headers: str
) -> httpx.Response:
    """A request of a stranger, or of one with a cookie."""
    given = {"Cookie": f"auth_tkt={cookie}"} if cookie else {}
    async with shim.client(auth=None) as client:
        basic = httpx.BasicAuth(*auth) if auth else None
        return await client.request(method, ROOT + path, json=body, headers=given | headers, auth=basic)


async def ticket(shim: Shim, login: dict[str, str] | None = None) -> str:
    answer = await ask(shim, "POST", "/authenticate", login or LOGIN)
    assert answer.status_code == 200, answer.text
    return SimpleCookie(answer.headers["set-cookie"])["auth_tkt"].value


def told(answer: httpx.Response) -> tuple[int, int]:
    return answer.status_code, answer.json()["code"]


@pytest.mark.parametrize("path", ["/authenticate", "/login", "/login/"])
@pytest.mark.parametrize("login", [LOGIN, {"email": USER, "password": PASSWORD}, LOGIN | {"email": "anybody"}])
async def test_login(api: Kragle, path: str, login: dict[str, str]) -> None:
    answer = await ask(api.shim, "POST", path, login)
    assert (answer.status_code, answer.json()) == (200, {"code": 0, "user_id": 1})
    cookie = answer.headers["set-cookie"]
    for word in ("HttpOnly", "Secure", "SameSite=strict", "Path=/api/v1", "Max-Age=43200"):
        assert word in cookie
    assert PASSWORD not in cookie
    made = SimpleCookie(cookie)["auth_tkt"].value
    assert (await ask(api.shim, "GET", "/jobs", cookie=made)).json()["count"] == 1
    assert (await ask(api.shim, "PUT", "/jobs/1", {"name": "x"}, cookie=made)).status_code == 200


@pytest.mark.parametrize(
    ("code", "login"),
    [
        (3, {"username": USER, "password": "wrong"}),
        (3, {"username": "nobody", "password": PASSWORD}),
        (3, {"username": "nobody", "email": USER, "password": PASSWORD}),
        (3, {"username": "", "password": ""}),
        (4, {"username": USER}),
        (4, {"password": PASSWORD}),
        (4, {"username": USER, "password": 5}),
        (4, LOGIN | {"remember": True}),
        (4, []),
    ],
)
async def test_logins_that_fail(api: Kragle, code: int, login: Any) -> None:
    for path in ("/authenticate", "/login"):
        answer = await ask(api.shim, "POST", path, login, auth=GOOD)  # it is the body that counts
        assert told(answer) == (500, code)
        assert "set-cookie" not in answer.headers
        assert PASSWORD not in answer.text


async def test_a_login_is_a_post(api: Kragle) -> None:
    assert told(await ask(api.shim, "GET", "/login", auth=GOOD)) == (500, 6)


async def test_inline_auth(api: Kragle) -> None:
    body: dict[str, Any] = {"auth": LOGIN, "payload": {"stack_id": 1, "schedule_id": 1, "name": "inline"}}
    assert (await ask(api.shim, "POST", "/jobs", body)).json() == {"id": 2}
    body = {"auth": {"email": USER, "password": PASSWORD}, "payload": {"enabled": True}}
    assert (await ask(api.shim, "PUT", "/jobs/2", body)).json()["do_run"] is True
    for wrong in ({"password": "no"}, {"username": "no"}):
        body = {"auth": LOGIN | wrong, "payload": {"name": "no"}}
        assert told(await ask(api.shim, "PUT", "/jobs/2", body)) == (403, 3)
        assert told(await ask(api.shim, "PUT", "/jobs/2", body, auth=GOOD)) == (403, 3), "what the body says counts"
    assert told(await ask(api.shim, "PUT", "/jobs/2", {"auth": {}, "payload": {}})) == (403, 3)
    assert (await api.get("/jobs/byid/2"))["name"] == "inline"
    # Only the two keys together are it.
    assert await api.code("PUT", "/jobs/2", {"auth": LOGIN, "payload": {}, "name": "x"}) == 4
    assert await api.code("PUT", "/jobs/2", {"auth": LOGIN}) == 4
    assert await api.code("PUT", "/jobs/2", {"auth": LOGIN, "payload": []}) == 4


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/jobs", None),
        ("GET", "/jobs/byid/1", None),
        ("GET", "/jobs/byid/99", None),
        ("GET", "/jobs?page=x", None),
        ("POST", "/jobs", {"stack_id": 1, "schedule_id": 1}),
        ("POST", "/jobs", "nonsense"),
        ("PUT", "/jobs/1", {"enabled": True}),
        ("DELETE", "/jobs/1", None),
        ("GET", "/schedules", None),
        ("GET", "/blockstacks", None),
        ("GET", "/nothing", None),
    ],
)
async def test_strangers_learn_nothing(api: Kragle, method: str, path: str, body: Any) -> None:
    before = dict(api.shim.kube.objects)
    for auth, cookie in ((None, ""), ((USER, "wrong"), ""), (None, "owner.9999999999.00"), (None, "x" * 5000)):
        answer = await ask(api.shim, method, path, body, auth=auth, cookie=cookie)
        assert told(answer) == (403, 3)
    assert api.shim.kube.objects == before


async def test_http_statuses() -> None:
    async with kragle(http_status="http") as api:
        answer = await ask(api.shim, "GET", "/jobs")
        assert told(answer) == (401, 3)
        assert answer.headers["www-authenticate"].startswith("Basic")
        assert told(await ask(api.shim, "POST", "/login", LOGIN | {"password": "no"})) == (401, 3)


# Tickets


async def test_a_ticket_ends(api: Kragle) -> None:
    made = await ticket(api.shim)
    api.shim.pass_time(hours=11, minutes=59)
    assert (await ask(api.shim, "GET", "/jobs", cookie=made)).status_code == 200
    api.shim.pass_time(minutes=2)
    assert told(await ask(api.shim, "GET", "/jobs", cookie=made)) == (403, 3)


@pytest.mark.parametrize("key", ["password", "username"])
async def test_a_rotation_ends_it(api: Kragle, key: str) -> None:
    made = await ticket(api.shim)
    old = (api.shim.directory / key).read_text()
    (api.shim.directory / key).write_text("another")
    assert told(await ask(api.shim, "GET", "/jobs", cookie=made)) == (403, 3)
    (api.shim.directory / key).write_text(old)
    assert (await ask(api.shim, "GET", "/jobs", cookie=made)).status_code == 200


async def test_another_replica_knows_it_and_another_site_does_not(api: Kragle) -> None:
    made = await ticket(api.shim)
    other = Shim(directory=api.shim.directory, kube=api.shim.kube, settings={"kragle": {"enabled": True}})
    assert (await ask(other, "GET", "/jobs", cookie=made)).status_code == 200
    elsewhere = other.config.model_copy(update={"namespace": "elsewhere"})
    other.app = create_app(config=elsewhere, kube=other.kube, store=open_store("memory:///"), clock=lambda: other.now)
    assert told(await ask(other, "GET", "/jobs", cookie=made)) == (403, 3)


async def test_a_ticket_is_for_its_account_and_time_only(api: Kragle) -> None:
    reader = await ticket(api.shim, {"username": "looks", "password": "reads"})
    role, until, signature = reader.split(".")
    assert role == "reader"
    for forged in (
        f"owner.{until}.{signature}",
        f"{role}.{int(until) + 1}.{signature}",
        f"{role}.0{until}.{signature}",
        f"{role}.{until}.{signature}x",
        f"{role}.{until}.",
        f"{role}.{until}",
        f"nobody.{until}.{signature}",
        "owner",
        ".",
    ):
        assert told(await ask(api.shim, "GET", "/jobs", cookie=forged)) == (403, 3)
    assert (await ask(api.shim, "GET", "/jobs", cookie=reader)).status_code == 200


async def test_a_ticket_opens_nothing_else(api: Kragle) -> None:
    """Kudu's API knows no cookies: no page of another site can make a browser use one there."""
    made = await ticket(api.shim)
    async with api.shim.client(auth=None) as client:
        answer = await client.get("/api/webjobs", headers={"Cookie": f"auth_tkt={made}"})
    assert answer.status_code == 401


@pytest.mark.parametrize("path", ["/api/webjobs", "/api/settings", "/subscriptions", f"{ROOT}/jobs"])
async def test_a_cookie_is_no_token_and_a_token_no_cookie(api: Kragle, path: str) -> None:
    cookie = await ticket(api.shim)
    form = {"grant_type": "client_credentials", "client_id": USER, "client_secret": PASSWORD}
    refused = 403 if path.startswith(ROOT) else 401
    async with api.shim.client(auth=None) as client:
        token: str = (await client.post("/adfs/oauth2/token", data=form)).json()["access_token"]
        for header, status in (
            (f"Bearer {token}", 200),
            (f"Bearer webjobs.{cookie}", refused),
            (f"Bearer {cookie}", refused),
            (f"Bearer webjobs.cookie.{cookie}", refused),
        ):
            assert (await client.get(path, headers={"Authorization": header})).status_code == status, header
        for text in (token, token.removeprefix("webjobs.")):
            answer = await client.get(path, headers={"Cookie": f"auth_tkt={text}"})
            assert answer.status_code == refused


# Readers and tokens


async def test_readers_may_read(api: Kragle) -> None:
    login = {"username": "looks", "password": "reads"}
    assert (await ask(api.shim, "POST", "/login", login)).json() == {"code": 0, "user_id": 2}
    made = await ticket(api.shim, login)
    for path in ("/jobs", "/jobs/byid/1", "/schedules", "/blockstacks"):
        assert (await ask(api.shim, "GET", path, cookie=made)).status_code == 200
        assert (await ask(api.shim, "GET", path, auth=("looks", "reads"))).status_code == 200
    before = dict(api.shim.kube.objects)
    for method, path, body in (
        ("POST", "/jobs", {"stack_id": 1, "schedule_id": 1}),
        ("PUT", "/jobs/1", {"enabled": True}),
        ("DELETE", "/jobs/1", None),
        ("POST", "/schedules", {"config": {"period": 60}}),
        ("DELETE", "/schedules/1", None),
    ):
        answer = await ask(api.shim, method, path, body, cookie=made)
        assert (told(answer), answer.json()["msg"]) == ((403, 3), "This account may only read.")
        if body:
            assert told(await ask(api.shim, method, path, {"auth": login, "payload": body})) == (403, 3)
    assert api.shim.kube.objects == before


@pytest.mark.parametrize(
    ("verb", "resource", "method", "path", "body"),
    [
        ("list", "webjobschedules", "GET", "/jobs", None),
        ("get", "webjobschedules", "GET", "/jobs/byid/1", None),
        ("create", "webjobschedules", "POST", "/jobs", {"stack_id": 1, "schedule_id": 1}),
        ("update", "webjobschedules", "PUT", "/jobs/1", {"name": "x"}),
        ("delete", "webjobschedules", "DELETE", "/jobs/1", None),
        ("list", "webjobschedules", "GET", "/schedules", None),
        ("create", "webjobschedules", "POST", "/schedules", {"config": {"period": 60}}),
        ("list", "webjobs", "GET", "/blockstacks", None),
        ("get", "webjobs", "GET", "/blockstacks/byid/1", None),
    ],
)
async def test_tokens(api: Kragle, verb: str, resource: str, method: str, path: str, body: Any) -> None:
    api.shim.kube.users["token"] = "somebody"  # noqa: S105
    bearer = {"Authorization": "Bearer token"}
    answer = await ask(api.shim, method, path, body, **bearer)
    assert told(answer) == (403, 3)
    assert f"{verb} {resource}.webjobs.dev" in answer.json()["msg"]
    api.shim.pass_time(seconds=11)
    api.shim.kube.rights.add(("somebody", "site", verb, resource))
    assert (await ask(api.shim, method, path, body, **bearer)).status_code == 200
    assert told(await ask(api.shim, method, path, body, Authorization="Bearer other")) == (403, 3)


# Guesses, and what is logged


async def test_guesses_are_limited(api: Kragle) -> None:
    for _ in range(25):
        assert told(await ask(api.shim, "POST", "/login", LOGIN | {"password": "guess"})) == (500, 3)
    answer = await ask(api.shim, "POST", "/login", LOGIN)
    assert (told(answer), answer.headers["retry-after"]) == ((429, 3), "3")
    assert told(await ask(api.shim, "PUT", "/jobs/1", {"auth": LOGIN, "payload": {}})) == (429, 3)
    async with api.shim.client() as client:
        assert (await client.get("/api/webjobs")).status_code == 429, "they count for all ways in"
    api.shim.pass_time(seconds=3)
    assert (await ask(api.shim, "POST", "/login", LOGIN)).status_code == 200


async def test_a_ticket_that_ran_out_is_no_guess(api: Kragle) -> None:
    made = await ticket(api.shim)
    api.shim.pass_time(hours=13)
    for _ in range(30):
        assert told(await ask(api.shim, "GET", "/jobs", cookie=made)) == (403, 3)
    assert (await ask(api.shim, "POST", "/login", LOGIN)).status_code == 200


async def test_no_secret_is_logged(api: Kragle, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    made = await ticket(api.shim)
    await ask(api.shim, "POST", "/login", LOGIN | {"password": "gu3ss"})
    await ask(api.shim, "PUT", "/jobs/1", {"auth": LOGIN, "payload": {"wr0ng": 1}})
    await ask(api.shim, "GET", "/jobs", cookie=made + "f0rged")
    assert "fault 3, status 500" in caplog.text
    assert "fault 4, status 500" in caplog.text
    for secret in (PASSWORD, made, "gu3ss", "f0rged"):
        assert secret not in caplog.text
