"""Requests to an issuer: bounded in time and size, without redirects, proxies of the environment and cookies."""

from __future__ import annotations

import json
import logging
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp

from webjobs_apiserver.auth.oidc.failure import SignOnFailed

log = logging.getLogger(__name__)

AWAY = "The single sign-on can't be reached now. Try again later, or log in another way."
"""Message when the issuer does not answer, or not as it should."""
_TIMEOUT = aiohttp.ClientTimeout(total=10)
_MOST = 512 * 1024
"""Most bytes of an answer."""


class Caller:
    """Sender of requests. ``ca_file``: certificates that are believed beside those of the system."""

    def __init__(self, ca_file: Path | None) -> None:
        self._ca_file = ca_file

    async def get(self, address: str) -> dict[str, Any]:
        """Return a JSON object. Raises SignOnFailed when there is none."""
        status, found = await self._sent("GET", address)
        if status != 200:
            raise self._failed(address, f"status {status}")
        return found

    async def post(
        self, address: str, fields: Mapping[str, str], *, headers: Mapping[str, str]
    ) -> tuple[int, dict[str, Any]]:
        """Return the status and JSON object that a form is answered with. Raises SignOnFailed when there is none."""
        return await self._sent("POST", address, data=fields, headers=headers)

    async def _sent(self, method: str, address: str, **more: Any) -> tuple[int, dict[str, Any]]:
        try:
            async with (
                aiohttp.ClientSession(
                    timeout=_TIMEOUT,
                    cookie_jar=aiohttp.DummyCookieJar(),
                    connector=aiohttp.TCPConnector(ssl=self._context()),
                ) as session,
                session.request(method, address, allow_redirects=False, **more) as response,
            ):
                content = bytearray()
                async for piece in response.content.iter_any():
                    content += piece
                    if len(content) > _MOST:
                        raise self._failed(address, f"more than {_MOST} bytes")
                found = json.loads(content)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, RecursionError) as error:
            raise self._failed(address, type(error).__name__) from None
        if not isinstance(found, dict):
            raise self._failed(address, "no JSON object")
        return response.status, found

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self._ca_file:
            context.load_verify_locations(self._ca_file)
        return context

    @staticmethod
    def _failed(address: str, why: str) -> SignOnFailed:
        log.warning("%s: %s", address.partition("?")[0], why)
        return SignOnFailed(AWAY, status=503)
