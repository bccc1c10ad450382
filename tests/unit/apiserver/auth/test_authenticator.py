"""Who gets in."""

from __future__ import annotations

import base64
import os
from typing import Any

import httpx
import pytest

from tests.fakes.shim import PASSWORD, USER, Shim

PATHS = ["/", "/nope", "/api/webjobs", "/api/triggeredwebjobs/x", "/vfs/data", "/internal", "/internal/x", "/healthz/"]


def _basic(text: str | bytes) -> str:
    return "Basic " + base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "POST", "OPTIONS", "NONSENSE"])
async def test_nothing_without_a_password(one: Shim, path: str, method: str) -> None:
    async with one.client(auth=None) as client:
        answer = await client.request(method, path)
    assert (answer.status_code, answer.content) == (401, b"")
    assert answer.headers["www-authenticate"] == 'Basic realm="site"'
    assert answer.headers["content-length"] == "0"
    assert not one.kube.calls


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic",
        "Basic ",
        "Basic !!!",
        "Basic " + "A" * 7,
        _basic(USER),
        _basic(f"{USER}:"),
        _basic(f":{PASSWORD}"),
        _basic(f"{USER}:{PASSWORD} "),
        _basic(f"{USER}x:{PASSWORD}"),
        _basic(f"{USER}:{PASSWORD}x"),
        _basic(f"{USER}:{PASSWORD[:-1]}"),
        _basic(f"{USER.upper()}:{PASSWORD}"),
        _basic(f"{USER}:{PASSWORD}".encode("latin-1")),
        _basic(b"\xff\xfe:\xff"),
        _basic(f"{USER}:{PASSWORD}").replace("Basic", "Bearer"),
        "Bearer token",
        _basic(f"{USER}\n:{PASSWORD}"),
    ],
)
async def test_wrong_credentials(one: Shim, header: str) -> None:
    one.kube.tokens |= {"token": "system:serviceaccount:site:default"}
    async with one.client(auth=None) as client:
        answer = await client.get("/api/webjobs", headers={"Authorization": header})
    assert answer.status_code == 401


async def test_right_credentials(one: Shim) -> None:
    async with one.client(auth=None) as client:
        for scheme in ("Basic", "basic", "BASIC"):
            header = _basic(f"{USER}:{PASSWORD}").replace("Basic", scheme)
            assert (await client.get("/api/webjobs", headers={"Authorization": header})).status_code == 200
        twice = httpx.Headers([("Authorization", header), ("Authorization", header)])
        assert (await client.get("/api/webjobs", headers=twice)).status_code == 401


async def test_rotation_without_a_restart(one: Shim) -> None:
    async with one.client() as old, one.client(auth=(USER, "new")) as new:
        assert (await old.get("/api/webjobs")).status_code == 200
        swapped = one.directory / "password.new"
        swapped.write_text("new\n")
        os.replace(swapped, one.directory / "password")
        assert (await old.get("/api/webjobs")).status_code == 401
        assert (await new.get("/api/webjobs")).status_code == 200


@pytest.mark.parametrize("file", ["username", "password"])
@pytest.mark.parametrize("content", [None, "", "\n"])
async def test_without_credentials_nobody_gets_in(one: Shim, file: str, content: str | None) -> None:
    path = one.directory / file
    if content is None:
        path.unlink()
    else:
        path.write_text(content)
    user, password = (USER, "") if file == "password" else ("", PASSWORD)
    async with one.app.router.lifespan_context(one.app), one.client(auth=(user, password)) as client:
        assert (await client.get("/api/webjobs")).status_code == 401
        assert (await client.get("/readyz")).text == "no credentials"
        path.write_text("again")
        assert (await client.get("/readyz")).text != "no credentials"
    async with one.client(
        auth=(USER if file == "password" else "again", "again" if file == "password" else PASSWORD)
    ) as client:
        assert (await client.get("/api/webjobs")).status_code == 200


async def test_health_is_open(one: Shim) -> None:
    async with one.running(), one.client(auth=None) as client:
        for path in ("/healthz", "/readyz"):
            answer = await client.get(path)
            assert (answer.status_code, answer.text) == (200, "ok")


async def test_web_sockets_are_not_served(one: Shim) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    await one.app({"type": "websocket", "path": "/api/webjobs", "headers": []}, receive, send)
    assert not sent
