"""Requests to web hooks: one POST to an address that a site's owner chose."""

from __future__ import annotations

from http import HTTPStatus

import aiohttp
from yarl import URL

from webjobs_apiserver.http.destinations import FORBIDDEN, Destinations, parsed

TIMEOUT_SECONDS = 10
"""Seconds for which an answer is waited for (docs/kudu-contract.md, section 1.5)."""


class NotDelivered(Exception):
    """A request without an answer; the message names no part of the address, which can hold a password."""


async def post(url: str, body: bytes, *, insecure: bool, destinations: Destinations) -> tuple[int, str]:
    """Send a body to an address; return status and reason of the answer.

    The reason is the receiver's own for a receiver that the settings allow, else the usual one of the status. Of the
    answer nothing else is read. ``insecure``: any certificate will do. Redirects are not followed. Raises NotDelivered.
    """
    timeout = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
    try:
        # The same reading of the address that the request goes by.
        target = URL(url)
        host = target.host or ""
        if destinations.refuses(host):
            raise NotDelivered(f"The host has {FORBIDDEN}.")
        async with (
            aiohttp.ClientSession(
                timeout=timeout, cookie_jar=aiohttp.DummyCookieJar(), connector=destinations.connector()
            ) as session,
            session.post(
                target,
                data=body,
                headers={"Content-Type": "application/json"},
                ssl=not insecure,
                allow_redirects=False,
            ) as response,
        ):
            return response.status, _reason(response, host, destinations)
    except aiohttp.ClientConnectorDNSError:
        raise NotDelivered(f"The host has {FORBIDDEN}.") from None
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise NotDelivered(type(error).__name__) from None


def _reason(response: aiohttp.ClientResponse, host: str, destinations: Destinations) -> str:
    address = parsed(host)
    if destinations.names(host) or (address is not None and destinations.opens(address)):
        return response.reason or ""
    try:
        return HTTPStatus(response.status).phrase
    except ValueError:
        return ""
