"""What each role may do, by a table; and the login of the site's own name and of the deploy password."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.fakes.kragle import ROOT, kragle
from tests.fakes.objects import run_body, webjob_body
from tests.fakes.shim import PASSWORD, RUN_ID, USER, Shim, script, shim, zipped
from tests.unit.apiserver.test_sites import ROUTES
from webjobs_apiserver.auth.authenticator import DEPLOYS_ONLY
from webjobs_apiserver.auth.credentials import KEYS, ROLES, Accounts
from webjobs_apiserver.auth.roles import allowed, kragle_allowed
from webjobs_apiserver.sites import Site

DEPLOY = "only to deploy, and nothing else"
SITE = "$site"
JOB, WORKER = "/api/triggeredwebjobs/x", "/api/continuouswebjobs/x"
FILES = "site/wwwroot/App_Data/jobs/triggered/x"
ARM = "/subscriptions/0/resourceGroups/g/providers/Microsoft.Web/sites/site"
ALL = frozenset({"GET", "HEAD", "PUT", "POST", "DELETE"})
READ = frozenset({"GET", "HEAD"})
NONE: frozenset[str] = frozenset()

DEPLOYER: list[tuple[str, frozenset[str]]] = [
    *((path, READ) for path in ("/api/webjobs", "/api/triggeredwebjobs", "/api/continuouswebjobs/", "/jobs/")),
    *((path, READ | {"PUT"}) for path in (JOB, WORKER, "/jobs/triggered/x", "/API/TriggeredJobs/x/")),
    ("/api/webjobs/x", READ),
    *((f"{job}/settings", READ | {"PUT"}) for job in (JOB, WORKER)),
    ("/api/webjobs/x/settings", NONE),
    *((f"/api/{name}", frozenset({"POST", "PUT"})) for name in ("zipdeploy", "publish")),
    ("/api/deployments", ALL),
    *((f"/api/deployments/{rest}", ALL) for rest in ("latest", "5d9c", "5d9c/log", "5d9c/log/5d9c-0")),
    *((f"/api/{name}", READ) for name in ("isdeploying", "environment", "scm/info", "diagnostics/runtime")),
    *((f"/api/{root}/{path}", READ | {"PUT"}) for root in ("vfs", "zip") for path in ("site/", "SITE/jobs/", FILES)),
    *((f"/{name}", frozenset({"POST", "PUT"})) for name in ("ZipDeploy/", "publish")),
    *((f"/{name}", READ) for name in ("Diagnostics/Runtime", "isdeploying", "SCM/info")),
    ("/Deployments/Latest/Log", ALL),
    *((f"/{name}", NONE) for name in ("Dump", "vfs/LogFiles/jobs/", "vfs/logfiles")),
    ("/vfs//site//wwwroot/", READ | {"PUT"}),
    (f"/zip\\{FILES}/", NONE),  # no path of the API
    ("/api/vfs/site/deployments/5d9c/manifest", READ | {"PUT"}),
    *((path, READ) for path in ("/api/logstream", "/api/logstream/jobs/triggered/x", "/logstream/application")),
    # And nothing else
    *((f"{JOB}/{verb}", NONE) for verb in ("run", "history", f"history/{RUN_ID}", "settings/x", "settings\n")),
    *((f"{WORKER}/{verb}", NONE) for verb in ("start", "stop", "passthrough", "passthrough/x")),
    *(
        (f"/api/{root}{rest}", NONE)
        for root in ("vfs", "zip")
        for rest in ("", "/", "/data/", "/LogFiles/", "/sites/x")
    ),
    *((f"/api/vfs/{path}", NONE) for path in ("site/../data/", "./site/x", "site/\n", "data/site/", "//data/site")),
    *((f"/api/settings{rest}", NONE) for rest in ("", "/", "/x")),
    *((f"/api/hooks{rest}", NONE) for rest in ("", "/1")),
    *((f"/api/{name}", NONE) for name in ("backup", "publishprofile", "publishxml", "dump", "logs/recent", "command")),
    *((f"/api/{name}", NONE) for name in ("zipdeploy/x", "publish/x", "deploymentsx", "scm", "environment/x")),
    *((path, NONE) for path in ("/", "/api", "/docs", "/openapi.json", "/api/triggeredwebjobsswagger", "/api/v1/jobs")),
]
"""Paths, and the methods for which the deploy password is enough."""
READER = frozenset({"/api/webjobs", "/api/triggeredwebjobs", "/api/continuouswebjobs/", "/jobs/", "/api/webjobs/x"})
READER |= {JOB, WORKER, "/jobs/triggered/x", "/API/TriggeredJobs/x/"}


@pytest.mark.parametrize(("path", "methods"), DEPLOYER, ids=[path for path, _ in DEPLOYER])
def test_roles(path: str, methods: frozenset[str]) -> None:
    for method in (*sorted(ALL), "PATCH", "OPTIONS", "get", "NONSENSE"):
        expected = {"owner"}
        if method in methods:
            expected.add("deployer")
        if method in READ and path in READER:
            expected.add("reader")
        assert allowed(method, path) == expected, method


def test_the_table_names_each_place_once() -> None:
    assert len({path for path, _ in DEPLOYER}) == len(DEPLOYER)


@pytest.mark.parametrize(
    ("method", "is_login", "expected"),
    [
        ("GET", False, {"owner", "reader"}),
        ("HEAD", False, {"owner", "reader"}),
        ("POST", False, {"owner"}),
        ("DELETE", False, {"owner"}),
        ("POST", True, {"owner", "reader"}),
    ],
)
def test_roles_of_the_kragle_api(method: str, is_login: bool, expected: set[str]) -> None:
    assert kragle_allowed(method, is_login=is_login) == expected


# Who is who

OWNS, DEPLOYS, READS = "owner's own words", "deployer's own words", "reader's own words"
SECRET = dict(zip(KEYS, (b"webjobs", OWNS.encode(), b"looks", READS.encode(), DEPLOYS.encode()), strict=True))
SHOP = Site(name="Shop-1", namespace="shop")
ALIASES = ["$Shop-1", "$shop-1", "$SHOP-1", "Shop-1\\$Shop-1", "shop-1\\$SHOP-1", "$shop", "shop\\$shop"]


@pytest.mark.parametrize("name", [*ALIASES, "webjobs"])
def test_owner_and_deployer_may_be_called_after_the_site(name: str) -> None:
    accounts = Accounts.of(SECRET)
    assert accounts.role_of(name.encode(), OWNS.encode(), aliases=SHOP.aliases) == "owner"
    assert accounts.role_of(name.encode(), DEPLOYS.encode(), aliases=SHOP.aliases) == "deployer"
    assert accounts.role_of(name.encode(), READS.encode(), aliases=SHOP.aliases) is None
    assert accounts.role_of(b"looks", READS.encode(), aliases=SHOP.aliases) == "reader"


@pytest.mark.parametrize(
    "name", ["", "$", "Shop-1", "$other", "$shop ", "shop\\shop", "shop\\$Shop-1", "\\$shop", "Webjobs", "looks"]
)
def test_other_names_are_wrong(name: str) -> None:
    accounts = Accounts.of(SECRET)
    for password in (OWNS, DEPLOYS):
        assert accounts.role_of(name.encode(), password.encode(), aliases=SHOP.aliases) is None


@pytest.mark.parametrize(
    ("changes", "deployer"),
    [
        ({}, DEPLOYS.encode()),
        ({"deployPassword": DEPLOYS.encode() + b"\r\n"}, DEPLOYS.encode()),
        ({"deployPassword": b""}, b""),
        ({"deployPassword": b"\n"}, b""),
        ({"deployPassword": OWNS.encode()}, b""),  # it may do everything, so it is none
        ({"username": b""}, b""),
    ],
)
def test_the_deploy_password(changes: dict[str, bytes], deployer: bytes) -> None:
    accounts = Accounts.of(SECRET | changes)
    assert accounts.deploy_password == deployer
    assert accounts.has("deployer") == bool(deployer)
    assert accounts.role_of(b"$shop", changes.get("deployPassword", b""), aliases=SHOP.aliases) in (None, "owner")
    assert DEPLOYS not in repr(accounts)


def test_each_role_has_tickets_and_seeds_of_its_own() -> None:
    accounts = Accounts.of(SECRET)
    assert len({accounts.seed(role, b"x") for role in ROLES}) == len(ROLES)


# Over the wire


@pytest.fixture
def one() -> Iterator[Shim]:
    with shim() as made:
        made.kube.add(webjob_body(name="job"))
        made.kube.add(run_body(labels={"webjobs.dev/webjob": "job"}, state="Success"))
        (made.directory / "deployPassword").write_text(DEPLOY + "\n")
        yield made


async def status(one: Shim, *, auth: tuple[str, str], method: str = "GET", path: str = "/api/webjobs") -> int:
    async with one.client(auth=auth) as client:
        return (await client.request(method, path)).status_code


@pytest.mark.parametrize("user", [SITE, "$SITE", "site\\$site", "$webjobs", "webjobs\\$webjobs", USER])
async def test_login_by_the_name_of_the_site(one: Shim, user: str) -> None:
    for password, settings in ((PASSWORD, 200), (DEPLOY, 403)):
        assert await status(one, auth=(user, password)) == 200
        assert await status(one, auth=(user, password), path="/api/settings") == settings
        assert await status(one, auth=(user, password + "x")) == 401


@pytest.mark.parametrize("user", ["site", "$other", "$", "webjobs\\$site", ""])
async def test_login_by_another_name(one: Shim, user: str) -> None:
    for password in (PASSWORD, DEPLOY):
        assert await status(one, auth=(user, password)) == 401


async def test_a_pipeline_deploys(one: Shim) -> None:
    async with one.client(auth=(SITE, DEPLOY)) as client:
        assert (await client.put("/api/triggeredwebjobs/new", content=b"", headers=script())).status_code == 200
        zip_ = zipped({"App_Data/jobs/triggered/other/run.sh": "echo"})
        assert (await client.put("/api/zip/site/wwwroot/", content=zip_)).status_code == 200
        file = "/api/vfs/site/wwwroot/App_Data/jobs/triggered/new/more.txt"
        assert (await client.put(file, content=b"x")).status_code == 201
        assert (await client.get(file)).content == b"x"
        assert {job["name"] for job in (await client.get("/api/webjobs")).json()} == {"job", "new", "other"}


@pytest.mark.parametrize(
    ("method", "path"), [route for route in ROUTES if "deployer" not in allowed(*route) and "/subscr" not in route[1]]
)
async def test_and_nothing_else(one: Shim, method: str, path: str) -> None:
    async with one.client(auth=(SITE, DEPLOY)) as client:
        answer = await client.request(method, path)
    assert (answer.status_code, answer.text) == (403, DEPLOYS_ONLY if method != "HEAD" else "")
    assert not one.kube.calls


@pytest.mark.parametrize(
    ("method", "rest", "expected"),
    [
        ("GET", "/triggeredwebjobs", 200),
        ("GET", "/triggeredwebjobs/job", 200),
        ("POST", "/triggeredwebjobs/job/run", 403),
        ("DELETE", "/triggeredwebjobs/job", 403),
        ("POST", "/publishxml", 403),
    ],
)
async def test_the_same_rights_by_arm(one: Shim, method: str, rest: str, expected: int) -> None:
    async with one.client(auth=(SITE, DEPLOY)) as client:
        form = {"grant_type": "client_credentials", "client_id": SITE, "client_secret": DEPLOY}
        token = (await client.post("/adfs/oauth2/token", data=form, auth=("", ""))).json()["access_token"]
        answers = [await client.request(method, ARM + rest)]
    async with one.client(auth=None) as client:
        answers.append(await client.request(method, ARM + rest, headers={"Authorization": f"Bearer {token}"}))
    assert [answer.status_code for answer in answers] == [expected] * 2
    if expected == 403:
        error = {"code": "AuthorizationFailed", "message": DEPLOYS_ONLY}
        assert answers[0].json()["error"] == answers[1].json()["error"] == error
    assert not one.kube.writes


async def test_no_kragle_api() -> None:
    async with kragle() as api:
        (api.shim.directory / "deployPassword").write_text(DEPLOY)
        login = {"username": SITE, "password": DEPLOY}
        async with api.shim.client(auth=None) as client:
            for path, body in (("/authenticate", login), ("/jobs", {"auth": login, "payload": {"name": "x"}})):
                answer = await client.post(ROOT + path, json=body)
                assert answer.status_code in (403, 500)
                assert DEPLOYS_ONLY in answer.text
            basic = httpx.BasicAuth(SITE, DEPLOY)
            assert (await client.get(f"{ROOT}/jobs", auth=basic)).status_code in (403, 500)
            owner = {"username": SITE, "password": PASSWORD}
            assert (await client.post(f"{ROOT}/authenticate", json=owner)).json()["user_id"] == 1


async def test_rotation_and_revocation_without_a_restart(one: Shim) -> None:
    assert await status(one, auth=(SITE, DEPLOY)) == 200
    swapped = one.directory / "new"
    swapped.write_text("another one, which is long")
    os.replace(swapped, one.directory / "deployPassword")
    assert await status(one, auth=(SITE, DEPLOY)) == 401
    assert await status(one, auth=(SITE, "another one, which is long")) == 200
    (one.directory / "deployPassword").unlink()
    assert await status(one, auth=(SITE, "another one, which is long")) == 401
    assert await status(one, auth=(SITE, "")) == 401
    assert await status(one, auth=(SITE, PASSWORD)) == 200, "the owner's password is another one"


def _secret(data: dict[str, str]) -> dict[str, Any]:
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return {"kind": "Secret", "metadata": {"name": "webjobs-credentials", "namespace": "blog"}, "data": encoded}


async def test_a_further_site_has_a_password_of_its_own() -> None:
    settings = {"domain": "scm.example.com", "sites": [{"namespace": "blog"}]}
    owner = {"username": "blogger", "password": "of the blog"}
    with shim(settings=settings) as made:
        (made.directory / "deployPassword").write_text(DEPLOY)
        made.kube.add(_secret(owner | {"deployPassword": DEPLOYS}))
        hosts = {"$blog": "blog.scm.example.com", "$site": "s"}

        async def tried(user: str, password: str, host: str) -> int:
            async with made.client(auth=(user, password), host=hosts[host]) as client:
                return (await client.get("/api/webjobs")).status_code

        assert await tried("$blog", DEPLOYS, "$blog") == await tried("$site", DEPLOY, "$site") == 200
        for user, password, host in (
            ("$blog", DEPLOYS, "$site"),
            ("$site", DEPLOY, "$blog"),
            ("$site", DEPLOYS, "$blog"),
        ):
            assert await tried(user, password, host) == 401
        await made.kube.patch("Secret", "blog", "webjobs-credentials", {"data": {"deployPassword": None}})
        made.pass_time(seconds=6)
        assert await tried("$blog", DEPLOYS, "$blog") == 401


async def test_the_log_tells_who_deployed(one: Shim, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "webjobs_apiserver.http.access_log")
    await status(one, auth=(SITE, DEPLOY))
    await status(one, auth=("SITE\\$Site", PASSWORD))
    lines = [record.getMessage() for record in caplog.records if record.name.endswith("access_log")]
    assert lines == [
        '127.0.0.1 account:$webjobs "GET /api/webjobs HTTP/1.1" 200',
        f'127.0.0.1 account:{USER} "GET /api/webjobs HTTP/1.1" 200',
    ]
    assert DEPLOY not in caplog.text


async def test_wants_of_a_deployer_are_no_bad_tries(one: Shim) -> None:
    async with one.client(auth=(SITE, DEPLOY)) as client:
        for _ in range(50):
            assert (await client.get("/api/settings")).status_code == 403
        assert (await client.get("/api/webjobs")).status_code == 200


async def test_a_short_deploy_password_is_called_so(one: Shim, caplog: pytest.LogCaptureFixture) -> None:
    (one.directory / "deployPassword").write_text("short")
    assert await status(one, auth=(SITE, "short")) == 200
    assert "the password of the deployer has less than 16 bytes" in caplog.text
