"""The publish profile of a site: what is in it, who gets it, and by which routes."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.fakes.shim import PASSWORD, USER, Shim, shim
from webjobs_apiserver.arm.publish_profile import check_format
from webjobs_apiserver.auth import rights
from webjobs_apiserver.errors import BadRequest, Refused
from webjobs_apiserver.kudu.deployments.publish_profile import as_text, profile
from webjobs_apiserver.sites import Site

DEPLOY = "only & to <deploy> \"'$"
OWN = "/api/publishprofile"
G = "/subscriptions/0/resourceGroups/g/providers/Microsoft.Web/sites"
VERSION = {"api-version": "2024-11-01"}
SETTINGS: dict[str, Any] = {
    "site": "Shop",
    "domain": "scm.example.com",
    "sites": [{"namespace": "blog"}, {"namespace": "shop-staging", "host": "staging.example.org"}],
}


def _secret(namespace: str, **data: str) -> dict[str, Any]:
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return {"kind": "Secret", "metadata": {"name": "webjobs-credentials", "namespace": namespace}, "data": encoded}


@pytest.fixture
def one() -> Iterator[Shim]:
    with shim(settings=SETTINGS) as made:
        (made.directory / "deployPassword").write_text(DEPLOY)
        (made.directory / "readonlyUsername").write_text("looks")
        (made.directory / "readonlyPassword").write_text("reads")
        for namespace in ("blog", "shop-staging"):
            made.kube.add(_secret(namespace, username="b", password="owns", deployPassword=f"of {namespace}"))  # noqa: S106
        yield made


def profiles(text: str) -> list[dict[str, str]]:
    root = ElementTree.fromstring(text)  # noqa: S314  our own
    assert root.tag == "publishData"
    assert [element.tag for element in root] == ["publishProfile"] * len(root)
    return [dict(element.attrib) for element in root]


@pytest.mark.parametrize(
    ("base", "url"),
    [
        ("https://shop.scm.example.com", "shop.scm.example.com:443"),
        ("https://shop.scm.example.com:8443", "shop.scm.example.com:8443"),
        ("http://localhost:8080", "localhost:8080"),
        ("http://shop", "shop:80"),
        ("https://[::1]:8443", "[::1]:8443"),
    ],
)
def test_a_profile(base: str, url: str) -> None:
    first, second = profiles(profile(Site(name="Shop", namespace="shop"), base=base, password=DEPLOY))
    assert first == {
        "profileName": "Shop - Zip Deploy",
        "publishMethod": "ZipDeploy",
        "publishUrl": url,
        "userName": "$Shop",
        "userPWD": DEPLOY,
        "destinationAppUrl": base,
        "SQLServerDBConnectionString": "",
        "mySQLDBConnectionString": "",
        "hostingProviderForumLink": "",
        "controlPanelLink": "",
        "webSystem": "WebSites",
    }
    differing = {"profileName": "Shop - Web Deploy", "publishMethod": "MSDeploy", "msdeploySite": "Shop"}
    assert second == first | differing


def test_a_port_that_there_can_not_be() -> None:
    with pytest.raises(BadRequest):
        profile(Site(name="s", namespace="s"), base="https://s:99999", password="x")  # noqa: S106


@pytest.mark.parametrize(
    ("password", "told"),
    [
        (b"", "no deploy password"),
        (b"a\tb", "printable"),
        (b"a\nb", "printable"),
        (b"\xff", "printable"),
        (b"\x00", "pr"),
    ],
)
def test_passwords_that_no_profile_has(password: bytes, told: str) -> None:
    with pytest.raises(Refused) as refused:
        as_text(password)
    assert told in refused.value.message
    assert "deployPassword" in refused.value.message
    assert as_text("pässword".encode()) == "pässword"


async def test_the_owner_gets_it(one: Shim) -> None:
    async with one.client(host="shop.scm.example.com:8443", auth=(USER, PASSWORD)) as client:
        answer = await client.get(OWN)
    assert answer.status_code == 401, "no host of the default site"
    async with one.client(host="site.scm.example.com") as client:
        answer = await client.get(OWN)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/xml")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-disposition"] == 'attachment; filename="Shop.PublishSettings"'
    first = profiles(answer.text)[0]
    assert (first["publishUrl"], first["userName"]) == ("site.scm.example.com:443", "$Shop")
    async with one.client(auth=(first["userName"], first["userPWD"])) as deployer:
        assert (await deployer.get("/api/webjobs")).status_code == 200
        assert (await deployer.get(OWN)).status_code == 403


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("site.scm.example.com", "site.scm.example.com:443"),
        ("Jobs.SCM.example.org:443", "jobs.scm.example.org:443"),
        ("jobs.scm.example.org:8443", "jobs.scm.example.org:8443"),
        ("blog.scm.example.com", None),  # another site's
        ("nobody.scm.example.com", None),
        ("staging.example.org", None),
        ("", None),
        ("https://a", None),
        ("user@a", None),
        ("a/b", None),
        ("a:0", None),
        ("a:99999", None),
        ("a b", None),
        ("a\n", None),
    ],
)
async def test_the_host_can_be_chosen(one: Shim, host: str, url: str | None) -> None:
    async with one.client() as client:
        answer = await client.get(OWN, params={"host": host})
    if url is None:
        assert answer.status_code == 400
        assert answer.text.startswith("host: ")
        assert "only" not in answer.text
        return
    first = profiles(answer.text)[0]
    assert (first["publishUrl"], first["destinationAppUrl"]) == (url, f"https://{url.removesuffix(':443')}")


@pytest.mark.parametrize("auth", [None, ("looks", "reads"), ("$shop", DEPLOY), ("$shop", "wrong")])
async def test_nobody_else_does(one: Shim, auth: tuple[str, str] | None) -> None:
    async with one.client(auth=auth) as client:
        for answer in (await client.get(OWN), await client.post(f"{G}/shop/publishxml")):
            assert answer.status_code in (401, 403)
            assert "only & to" not in answer.text


NEEDS = [("create", "webjobs", "webjobs.dev"), ("update", "webjobs", "webjobs.dev"), ("get", "secrets", "")]


@pytest.mark.parametrize("lacks", [None, *NEEDS])
async def test_a_token_needs_what_the_password_gives(lacks: Any, one: Shim) -> None:
    assert [(need.verb, need.resource, need.group) for need in rights.needs("GET", OWN)] == NEEDS
    one.kube.users["t"] = "jane"
    one.kube.rights |= {
        ("jane", "site", verb, resource) for verb, resource, group in NEEDS if lacks != (verb, resource, group)
    }
    async with one.client(auth=None) as client:
        for method, path in (("GET", OWN), ("POST", f"{G}/shop/publishxml")):
            answer = await client.request(method, path, headers={"Authorization": "Bearer t"})
            assert answer.status_code == (403 if lacks else 200)


async def test_without_a_deploy_password_there_is_none(one: Shim) -> None:
    for content in (None, "", PASSWORD):
        (one.directory / "deployPassword").unlink(missing_ok=True)
        if content is not None:
            (one.directory / "deployPassword").write_text(content)
        async with one.client() as client:
            own, arm = await client.get(OWN), await client.post(f"{G}/shop/publishxml")
        assert (own.status_code, arm.status_code) == (409, 409)
        for told in (own.json()["Message"], arm.json()["error"]["message"]):
            assert told.startswith("This site has no deploy password")
            assert "deployPassword" in told
            assert PASSWORD not in told


@pytest.mark.parametrize(
    ("path", "auth", "user", "url", "password"),
    [
        (f"{G}/shop/publishxml", (USER, PASSWORD), "$Shop", "s:443", DEPLOY),
        (f"{G}/Shop/PublishXml", (USER, PASSWORD), "$Shop", "s:443", DEPLOY),
        (f"{G}/shop/slots/production/publishxml", (USER, PASSWORD), "$Shop", "s:443", DEPLOY),
        (f"{G}/blog/publishxml", ("b", "owns"), "$blog", "blog.scm.example.com:443", "of blog"),
        (
            f"{G}/shop/slots/staging/publishxml",
            ("$shop-staging", "owns"),
            "$shop-staging",
            "staging.example.org:443",
            "of shop-staging",
        ),
    ],
)
async def test_the_same_by_arm(one: Shim, path: str, auth: tuple[str, str], user: str, url: str, password: str) -> None:
    async with one.client(auth=auth) as client:
        for body in (None, {}, {"format": "WebDeploy"}, {"format": None, "includeDisasterRecoveryEndpoints": True}):
            answer = await client.post(path, params=VERSION, json=body)
            assert (answer.status_code, answer.headers["content-type"]) == (200, "application/xml")
        first = profiles(answer.text)[0]
        assert (first["userName"], first["publishUrl"], first["userPWD"]) == (user, url, password)
        chosen = await client.post(path, params=VERSION | {"host": first["publishUrl"]})
        assert profiles(chosen.text)[0]["publishUrl"] == url


async def test_what_there_is_not_by_arm(one: Shim) -> None:
    async with one.client() as client:
        bodies: list[Any] = [{"format": "Ftp"}, [], "x", {"format": 1}]
        for body in bodies:
            answer = await client.post(f"{G}/shop/publishxml", json=body)
            assert (answer.status_code, answer.json()["error"]["code"]) == (400, "BadRequest")
        assert (await client.post(f"{G}/shop/publishxml", content=b"x" * 20000)).status_code == 413
        assert (await client.post(f"{G}/none/publishxml")).status_code == 404
        assert (await client.get(f"{G}/shop/publishxml")).status_code in (404, 405)
        for path in ("/api/publishxml", "/publishprofile", "/api/PublishProfile"):
            assert (await client.get(path)).status_code == 404


@pytest.mark.parametrize("content", [b"", b" ", b"{}", b'{"format": "webdeploy"}', b'{"format": null}', b'{"x": 1}'])
def test_formats(content: bytes) -> None:
    check_format(content)


@pytest.mark.parametrize("content", [b"{", b"[]", b"null", b'{"format": "FileZilla3"}', b'{"format": ["WebDeploy"]}'])
def test_other_formats(content: bytes) -> None:
    with pytest.raises(BadRequest):
        check_format(content)
