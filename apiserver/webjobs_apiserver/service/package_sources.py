"""Zips that the shim fetches itself: a client names an address (``packageUri``) in place of sending the zip.

Only hosts that an administrator lists are asked, by HTTPS, at addresses of the Internet. Addresses of the cluster or of
a private network have to be listed by network as well; those may be asked in clear. An address can hold a password (the
signature of a storage account), so no part of it but the host is ever told.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import aiohttp
from yarl import URL

from webjobs_apiserver.errors import BadRequest
from webjobs_apiserver.http.destinations import Address, Destinations, connector, is_public, parsed

VALUE = "apiserver.packageUri.allow"
"""Value of the chart that lists the hosts."""
REDIRECTS = 5
"""Most redirects that are followed: the storage behind a release page is another host."""
_TIMEOUT = aiohttp.ClientTimeout(total=600, sock_connect=10, sock_read=30)
_PIECE_BYTES = 2**18
_MOVED = (301, 302, 303, 307, 308)


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """A zip that is on its way."""

    content: AsyncIterator[bytes]
    """Pieces of the zip. Raises BadRequest when they stop coming."""
    size: int | None
    """Bytes of the zip, as its host says; None: it does not say."""


class PackageSources:
    """The hosts from which zips are fetched. ``allowed``: by the administrator."""

    def __init__(self, allowed: Destinations) -> None:
        self._allowed = allowed

    @asynccontextmanager
    async def fetched(self, address: str) -> AsyncIterator[Fetched]:
        """Give the zip at an address. Raises BadRequest, whose text names the host at most."""
        async with AsyncExitStack() as stack:
            response = await self._answer(address, stack)
            yield Fetched(content=_pieces(response), size=response.content_length)

    async def _answer(self, address: str, stack: AsyncExitStack) -> aiohttp.ClientResponse:
        """Return the answer with the zip; ``stack`` closes what it needs."""
        host = ""
        try:
            url = URL(address)
            for _ in range(REDIRECTS + 1):
                self._check(url)
                host = url.host or ""
                session = await stack.enter_async_context(
                    aiohttp.ClientSession(
                        timeout=_TIMEOUT, cookie_jar=aiohttp.DummyCookieJar(), connector=self._connector(url)
                    )
                )
                response = await stack.enter_async_context(session.get(url, allow_redirects=False))
                if response.status == 200:
                    return response
                if response.status not in _MOVED or "Location" not in response.headers:
                    raise BadRequest(f"packageUri: {host} answers {response.status}.")
                url = url.join(URL(response.headers["Location"]))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise _failed(host, error) from None
        raise BadRequest(f"packageUri: {host} redirects more than {REDIRECTS} times.")

    def _connector(self, url: URL) -> aiohttp.BaseConnector:
        clear = url.scheme == "http"
        return connector(lambda _, address: permits(self._allowed, address, clear=clear))

    def _check(self, url: URL) -> None:
        """Raise BadRequest for an address that is not to be asked, as far as it tells by itself."""
        host = url.host or ""
        if url.scheme not in ("https", "http") or not host:
            raise BadRequest("packageUri: send an address with https.")
        at = parsed(host)
        if not (self._allowed.names(host) or (at is not None and self._allowed.opens(at))):
            raise BadRequest(f"packageUri: zips are not fetched from {host}: it is not in {VALUE} of the chart.")
        if at is not None and not permits(self._allowed, at, clear=url.scheme == "http"):
            raise BadRequest(_refused(host))


def permits(allowed: Destinations, address: Address, *, clear: bool) -> bool:
    """Return whether an address of a listed host may be asked. ``clear``: without TLS. Pure."""
    return allowed.opens(address) or (is_public(address) and not clear)


def _refused(host: str) -> str:
    return (
        f"packageUri: {host} has no address that may be asked. Those of private networks have to be in {VALUE} of the "
        "chart, too, and others have to be asked by https."
    )


def _failed(host: str, error: Exception) -> BadRequest:
    """Return the error of a request that failed; the words of an exception can hold the address."""
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return BadRequest(_refused(host))
    return BadRequest(f"packageUri: {host or 'the address'} can't be read ({type(error).__name__}).")


async def _pieces(response: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    try:
        async for piece in response.content.iter_chunked(_PIECE_BYTES):
            yield piece
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise _failed(response.url.host or "", error) from None
