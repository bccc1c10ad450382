"""The whole login by OpenID Connect: shim, browser, and an issuer over HTTP."""

from __future__ import annotations

import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from aiohttp import web

from tests.conformance.tls import certificate, served
from tests.fakes.issuer import SECRET, FakeIssuer, public, signed
from tests.fakes.shim import Shim, script, shim
from tests.fakes.visitor import Browser, browser
from webjobs_apiserver.ui.pages.single_sign_on import COOKIE

ANN = "oidc:ann@example.com"
BUTTON = "Log in with single sign-on"


class World:
    """A shim, its issuer and a browser."""

    def __init__(self, one: Shim, issuer: FakeIssuer) -> None:
        self.one, self.issuer, self.ann = one, issuer, browser(one)
        self.may("list", "get")

    def may(self, *verbs: str, resource: str = "webjobs") -> None:
        """Give ann rights."""
        self.one.kube.rights |= {(ANN, "site", verb, resource) for verb in verbs}

    async def begin(self, after: str = "", *, by: Browser | None = None) -> str:
        """Address of the issuer to which the browser is sent."""
        answer = await (by or self.ann).client.get("/ui/login/oidc", params={"next": after} if after else {})
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]

    async def log_in(self, after: str = "") -> httpx.Response:
        """The answer at the end of a login."""
        return await self.ann.client.get(self.issuer.approve(await self.begin(after)))


