"""The zip of a request: its body, or what lies at an address that the body names (``packageUri``)."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import Request

from webjobs.objects import Object
from webjobs_apiserver.errors import BadRequest
from webjobs_apiserver.kudu.jobs import Facade, announced_size, media_type, object_of, read_body
from webjobs_apiserver.service.service import Service

_MOST_BYTES = 2**16
_NO_URI = 'Send the zip itself, or {"packageUri": "https://..."} as application/json.'


@dataclass(frozen=True, kw_only=True)
class ZipBody:
    """A zip that is about to be read."""

    content: AsyncIterable[bytes]
    """Pieces of the zip."""
    size: int | None
    """Bytes of the zip; None: not known before its end."""


@asynccontextmanager
async def zip_of(facade: Facade, request: Request) -> AsyncIterator[ZipBody]:
    """Give the zip of a request. Raises BadRequest for an address that can't be read, or may not be."""
    if media_type(request) != "application/json":
        yield ZipBody(content=request.stream(), size=announced_size(request))
        return
    sent = object_of(await read_body(request, limit=_MOST_BYTES, what="The body has"), otherwise=_NO_URI)
    async with fetched(facade.service, sent) as body:
        yield body


@asynccontextmanager
async def fetched(service: Service, sent: Object) -> AsyncIterator[ZipBody]:
    """Give the zip at the address that an object names. Raises BadRequest."""
    address = sent.get("packageUri")
    if not isinstance(address, str) or not address.strip():
        raise BadRequest(_NO_URI)
    async with service.package_sources.fetched(address.strip()) as found:
        yield ZipBody(content=found.content, size=found.size)
