"""The password that ARM gives to clients for Kudu's routes: a ticket with the rights of who asked, and no more."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.fakes.kragle import ROOT, kragle
from tests.fakes.objects import webjob_body
from tests.fakes.shim import PASSWORD, START, USER, Shim, shim, zipped
from webjobs_apiserver.auth.credentials import KEYS, Accounts
from webjobs_apiserver.auth.headers import Basic
from webjobs_apiserver.auth.throttle import BURST, SPARE
from webjobs_apiserver.auth.tickets import PASSWORD_LIFETIME, Ticket, Tickets, of_password, shown

SITE = "/subscriptions/0/resourceGroups/g/providers/Microsoft.Web/sites/site"
CREDENTIALS = f"{SITE}/config/publishingcredentials/list"
DEPLOY = "only to deploy, and nothing else"
TOKEN = {"Authorization": "Bearer abc.def"}
ZIP = zipped({"App_Data/jobs/triggered/new/run.sh": "echo"})


@pytest.fixture
def one() -> Iterator[Shim]:
    with shim() as made:
        (made.directory / "deployPassword").write_text(DEPLOY)
        made.kube.add(webjob_body(name="job"))
        made.kube.users["abc.def"] = "alice"
        yield made


async def given(client: httpx.AsyncClient, **options: Any) -> tuple[str, str]:
    """User name and password that ARM gives to a client."""
    answer = await client.post(CREDENTIALS, **options)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store"), answer.text
    found = answer.json()["properties"]
    return found["publishingUserName"], found["publishingPassword"]


async def status(one: Shim, login: tuple[str, str], path: str = "/api/webjobs", **options: Any) -> int:
    async with one.client(auth=login) as client:
        return (await client.request(options.pop("method", "GET"), path, **options)).status_code


def may(one: Shim, *verbs: str, resource: str = "webjobs") -> None:
    """Gives rights to alice."""
    one.kube.rights |= {("alice", "site", verb, resource) for verb in verbs}


async def test_an_owner_may_what_it_may_by_its_own_password(one: Shim, client: httpx.AsyncClient) -> None:
    login = await given(client)
    assert login[0] == "$webjobs"
    assert not {PASSWORD, DEPLOY} & set(login)
    for path in ("/api/webjobs", "/dump", "/api/settings", "/api/logs/recent", "/api/deployments"):
        assert await status(one, login, path) == 200, path
    assert await status(one, login, "/api/zipdeploy", method="POST", content=ZIP) == 200
    assert await status(one, (login[0].upper(), login[1])) == 200


async def test_there_is_one_without_a_deploy_password(one: Shim, client: httpx.AsyncClient) -> None:
    (one.directory / "deployPassword").unlink()
    assert await status(one, await given(client), "/dump") == 200


async def test_it_is_given_to_the_bearer_of_a_ticket_as_well(one: Shim, client: httpx.AsyncClient) -> None:
    """So comes ``az``."""
    form = {"grant_type": "client_credentials", "client_id": USER, "client_secret": PASSWORD}
    token = (await client.post("/adfs/oauth2/token", data=form)).json()["access_token"]
    async with one.client(auth=None) as az:
        login = await given(az, headers={"Authorization": f"Bearer {token}"})
    assert await status(one, login, "/dump") == 200


@pytest.mark.parametrize("name", ["", "$", "$other", "site", USER])
async def test_it_goes_with_the_name_of_the_site(one: Shim, client: httpx.AsyncClient, name: str) -> None:
    _, password = await given(client)
    assert await status(one, (name, password)) == 401


async def test_it_ends(one: Shim, client: httpx.AsyncClient) -> None:
    login = await given(client)
    one.now += PASSWORD_LIFETIME - timedelta(seconds=1)
    assert await status(one, login) == 200
    one.now += timedelta(seconds=1)
    assert await status(one, login) == 401


async def test_it_lasts_as_long_as_clients_deploy() -> None:
    assert timedelta(minutes=15 + 30) <= PASSWORD_LIFETIME <= timedelta(hours=1)


async def test_it_ends_with_the_password(one: Shim, client: httpx.AsyncClient) -> None:
    login = await given(client)
    may(one, "update", "list")
    async with one.client(auth=None) as asking:
        alice = await given(asking, headers=TOKEN)
    (one.directory / "password").write_text("another, and long enough")
    assert [await status(one, login), await status(one, alice)] == [401, 401]


ARM = [
    ("POST", CREDENTIALS),
    ("GET", SITE),
    ("POST", f"{SITE}/publishxml"),
    ("POST", f"{SITE}/config/appsettings/list"),
    ("POST", f"{SITE}/triggeredwebjobs/job/run"),
    ("GET", "/subscriptions"),
]


@pytest.mark.parametrize(("method", "path"), [*ARM, ("GET", "/api/publishprofile")])
async def test_nothing_comes_of_it_that_lasts_longer(
    one: Shim, client: httpx.AsyncClient, method: str, path: str
) -> None:
    """No other ticket, and no password."""
    login = await given(client)
    assert await status(one, login, path, method=method) == 401


async def test_it_is_no_login_elsewhere(one: Shim, client: httpx.AsyncClient) -> None:
    name, password = await given(client)
    form = {"grant_type": "client_credentials", "client_id": name, "client_secret": password}
    assert (await client.post("/adfs/oauth2/token", data=form)).status_code == 401
    async with one.client(auth=None) as bearer:
        found = await bearer.get("/api/webjobs", headers={"Authorization": f"Bearer {password}"})
        assert found.status_code == 401
        token = (
            await client.post("/adfs/oauth2/token", data=form | {"client_id": USER, "client_secret": PASSWORD})
        ).json()
    assert await status(one, (name, token["access_token"])) == 401


async def test_it_is_no_login_of_the_kragle_api() -> None:
    async with kragle() as api:
        async with api.shim.client() as owner:
            name, password = await given(owner)
        async with api.shim.client(auth=None) as client:
            answer = await client.post(f"{ROOT}/authenticate", json={"username": name, "password": password})
            assert "user_id" not in answer.text
            assert not answer.cookies
            assert "wrong" in answer.text


# Users of Kubernetes


async def test_a_user_may_what_its_rights_are(one: Shim) -> None:
    may(one, "update")
    async with one.client(auth=None) as client:
        login = await given(client, headers=TOKEN)
    assert await status(one, login) == 403
    may(one, "list")
    assert await status(one, login) == 200
    may(one, "list", "get", resource="webjobruns")
    for path, expected in (("/dump", 403), ("/api/logs/recent", 200), ("/api/settings", 200)):
        assert await status(one, login, path) == expected, path
    may(one, "get")
    assert await status(one, login, "/dump") == 200
    one.kube.rights.clear()
    one.pass_time(seconds=11)
    assert await status(one, login) == 403


async def test_who_may_not_deploy_does_not_by_it(one: Shim) -> None:
    may(one, "get", "list", "update")
    async with one.client(auth=None) as client:
        login = await given(client, headers=TOKEN)
    for path in ("/api/zipdeploy", "/api/publish?type=zip"):
        assert await status(one, login, path, method="POST", content=ZIP) == 403
    assert not [call for call in one.kube.writes if call.kind == "WebJob"]
    may(one, "create", "delete")
    assert await status(one, login, "/api/zipdeploy", method="POST", content=ZIP) == 200


async def test_what_a_user_needs_to_get_one(one: Shim) -> None:
    may(one, "get", "list", "create", "delete")
    async with one.client(auth=None) as client:
        answer = await client.post(CREDENTIALS, headers=TOKEN)
    assert (answer.status_code, "update webjobs" in answer.json()["Message"]) == (403, True)


async def test_a_user_with_groups_without_number_gets_none() -> None:
    accounts = Accounts.of(dict.fromkeys(KEYS[:2], b"long enough to be right"))
    user = {"username": "alice", "groups": [f"group-{number}" for number in range(1000)]}
    assert await Tickets().issue_user(accounts, user, namespace="site", use="password", now=START) is None
    assert (
        await Tickets().issue_user(Accounts(), {"username": "alice"}, namespace="site", use="password", now=START)
        is None
    )


async def test_all_that_rights_depend_on_is_in_it() -> None:
    """What a webhook for authorization reads can also take rights away."""
    accounts = Accounts.of(dict.fromkeys(KEYS[:2], b"long enough to be right"))
    user = {"username": "älice", "uid": "5", "groups": ["a", "b"], "extra": {"scopes": ["few"]}}
    tickets = Tickets()
    ticket = await tickets.issue_user(accounts, user, namespace="site", use="password", now=START)
    assert ticket
    assert await tickets.user_of(ticket, accounts, namespace="site", now=START) == user
    assert await tickets.user_of(ticket, accounts, namespace="blog", now=START) is None
    other = Accounts.of({KEYS[0]: b"x", KEYS[1]: b"another that is long enough"})
    assert await tickets.user_of(ticket, other, namespace="site", now=START) is None
    assert await tickets.role_of(ticket, accounts, namespace="site", now=START) is None


# What is false


def _other_user(text: str) -> str:
    _, until, signature = text.split(".")
    payload = base64.urlsafe_b64encode(json.dumps({"username": "admin"}).encode()).decode().rstrip("=")
    return f"user-{payload}.{until}.{signature}"


@pytest.mark.parametrize(
    "change",
    [
        _other_user,
        lambda text: text[:-1] + ("0" if text[-1] != "0" else "1"),
        lambda text: text.replace(".", ".9", 1),
        lambda text: "owner." + text.partition(".")[2],
        lambda text: text.partition(".")[0],
        lambda text: text + ".",
        lambda text: text + "x" * 9000,
        lambda text: "user-." + text.partition(".")[2],
        lambda text: "user-!!." + text.partition(".")[2],
        lambda text: "",
        lambda text: "..",
    ],
)
async def test_false_ones(one: Shim, client: httpx.AsyncClient, change: Any) -> None:
    may(one, "update", "list")
    async with one.client(auth=None) as asking:
        name, password = await given(asking, headers=TOKEN)
    assert await status(one, (name, password)) == 200
    ticket = of_password(Basic(username=b"", password=password.encode()))
    assert ticket
    assert await status(one, (name, shown(Ticket(text=change(ticket.text), use="password")))) == 401


@pytest.mark.parametrize("password", ["webjobs.", "webjobs.owner.x.y", "webjobs. and more words"])
async def test_a_password_may_look_like_one(one: Shim, password: str) -> None:
    (one.directory / "password").write_text(password)
    assert await status(one, (USER, password)) == 200
    assert await status(one, ("$site", password)) == 200


async def test_false_ones_are_bad_tries_and_right_ones_do_not_wait(one: Shim, client: httpx.AsyncClient) -> None:
    login = await given(client)
    found = [await status(one, ("$site", f"webjobs.owner.{number}.00")) for number in range(1, 51)]
    assert found == [401] * (BURST + SPARE) + [429] * (50 - BURST - SPARE)
    assert await status(one, login) == 200
    assert await status(one, ("$site", DEPLOY + "?")) == 429


async def test_another_sites_is_false(one: Shim) -> None:
    settings = {"domain": "scm.example.com", "sites": [{"namespace": "blog"}]}
    with shim(settings=settings) as made:
        both = {"username": USER, "password": PASSWORD}
        data = {key: base64.b64encode(value.encode()).decode() for key, value in both.items()}
        meta = {"name": "webjobs-credentials", "namespace": "blog"}
        made.kube.add({"kind": "Secret", "metadata": meta, "data": data})
        async with made.client() as client:
            name, password = await given(client)
        for user in (name, "$blog"):
            async with made.client(auth=(user, password), host="blog.scm.example.com") as client:
                assert (await client.get("/api/webjobs")).status_code == 401


async def test_logs_tell_who_and_nothing_secret(
    one: Shim, client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    may(one, "update", "list")
    async with one.client(auth=None) as asking:
        logins = [await given(client), await given(asking, headers=TOKEN)]
    for name, password in logins:
        await status(one, (name, password))
        await status(one, (name, password + "x"))
    lines = [record.getMessage() for record in caplog.records if record.name.endswith("access_log")]
    assert lines == [
        f'127.0.0.1 account:{USER} "POST {CREDENTIALS} HTTP/1.1" 200',
        f'127.0.0.1 user:alice "POST {CREDENTIALS} HTTP/1.1" 200',
        f'127.0.0.1 account:{USER} "GET /api/webjobs HTTP/1.1" 200',
        '127.0.0.1 - "GET /api/webjobs HTTP/1.1" 401',
        '127.0.0.1 ticket:alice "GET /api/webjobs HTTP/1.1" 200',
        '127.0.0.1 - "GET /api/webjobs HTTP/1.1" 401',
    ]
    for _, password in logins:
        assert password.rpartition(".")[2] not in caplog.text