@asynccontextmanager
async def world(
    *, secret: str | None = SECRET, config: dict[str, Any] | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[World]:
    """One with a secret in a file, unless the client is public."""
    clock: list[Shim] = []
    issuer = FakeIssuer(clock=lambda: clock[0].now, secret=secret)
    with TemporaryDirectory() as directory:
        file = Path(directory) / "clientSecret"
        file.write_text(f"{secret}\n")
        known = {"client_secret_file": file} if secret else {}
        async with issuer.running(tls=tls):
            with shim(settings={"ui": {"oidc": issuer.config(**known, **(config or {}))}}) as one:
                clock.append(one)
                async with one.running():
                    yield World(one, issuer)


@pytest.fixture
async def there() -> AsyncIterator[World]:
    """A world as most are."""
    async with world() as made:
        yield made


def failed(answer: httpx.Response, status: int, why: str) -> None:
    """The login page says why, in a sentence, and there is no session."""
    assert (answer.status_code, why in answer.text) == (status, True), answer.text
    assert BUTTON in answer.text
    assert "webjobs_session" not in answer.headers.get("set-cookie", "")


async def test_a_login(there: World) -> None:
    answer = await there.log_in("/ui/jobs?q=a&state=failed")
    assert answer.status_code == 200
    assert '"0;url=/ui/jobs?q=a&amp;state=failed"' in answer.text
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    page = await there.ann.client.get("/ui/jobs")
    assert (page.status_code, "ann@example.com" in page.text) == (200, True)
    assert there.issuer.asked == ["/.well-known/openid-configuration", "/token", "/keys"]


async def test_the_user_is_asked_for_with_groups(there: World) -> None:
    seen = []

    async def asked(user: dict[str, Any], **_: str) -> bool:
        seen.append(user)
        return True

    there.one.kube.is_allowed = asked  # type: ignore[method-assign]
    await there.log_in()
    assert seen == [{"username": ANN, "groups": ["oidc:ops", "system:authenticated"]}]


async def test_who_may_only_read_sees_no_buttons(there: World) -> None:
    await there.one.client().put("/api/triggeredwebjobs/hello", content=b"echo", headers=script())
    await there.one.caught_up()
    await there.log_in()
    page = (await there.ann.client.get("/ui/jobs")).text
    assert ("hello" in page, "formaction" in page) == (True, False)
    refused = await there.ann.send("/ui/settings", name="A", value="b")
    assert (refused.status_code, "This needs the right to" in refused.text) == (403, True)
    there.may("create", resource="webjobruns")
    assert "formaction" in (await there.ann.client.get("/ui/jobs")).text


async def test_a_session_lasts_an_hour(there: World) -> None:
    await there.log_in()
    there.one.pass_time(minutes=59)
    assert (await there.ann.client.get("/ui/jobs")).status_code == 200
    there.one.pass_time(minutes=1)
    assert (await there.ann.client.get("/ui/jobs")).status_code == 303


async def test_the_cookies(there: World) -> None:
    begun = await there.ann.client.get("/ui/login/oidc")
    cookie = begun.headers["set-cookie"]
    for flag in ("HttpOnly", "Secure", "SameSite=lax", "Path=/ui/login;", "Max-Age=600"):
        assert flag in cookie, flag
    ended = await there.ann.client.get(there.issuer.approve(begun.headers["location"]))
    session, attempt = sorted(ended.headers.get_list("set-cookie"))
    assert "SameSite=strict" in session
    assert (f'{COOKIE}=""' in attempt, "Max-Age=0" in attempt) == (True, True)
    clear = await browser(there.one).client.get("http://s/ui/login/oidc")
    assert "Secure" not in clear.headers["set-cookie"]
    assert "redirect_uri=http%3A%2F%2Fs%2F" in clear.headers["location"]


async def test_the_way_back_is_of_the_host_that_was_asked(there: World) -> None:
    answer = await there.ann.client.get(
        "/ui/login/oidc", headers={"x-forwarded-host": "jobs.example:8443", "x-forwarded-proto": "https"}
    )
    asked = parse_qs(urlsplit(answer.headers["location"]).query)
    assert asked["redirect_uri"] == ["https://jobs.example:8443/ui/login/oidc/callback"]


async def test_only_pages_of_ours_come_after_it(there: World) -> None:
    assert '"0;url=/ui/"' in (await there.log_in("https://evil.example/")).text
    secret = "a" * 43
    there.ann.client.cookies.set(COOKIE, f"{secret}.99999999999.Ly9ldmlsLmV4YW1wbGU", path="/ui/login")
    assert "evil" not in (await there.ann.client.get("/ui/login/oidc/callback?state=x")).text


async def test_no_button_when_it_is_not_set_up(there: World) -> None:
    assert BUTTON in (await there.ann.client.get("/ui/login?next=/ui/jobs")).text
    with shim() as without:
        bare = browser(without)
        assert BUTTON not in (await bare.client.get("/ui/login")).text
        for path in ("/ui/login/oidc", "/ui/login/oidc/callback"):
            assert (await bare.client.get(path)).status_code == 404


async def test_another_browser_can_not_end_it(there: World) -> None:
    back = there.issuer.approve(await there.begin())
    failed(await browser(there.one).client.get(back), 400, "not begun in this browser")
    other = browser(there.one)
    await there.begin(by=other)
    failed(await other.client.get(back), 400, "not begun in this browser")
    assert "/token" not in there.issuer.asked


@pytest.mark.parametrize("query", ["", "code=x", "state=&code=x", "state=%FF&code=x"])
async def test_a_wrong_state(there: World, query: str) -> None:
    await there.begin()
    failed(await there.ann.client.get(f"/ui/login/oidc/callback?{query}"), 400, "not begun in this browser")


async def test_an_answer_counts_once(there: World) -> None:
    back = there.issuer.approve(await there.begin())
    cookie = there.ann.client.cookies[COOKIE]
    assert (await there.ann.client.get(back)).status_code == 200
    failed(await there.ann.client.get(back), 400, "not begun in this browser")
    there.ann.client.cookies.set(COOKIE, cookie, path="/ui/login")
    failed(await there.ann.client.get(back), 400, "was used already")


async def test_an_answer_that_comes_late(there: World) -> None:
    back = there.issuer.approve(await there.begin())
    there.one.pass_time(minutes=10)
    failed(await there.ann.client.get(back), 400, "took too long")


@pytest.mark.parametrize(
    ("query", "status", "why"),
    [
        ("error=access_denied&error_description=SECRET", 403, "you did not agree"),
        ("error=server_error", 403, "the error server_error"),
        ("error=<script>", 403, "the error unknown"),
        ("code=x&iss=https://other.example", 400, "another issuer"),
        ("", 400, "has no code"),
    ],
)
async def test_answers_without_a_code(
    there: World, caplog: pytest.LogCaptureFixture, query: str, status: int, why: str
) -> None:
    state = parse_qs(urlsplit(await there.begin()).query)["state"][0]
    answer = await there.ann.client.get(f"/ui/login/oidc/callback?state={state}&{query}")
    failed(answer, status, why)
    assert "SECRET" not in answer.text + caplog.text
    assert "<script>" not in answer.text


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"nonce": "other"}, "another login"),
        ({"aud": "other"}, "another application"),
        ({"iss": "https://other.example"}, "another issuer"),
        ({"exp": 1}, "expired"),
        ({"email": None}, "no claim email"),
        ({"email_verified": False}, "not verified"),
        ({"groups": [f"group-{number}" for number in range(400)]}, "too many groups"),
    ],
)
async def test_tokens_that_do_not_count(there: World, claims: dict[str, Any], why: str) -> None:
    there.issuer.claims |= claims
    failed(await there.log_in(), 403, why)


async def test_who_has_no_rights(there: World) -> None:
    there.one.kube.rights.clear()
    answer = await there.log_in()
    failed(answer, 403, "list webjobs.webjobs.dev")
    assert f"You are {ANN} here." in answer.text


async def test_a_public_client() -> None:
    async with world(secret=None) as there:
        assert (await there.log_in()).status_code == 200


async def test_a_secret_in_the_form(there: World) -> None:
    there.issuer.document["token_endpoint_auth_methods_supported"] = ["client_secret_post"]
    assert (await there.log_in()).status_code == 200


async def test_a_new_secret_counts_at_once(there: World, caplog: pytest.LogCaptureFixture) -> None:
    config = there.one.config.ui.oidc
    assert config
    file = config.client_secret_file
    assert file
    file.write_text("wr0ng")
    failed(await there.log_in(), 503, "refuses the dashboard")
    assert "invalid_client" in caplog.text
    file.write_text(SECRET)
    assert (await there.log_in()).status_code == 200
    file.unlink()
    failed(await there.log_in(), 503, "the client secret is missing")
    for secret in ("wr0ng", SECRET):
        assert secret not in caplog.text


