"""Requests to web hooks: one POST to an address that a site's owner chose."""

from __future__ import annotations

import aiohttp

TIMEOUT_SECONDS = 10
"""Seconds for which an answer is waited for (docs/kudu-contract.md, section 1.5)."""


class NotDelivered(Exception):
    """A request without an answer; the message names no part of the address, which can hold a password."""


async def post(url: str, body: bytes, *, insecure: bool) -> tuple[int, str]:
    """Send a body to an address; return status and reason of the answer.

    ``insecure``: any certificate will do. Redirects are not followed. Raises NotDelivered.
    """
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.post(
                url,
                data=body,
                headers={"Content-Type": "application/json"},
                ssl=not insecure,
                allow_redirects=False,
            ) as response,
        ):
            return response.status, response.reason or ""
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise NotDelivered(type(error).__name__) from None
