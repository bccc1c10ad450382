"""Who may make and restore backups: the site's own account, and tokens with the rights to all that is shown."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.fakes.shim import Shim, shim
from webjobs_apiserver.auth import rights, roles

READ = {(verb, resource) for resource in ("webjobs", "webjobruns", "webjobschedules") for verb in ("get", "list")}


@pytest.fixture
def one() -> Iterator[Shim]:
    with shim() as made:
        (made.directory / "reader-username").write_text("reader")
        (made.directory / "reader-password").write_text("read")
        yield made


@pytest.mark.parametrize("path", ["/api/backup", "/api/backup/"])
def test_one_right_for_each_kind(path: str) -> None:
    asked = {(need.verb, need.resource) for need in rights.needs("GET", path) if need.group}
    core = {(need.verb, need.resource) for need in rights.needs("GET", path) if not need.group}
    assert (asked, core) == (READ, {("get", "secrets"), ("get", "configmaps")})
    changing = {(need.verb, need.resource, need.group) for need in rights.needs("PUT", path)}
    assert {("update", "secrets", ""), ("create", "webjobruns", "webjobs.dev")} < changing
    assert roles.allowed("GET", path) == {"owner"}


@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_no_backup_for_readers_and_strangers(method: str, one: Shim) -> None:
    async with one.client(auth=None) as client:
        assert (await client.request(method, "/api/backup")).status_code == 401
    async with one.client(auth=("reader", "read")) as client:
        assert (await client.request(method, "/api/backup")).status_code in (401, 403)
    assert not one.kube.writes


@pytest.mark.parametrize(
    "lacks", [None, *sorted({(need.verb, need.resource) for need in rights.needs("GET", "/api/backup")})]
)
async def test_a_token_needs_all_of_them(lacks: Any, one: Shim) -> None:
    one.kube.users["t"] = "jane"
    for need in rights.needs("GET", "/api/backup"):
        if (need.verb, need.resource) != lacks:
            one.kube.rights.add(("jane", "site", need.verb, need.resource))
    async with one.client(auth=None) as client:
        answer = await client.get("/api/backup", headers={"Authorization": "Bearer t"})
    assert answer.status_code == (403 if lacks else 200)