async def test_a_new_key(there: World) -> None:
    """It is asked for when a token has it, and not all the time."""
    await there.log_in()
    there.issuer.keys = [public("two")]
    there.issuer.sign = lambda claims: signed(claims, by="two")
    failed(await there.log_in(), 403, "a key that is not among those")
    there.one.pass_time(seconds=10)
    assert (await there.log_in()).status_code == 200
    there.issuer.sign = signed
    for _ in range(3):
        failed(await there.log_in(), 403, "a key that is not among those")
    assert there.issuer.asked.count("/keys") == 2


async def test_keys_and_document_get_old(there: World) -> None:
    await there.log_in()
    there.one.pass_time(minutes=9)
    await there.log_in()
    assert there.issuer.asked.count("/keys") == there.issuer.asked.count("/.well-known/openid-configuration") == 1
    there.one.pass_time(minutes=1)
    there.issuer.keys = []
    failed(await there.log_in(), 403, "a key that is not among those")


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 500},
        {"status": 302, "headers": {"Location": "/other"}},
        {"text": "no json"},
        {"text": "[]"},
        {"text": "[" * 100_000},
        {"text": '{"a": "' + "x" * 600_000 + '"}'},
    ],
    ids=["error", "redirect", "text", "list", "deep", "large"],
)
@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/token", "/keys"])
async def test_an_issuer_that_answers_otherwise(there: World, path: str, answer: dict[str, Any]) -> None:
    there.issuer.answers[path] = web.Response(**answer)
    if path.startswith("/."):
        failed(await there.ann.client.get("/ui/login/oidc"), 503, "reached now")
    else:
        failed(await there.log_in(), 503, "reached now")
    assert "/other" not in there.issuer.asked


async def test_an_issuer_that_is_away(caplog: pytest.LogCaptureFixture) -> None:
    """It is asked again after a pause, not by each who wants to log in."""
    async with world() as there:
        there.issuer.answers["/.well-known/openid-configuration"] = web.Response(status=500)
        for _ in range(3):
            failed(await there.ann.client.get("/ui/login/oidc"), 503, "can&#39;t be reached now")
        assert len(there.issuer.asked) == 1
        there.issuer.answers.clear()
        there.one.pass_time(seconds=10)
        assert (await there.log_in()).status_code == 200
    with shim(settings={"ui": {"oidc": {"issuer": there.issuer.url, "client_id": "a"}}}) as one:
        failed(await browser(one).client.get("/ui/login/oidc"), 503, "can&#39;t be reached now")
    assert "ClientConnectorError" in caplog.text


async def test_codes_can_not_be_guessed(there: World) -> None:
    """False ones are counted as wrong passwords are."""
    answers = []
    for _ in range(30):
        state = parse_qs(urlsplit(await there.begin()).query)["state"][0]
        answers.append(await there.ann.client.get(f"/ui/login/oidc/callback?state={state}&code=guess"))
    failed(answers[0], 400, "was used already")
    failed(answers[-1], 429, "Too many wrong credentials")
    assert answers[-1].headers["retry-after"]


async def test_a_host_of_nobody() -> None:
    async with world() as there:
        config = {"domain": "example.com", "ui": {"oidc": there.issuer.config()}}
        with shim(settings=config) as one:
            stranger = browser(one, host="nobody.example.com")
            answer = await stranger.client.get(
                there.issuer.approve((await stranger.client.get("/ui/login/oidc")).headers["location"])
            )
            failed(answer, 401, "no site at this host name")
        assert "/token" not in there.issuer.asked


async def test_nothing_of_it_is_in_a_log(there: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="webjobs_apiserver")
    location = await there.begin()
    back = there.issuer.approve(location)
    cookie = there.ann.client.cookies[COOKIE]
    await there.ann.client.get(back)
    asked = parse_qs(urlsplit(location).query)
    session = there.ann.client.cookies["webjobs_session"]
    ours = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith("webjobs"))
    assert f"user:{ANN}" in ours
    for secret in (SECRET, "code0", asked["state"][0], asked["nonce"][0], cookie.partition(".")[0], session):
        assert secret not in ours


async def test_certificates_of_an_own_authority(tmp_path: Path) -> None:
    """They are believed when a file has them, and an issuer that shows others is not asked for anything."""
    cert, key = certificate(tmp_path, "127.0.0.1")
    tls = served(cert, key)
    async with world(config={"ca_file": cert}, tls=tls) as there:
        assert there.issuer.url.startswith("https://")
        assert (await there.log_in()).status_code == 200
        cert.write_text("none")
        failed(await there.log_in(), 503, "reached now")
    async with world(tls=tls) as there:
        failed(await there.ann.client.get("/ui/login/oidc"), 503, "reached now")
        assert there.issuer.asked == []
