"""A visitor of the dashboard without a browser: follows forms, and reads pages."""

from __future__ import annotations

import re
from dataclasses import dataclass

import httpx

from tests.fakes.shim import PASSWORD, USER, Shim


@dataclass
class Browser:
    """A client that keeps cookies, as a browser does; links and forms are for its callers."""

    client: httpx.AsyncClient

    async def log_in(self, username: str = USER, password: str = PASSWORD) -> httpx.Response:
        """Send the form of the login page."""
        return await self.client.post("/ui/login", data={"username": username, "password": password})

    async def token(self) -> str:
        """Token of the session, as a page has it."""
        return csrf_in((await self.client.get("/ui/jobs")).text)

    async def send(self, path: str, **fields: str) -> httpx.Response:
        """Send a form of ours."""
        return await self.client.post(path, data={"csrf": await self.token(), **fields})


def browser(one: Shim, *, host: str = "s", address: str = "127.0.0.1") -> Browser:
    """A browser that has not logged in."""
    return Browser(one.client(auth=None, host=host, address=address))


def csrf_in(page: str) -> str:
    """The token in the forms of a page."""
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', page)
    assert found, page
    return found[1]
