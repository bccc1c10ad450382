"""The access log says who called, and no secret; runs say who asked for them."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest

from tests.fakes.objects import run_body, webjob_body
from tests.fakes.shim import PASSWORD, RUN_ID, USER, Shim, shim
from tests.fakes.wire import wire
from webjobs_apiserver.http import caller

LOGIN = "/adfs/oauth2/token"
RUN = "/api/triggeredwebjobs/job/run"
GOOD = {"grant_type": "client_credentials", "client_id": USER, "client_secret": PASSWORD}


@pytest.fixture
def one(caplog: pytest.LogCaptureFixture) -> Iterator[Shim]:
    caplog.set_level("INFO", "webjobs_apiserver.http.access_log")
    with shim(settings={"forwarded_allow_ips": ["10.0.0.0/8"]}) as made:
        made.kube.add(webjob_body(name="job", spec={"image": "x"}))
        made.kube.users["abc.def"] = "system:serviceaccount:site:ci"
        made.kube.rights |= {
            ("system:serviceaccount:site:ci", "site", verb, resource)
            for verb in ("get", "list", "create", "patch", "update")
            for resource in ("webjobs", "webjobruns")
        }
        (made.directory / "readonlyUsername").write_text("looks")
        (made.directory / "readonlyPassword").write_text("reads, and not more")
        yield made


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name.endswith("access_log")]


async def test_who_called(one: Shim, caplog: pytest.LogCaptureFixture) -> None:
    async with one.client() as owner, one.client(auth=None) as nobody:
        await owner.get("/api/webjobs?arguments=secret")
        await nobody.get("/api/webjobs", auth=("looks", "reads, and not more"))
        await nobody.get("/api/webjobs", headers={"Authorization": "Bearer abc.def"})
        token = (await nobody.post(LOGIN, data=GOOD)).json()["access_token"]
        await nobody.get("/api/webjobs", headers={"Authorization": f"Bearer {token}"})
    assert lines(caplog) == [
        '127.0.0.1 account:user "GET /api/webjobs HTTP/1.1" 200',
        '127.0.0.1 account:looks "GET /api/webjobs HTTP/1.1" 200',
        '127.0.0.1 user:system:serviceaccount:site:ci "GET /api/webjobs HTTP/1.1" 200',
        '127.0.0.1 account:user "POST /adfs/oauth2/token HTTP/1.1" 200',
        '127.0.0.1 account:user "GET /api/webjobs HTTP/1.1" 200',
    ]
    for secret in (PASSWORD, "reads", "abc.def", token, "arguments"):
        assert secret not in caplog.text


@pytest.mark.parametrize("auth", [None, (USER, "wrong"), (PASSWORD, USER), ("looks", PASSWORD)])
async def test_a_name_that_was_only_tried_is_not_logged(
    one: Shim, caplog: pytest.LogCaptureFixture, auth: tuple[str, str] | None
) -> None:
    """People type passwords where names go."""
    async with one.client(auth=auth) as client:
        assert (await client.get("/api/webjobs")).status_code == 401
    assert lines(caplog) == ['127.0.0.1 - "GET /api/webjobs HTTP/1.1" 401']


@pytest.mark.parametrize(
    ("address", "said", "logged"),
    [
        ("10.0.0.1", "1.2.3.4", "1.2.3.4"),
        ("10.0.0.1", "9.9.9.9, 1.2.3.4, 10.0.0.2", "1.2.3.4"),
        ("7.7.7.7", "1.2.3.4", "7.7.7.7"),
    ],
)
async def test_trusted_proxies_name_the_client(
    one: Shim, caplog: pytest.LogCaptureFixture, address: str, said: str, logged: str
) -> None:
    async with one.client(address=address) as client:
        await client.get("/api/webjobs", headers={"X-Forwarded-For": said})
    assert lines(caplog) == [f'{logged} account:user "GET /api/webjobs HTTP/1.1" 200']


async def test_probes_are_logged_when_they_fail_only(one: Shim, caplog: pytest.LogCaptureFixture) -> None:
    async with one.client(auth=None) as client:
        await client.get("/healthz")
        (one.directory / "password").unlink()
        await client.get("/readyz")
    assert lines(caplog) == ['127.0.0.1 - "GET /readyz HTTP/1.1" 503']


async def test_on_the_wire_there_is_one_line_a_request(one: Shim, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    login = base64.b64encode(f"{USER}:{PASSWORD}".encode())
    async with wire(one.app, one.config) as server:
        head = b"GET /api/webjobs/%0Ax%22?secret HTTP/1.1\r\nHost: s\r\nConnection: close\r\n"
        await server.ask(head + b"Authorization: Basic " + login + b"\r\n\r\n")
    assert [line for line in caplog.messages if "GET" in line] == [
        '127.0.0.1 account:user "GET /api/webjobs/%0Ax%22 HTTP/1.1" 404'
    ]


async def test_a_bug_is_logged_as_500(one: Shim, caplog: pytest.LogCaptureFixture) -> None:
    one.kube.fail(ZeroDivisionError("bug"), kind="WebJob")
    async with one.client(raising=False) as client:
        assert (await client.get("/api/webjobs")).status_code == 500
    assert lines(caplog) == ['127.0.0.1 account:user "GET /api/webjobs HTTP/1.1" 500']


@pytest.mark.parametrize(
    ("name", "noted"), [("a\nb c", "a?b?c"), ("x" * 300, "x" * 256), ("é:ü", "é:ü"), ("\x7f\x1b[0m", "??[0m")]
)
def test_names_stay_on_their_line(name: str, noted: str) -> None:
    scope = caller.begin({"type": "http"})
    caller.note(scope, name)
    assert caller.of(dict(scope)) == noted
    caller.note(scope2 := {"type": "http"}, name)
    assert caller.of(scope2) == ""


@pytest.mark.parametrize(
    ("header", "by"),
    [
        (base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode(), f"account:{USER}"),
        ("abc.def", "user:system:serviceaccount:site:ci"),
    ],
)
@pytest.mark.parametrize(
    "path",
    [RUN, "/subscriptions/0/resourceGroups/g/providers/Microsoft.Web/sites/site/triggeredwebjobs/job/run", "arm"],
)
async def test_a_run_says_who_asked_for_it(one: Shim, header: str, by: str, path: str) -> None:
    scheme = "Bearer" if header == "abc.def" else "Basic"
    headers = {"Authorization": f"{scheme} {header}"} | ({"x-ms-geo-location": "x"} if path == "arm" else {})
    async with one.client(auth=None) as client:
        answer = await client.post(RUN if path == "arm" else path, headers=headers)
    assert answer.status_code in (200, 202), answer.text
    (run,) = one.kube.of_kind("WebJobRun")
    assert run["metadata"]["annotations"] == {"webjobs.dev/webjob-uid": "uid-job", "webjobs.dev/requested-by": by}


async def test_a_run_says_who_asked_for_its_end(one: Shim) -> None:
    one.kube.add(run_body(f"job-{RUN_ID}", labels={"webjobs.dev/webjob": "job"}, state="Running"))
    async with one.client() as client:
        assert (await client.delete(f"/api/triggeredwebjobs/job/history/{RUN_ID}")).status_code == 200
    (run,) = one.kube.of_kind("WebJobRun")
    assert run["spec"]["cancel"] is True
    assert run["metadata"]["annotations"] == {"webjobs.dev/cancelled-by": f"account:{USER}"}
