"""Several sites in one shim: each host its namespace, each its own credentials, on every route."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.kube import not_authorized
from tests.fakes.objects import run_body, webjob_body
from tests.fakes.shim import PASSWORD, USER, Shim, script, shim
from webjobs_apiserver.config import ApiserverConfig
from webjobs_apiserver.http.forwarded import Forwarded
from webjobs_apiserver.sites import Site, Sites, scm_name
from webjobs_kube.errors import Unreachable

BLOG = ("blogger", "pässword")
SETTINGS: dict[str, Any] = {
    "domain": "scm.example.com",
    "sites": [{"namespace": "blog"}, {"namespace": "shop", "host": "shop.example.org"}],
    "forwarded_allow_ips": ["10.0.0.1", "10.1.0.0/16"],
}
BLOG_HOST = "blog.scm.example.com"
JOB = "/api/triggeredwebjobs/job"
ROUTES = [
    ("GET", "/"),
    ("GET", "/nope"),
    ("GET", "/api/webjobs"),
    ("GET", "/jobs/"),
    ("GET", "/api/triggeredwebjobs"),
    ("GET", "/api/continuouswebjobs"),
    ("GET", JOB),
    ("PUT", JOB),
    ("DELETE", JOB),
    ("POST", f"{JOB}/run"),
    ("GET", f"{JOB}/history"),
    ("GET", f"{JOB}/history/202601010000000000"),
    ("GET", f"{JOB}/settings"),
    ("PUT", f"{JOB}/settings"),
    ("POST", "/api/continuouswebjobs/job/start"),
    ("POST", "/api/continuouswebjobs/job/stop"),
    ("GET", "/api/continuouswebjobs/job/passthrough/x"),
    ("GET", "/api/vfs/data/jobs/triggered/job/202601010000000000/output_log.txt"),
    ("HEAD", "/vfs/"),
    ("GET", "/api/zip/site/"),
    ("GET", "/api/logstream"),
    ("GET", "/api/settings"),
    ("GET", "/api/triggeredwebjobsswagger"),
    ("GET", "/api/publishprofile"),
    ("GET", "/subscriptions/0/resourceGroups/g/providers/Microsoft.Web/sites/site"),
    ("POST", "/subscriptions/0/resourceGroups/g/providers/Microsoft.Web/sites/site/publishxml"),
    ("POST", "/subscriptions/0/resourceGroups/g/providers/Microsoft.Web/sites/site/config/publishingcredentials/list"),
    ("POST", "/subscriptions/0/resourceGroups/g/providers/Microsoft.Web/sites/site/config/appsettings/list"),
    ("PUT", "/subscriptions/0/resourceGroups/g/providers/Microsoft.Web/sites/site/config/connectionstrings"),
    ("POST", "/subscriptions/0/resourceGroups/g/providers/Microsoft.Web/sites/site/triggeredwebjobs/job/run"),
    ("DELETE", "/subscriptions/0/resourceGroups/g/providers/Microsoft.Web/sites/site/triggeredwebjobs/job"),
    ("GET", "/subscriptions/0/resourceGroups/g/providers/Microsoft.Web/sites/none/triggeredwebjobs/job/history"),
]


def secret(**data: str) -> dict[str, Any]:
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return {"kind": "Secret", "metadata": {"name": "webjobs-credentials", "namespace": "blog"}, "data": encoded}


@pytest.fixture
def one() -> Any:
    with shim(settings=SETTINGS) as made:
        made.kube.add(secret(username=BLOG[0], password=BLOG[1]))
        for namespace in ("site", "blog"):
            for body in (webjob_body(name="job"), run_body(labels={"webjobs.dev/webjob": "job"})):
                body["metadata"] |= {"namespace": namespace, "uid": f"{body['metadata']['name']}-{namespace}"}
                made.kube.add(body)
        yield made


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize(("host", "auth"), [(BLOG_HOST, (USER, PASSWORD)), ("s", BLOG), ("site.scm.example.com", BLOG)])
async def test_credentials_of_one_site_are_nothing_at_another(
    one: Shim, method: str, path: str, host: str, auth: tuple[str, str]
) -> None:
    async with one.client(auth=auth, host=host) as client:
        answer = await client.request(method, path)
    assert (answer.status_code, answer.content) == (401, b"")
    assert not one.kube.writes
    assert {call.kind for call in one.kube.calls} <= {"Secret"}


@pytest.mark.parametrize(
    "host", ["unknown.scm.example.com", "scm.example.com", "a.blog.scm.example.com", "shop.scm.example.com"]
)
@pytest.mark.parametrize("auth", [(USER, PASSWORD), BLOG])
async def test_a_host_of_nobody_is_like_a_wrong_password(one: Shim, host: str, auth: tuple[str, str]) -> None:
    async with one.client(auth=auth, host=host) as client:
        answer = await client.get("/api/webjobs")
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Basic realm="site"')


@pytest.mark.parametrize("host", ["shop.example.org", "shop.scm.example.org", "Shop.SCM.example.org:443"])
async def test_a_site_has_a_second_name_with_scm_in_it(one: Shim, host: str) -> None:
    """As clients of publish profiles want one."""
    login = secret(username="s", password="p")  # noqa: S106
    login["metadata"]["namespace"] = "shop"
    one.kube.add(login)
    async with one.client(auth=("s", "p"), host=host) as client:
        answer = await client.get("/api/webjobs")
    assert (answer.status_code, answer.json()) == (200, [])


@pytest.mark.parametrize(
    ("host", "second"),
    [
        ("shop.example.com", "shop.scm.example.com"),
        ("shop.scm.example.com", "shop.scm.example.com"),
        ("shop.scm", "shop.scm"),
        ("shop.scmail.example", "shop.scm.scmail.example"),
        ("localhost", "localhost"),
    ],
)
def test_second_names(host: str, second: str) -> None:
    assert scm_name(host) == second
    assert scm_name(second) == second


def test_a_second_name_takes_none_from_another_site() -> None:
    sites = [{"namespace": "a", "host": "x.example"}, {"namespace": "b", "host": "x.scm.example"}]
    settings = {"namespace": "site", "store_url": "memory://", "credentials_directory": "/c", "domain": "d.example"}
    found = ApiserverConfig.model_validate({**settings, "sites": sites}).host_map()
    named = {host: site.namespace for host, site in found.items()}
    assert named == {
        "site.d.example": "site",
        "site.scm.d.example": "site",
        "x.example": "a",
        "x.scm.example": "b",
    }


async def test_each_site_has_its_own_jobs(one: Shim) -> None:
    async with one.client(auth=BLOG, host="BLOG.scm.example.com.:8080") as blog, one.client() as default:
        assert (await blog.put("/api/triggeredwebjobs/new", content=b"", headers=script())).status_code == 200
        assert (await blog.post(f"{JOB}/run")).status_code == 202
        assert [job["name"] for job in (await blog.get("/api/webjobs")).json()] == ["job", "new"]
        assert [job["name"] for job in (await default.get("/api/webjobs")).json()] == ["job"]
        assert (await default.get("/api/triggeredwebjobs/new")).status_code == 404
    assert {call.namespace for call in one.kube.writes} == {"blog"}


async def test_each_site_has_its_own_memory(one: Shim) -> None:
    async with one.running(watches=6) as default, one.client(auth=BLOG, host=BLOG_HOST) as blog:
        await blog.put("/api/triggeredwebjobs/new", content=b"", headers=script())
        one.kube.calls.clear()
        assert [job["name"] for job in (await blog.get("/api/webjobs")).json()] == ["job", "new"]
        assert [job["name"] for job in (await default.get("/api/webjobs")).json()] == ["job"]
        assert not one.kube.calls


async def test_a_rotated_secret_counts_after_seconds(one: Shim) -> None:
    async with (
        one.client(auth=BLOG, host=BLOG_HOST) as old,
        one.client(auth=("blogger", "new"), host=BLOG_HOST) as new,
    ):
        assert (await old.get("/api/webjobs")).status_code == 200
        await one.kube.patch("Secret", "blog", "webjobs-credentials", secret(username=BLOG[0], password="new"))  # noqa: S106
        one.pass_time(seconds=6)
        assert (await old.get("/api/webjobs")).status_code == 401
        assert (await new.get("/api/webjobs")).status_code == 200
        reads = [call for call in one.kube.calls if call.kind == "Secret" and call.verb == "get"]
        assert len(reads) == 2
        await one.kube.delete("Secret", "blog", "webjobs-credentials")
        one.pass_time(seconds=6)
        assert (await new.get("/api/webjobs")).status_code == 401


@pytest.mark.parametrize("error", [Unreachable("TimeoutError"), not_authorized()])
async def test_a_secret_that_cannot_be_read(one: Shim, error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    async with one.client(auth=BLOG, host=BLOG_HOST) as client:
        one.kube.fail(error, kind="Secret")
        assert (await client.get("/api/webjobs")).status_code == 503
        one.pass_time(seconds=6)
        assert (await client.get("/api/webjobs")).status_code == 200
        one.kube.fail(error, kind="Secret", times=10)
        one.pass_time(minutes=4)
        assert (await client.get("/api/webjobs")).status_code == 200
        one.pass_time(minutes=2)
        assert (await client.get("/api/webjobs")).status_code == 503
    assert BLOG[1] not in caplog.text


async def test_a_site_without_a_secret_lets_nobody_in(one: Shim) -> None:
    async with one.client(auth=("", ""), host="shop.example.org") as client:
        assert (await client.get("/api/webjobs")).status_code == 401


@pytest.mark.parametrize(
    ("address", "headers", "expected"),
    [
        ("127.0.0.1", {}, "https://s"),
        ("10.0.0.1", {}, "https://s"),
        ("127.0.0.1", {"X-Forwarded-Host": BLOG_HOST, "X-Forwarded-Proto": "http"}, "https://s"),
        ("10.0.0.1", {"X-Forwarded-Host": "public.example", "X-Forwarded-Proto": "http"}, "http://public.example"),
        ("10.1.2.3", {"X-Forwarded-Host": "evil.example, public.example:8443"}, "https://public.example:8443"),
        ("10.1.2.3", {"X-Forwarded-Host": 'a"b<c>', "X-Forwarded-Proto": "gopher"}, "https://s"),
    ],
)
async def test_forwarded_headers_count_from_proxies_only(
    one: Shim, address: str, headers: dict[str, str], expected: str
) -> None:
    async with one.client(address=address) as client:
        answer = await client.get(JOB, headers=headers)
    assert answer.json()["url"] == f"{expected}{JOB}"


async def test_a_proxy_says_which_site_is_meant(one: Shim) -> None:
    headers = {"X-Forwarded-Host": BLOG_HOST}
    async with one.client(auth=BLOG, address="10.0.0.1") as client:
        assert (await client.get("/api/webjobs", headers=headers)).status_code == 200
    async with one.client(auth=BLOG, address="10.0.0.2") as client:
        assert (await client.get("/api/webjobs", headers=headers)).status_code == 401


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("10.0.0.1", "1.2.3.4", "1.2.3.4"),
        ("10.0.0.1", "6.6.6.6, 1.2.3.4, 10.1.0.9", "1.2.3.4"),
        ("10.0.0.1", "10.1.0.9", "10.1.0.9"),
        ("9.9.9.9", "1.2.3.4", "9.9.9.9"),
    ],
)
async def test_the_client_is_the_last_address_that_no_proxy_has(peer: str, forwarded: str, expected: str) -> None:
    seen: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope["client"][0])

    scope = {"type": "http", "client": (peer, 1), "headers": [(b"x-forwarded-for", forwarded.encode())]}
    await Forwarded(app, trusted=SETTINGS["forwarded_allow_ips"])(scope, None, None)  # type: ignore[arg-type]
    assert seen == [expected]


LABEL = st.text("abc-", min_size=1, max_size=3)


@given(st.lists(LABEL, max_size=4).map(".".join), st.sampled_from(["", ".", ":80", ".:80"]), st.booleans())
def test_a_host_below_the_domain_is_never_the_defaults(labels: str, rest: str, upper: bool) -> None:
    a, default = Site(name="a", namespace="a"), Site(name="default", namespace="default")
    sites = Sites(by_host={"a.scm.example": a}, domain="scm.example", default=default)
    host = f"{labels}.scm.example{rest}" if labels else f"scm.example{rest}"
    found = sites.of_host(host.upper() if upper else host)
    assert found is (a if labels == "a" else None)
    assert sites.of_host(f"{labels}.other.example{rest}") is default


def test_without_a_default_other_hosts_are_nobodys() -> None:
    assert Sites(by_host={}).of_host("x") is None


async def test_no_host_at_all(one: Shim) -> None:
    async with one.client() as client:
        answer = await client.get("/api/webjobs", headers=httpx.Headers({"Host": ""}))
    assert answer.status_code == 200
