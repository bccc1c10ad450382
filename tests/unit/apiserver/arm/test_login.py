"""Logging in with the Azure CLI: what it asks before and after, over the shim in memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.objects import webjob_body
from tests.fakes.shim import PASSWORD, USER, Shim, shim
from webjobs_apiserver.arm.login import NO_ID

LOGIN = "/adfs/oauth2/token"
JOBS = f"/subscriptions/{NO_ID}/resourceGroups/any/providers/Microsoft.Web/sites/site/triggeredwebjobs"
GOOD = {"grant_type": "client_credentials", "client_id": USER, "client_secret": PASSWORD, "scope": "https://s/.default"}
READER = {"client_id": "looks", "client_secret": "reads"}


@pytest.fixture
def one() -> Iterator[Shim]:
    with shim() as made:
        (made.directory / "readonlyUsername").write_text("looks")
        (made.directory / "readonlyPassword").write_text("reads")
        made.kube.add(webjob_body(name="job"))
        yield made


async def login(one: Shim, **form: str) -> dict[str, str]:
    """Headers of who has logged in."""
    async with one.client(auth=None) as client:
        answer = await client.post(LOGIN, data=GOOD | form)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    body = answer.json()
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 12 * 3600)
    return {"Authorization": f"Bearer {body['access_token']}"}


async def test_addresses_are_those_of_the_host(one: Shim) -> None:
    async with one.client(auth=None, host="Shop.example.com") as client:
        cloud = (await client.get("/metadata/endpoints", params={"api-version": "2022-09-01"})).json()
        found = (await client.get("/adfs/.well-known/openid-configuration")).json()
    assert cloud["resourceManager"] == "https://shop.example.com"
    assert cloud["authentication"]["loginEndpoint"] == found["issuer"] == "https://shop.example.com/adfs"
    assert found["token_endpoint"] == f"https://shop.example.com{LOGIN}"


async def test_a_token_does_what_its_account_may(one: Shim) -> None:
    owner, reader = await login(one), await login(one, **READER)
    async with one.running(), one.client(auth=None) as client:
        for headers in (owner, reader):
            listed = await client.get("/subscriptions", params={"api-version": "2022-12-01"}, headers=headers)
            assert [entry["subscriptionId"] for entry in listed.json()["value"]] == [NO_ID]
            assert (await client.get("/Subscriptions/", headers=headers)).json() == listed.json()
            own = await client.get(f"/subscriptions/{NO_ID}", headers=headers)
            assert own.json() == listed.json()["value"][0]
            assert (await client.get("/subscriptions/mine/", headers=headers)).json()["subscriptionId"] == "mine"
            assert [job["name"] for job in (await client.get(JOBS, headers=headers)).json()["value"]] == ["site/job"]
        assert (await client.delete(f"{JOBS}/job", headers=reader)).status_code == 401
        assert one.kube.of_kind("WebJob")
        assert (await client.delete(f"{JOBS}/job", headers=owner)).status_code == 200
        assert (await client.get("/api/triggeredwebjobs", headers=owner)).json() == []


@pytest.mark.parametrize("path", ["/subscriptions/1/resourceGroups", "/subscriptions//"])
async def test_there_is_nothing_else_in_a_subscription(one: Shim, path: str) -> None:
    headers = await login(one)
    async with one.client(auth=None) as client:
        assert (await client.get(path)).status_code == 401
        answer = await client.get(path, headers=headers)
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "ResourceNotFound")


async def test_a_token_ends_with_its_time_and_its_password(one: Shim) -> None:
    headers = await login(one)

    async def status() -> int:
        async with one.client(auth=None) as client:
            return (await client.get("/subscriptions", headers=headers)).status_code

    assert await status() == 200
    one.pass_time(hours=11, minutes=59)
    assert await status() == 200
    one.pass_time(minutes=1)
    assert await status() == 401
    headers = await login(one)
    (one.directory / "password").write_text("another")
    assert await status() == 401


async def test_a_token_that_is_changed_is_none(one: Shim) -> None:
    headers = await login(one)
    text = headers["Authorization"]
    async with one.client(auth=None) as client:
        for changed in (text[:-1], text.replace("owner", "reader"), text.replace(".", ".9", 2), "Bearer webjobs."):
            answer = await client.get("/subscriptions", headers={"Authorization": changed})
            assert answer.status_code == 401
        assert (await client.get("/subscriptions", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({"client_secret": "wrong"}, (401, "invalid_client")),
        ({"client_id": "nobody"}, (401, "invalid_client")),
        ({"client_secret": ""}, (400, "invalid_request")),
        ({"client_id": ""}, (400, "invalid_request")),
        ({"client_id": ["a", "b"]}, (400, "invalid_request")),
        ({"grant_type": "password"}, (400, "unsupported_grant_type")),
        ({"grant_type": ""}, (400, "unsupported_grant_type")),
        ({"client_secret": "x" * 20000}, (400, "invalid_request")),
    ],
)
async def test_bad_logins(one: Shim, form: dict[str, Any], expected: tuple[int, str], caplog: Any) -> None:
    async with one.client(auth=None) as client:
        answer = await client.post(LOGIN, data=GOOD | form)
    assert (answer.status_code, answer.json()["error"]) == expected
    assert PASSWORD not in answer.text + caplog.text


async def test_guessing_is_slowed_down(one: Shim) -> None:
    async with one.client(auth=None) as client:
        for _ in range(50):
            answer = await client.post(LOGIN, data=GOOD | {"client_secret": "wrong"})
            if answer.status_code == 429:
                break
    assert (answer.status_code, answer.json()["error"]) == (429, "temporarily_unavailable")
    assert int(answer.headers["retry-after"]) > 0
