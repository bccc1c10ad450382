"""The package endpoint for pods: a manifest by its digest, the blobs that it lists, and its small files in one answer.

A pod shows a service-account token made for the shim; it may have the packages of its own namespace and learns nothing
about others. Basic credentials don't count here, nor these tokens anywhere else.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from cachetools import LRUCache
from fastapi import APIRouter, Request
from starlette.responses import Response, StreamingResponse

from webjobs.store import ObjectStore, packages, read_stream
from webjobs.store.packages import File, PackageError
from webjobs_apiserver.auth.authenticator import CROWDED, address_of, note_admitted
from webjobs_apiserver.auth.headers import Bearer, shown
from webjobs_apiserver.auth.throttle import Key, Throttle, TooMany, Tries
from webjobs_apiserver.auth.tokens import Tokens
from webjobs_apiserver.http import caller

SMALL_BYTES = 2**18
"""Most bytes of a file that goes with others in one answer (``webjobs_pod.fetch`` has the same number)."""
_AT_ONCE = 16
"""Small files that are read from the store at once: an object store takes its time for each."""
_PACKAGES = 16
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class _Package:
    """A package that is remembered; content-addressed, so that it is never out of date."""

    manifest: bytes
    blobs: frozenset[str]
    small: tuple[File, ...]
    """Files of at most SMALL_BYTES, in the order of their paths."""


class PackageEndpoint:
    """The answers of the package endpoint."""

    def __init__(self, store: ObjectStore, *, tokens: Tokens, throttle: Throttle) -> None:
        self._store = store
        self._tokens = tokens
        self._throttle = throttle
        self._packages: LRUCache[tuple[str, str], _Package] = LRUCache(_PACKAGES)

    async def refusal(self, request: Request, namespace: str) -> Response | None:
        """Return the answer to a request that may not have the packages of a namespace; None when it may."""
        challenge = {"WWW-Authenticate": "Bearer"}
        given = shown(request.headers)
        if not isinstance(given, Bearer):
            return Response(status_code=401, headers=challenge)
        key = Key(namespace="", kind="package", address=address_of(request.scope))
        try:
            found = await self._tokens.namespace_of(given.token, Tries(throttle=self._throttle, keys=[key]))
        except TooMany as error:
            return Response(status_code=429, headers={"Retry-After": str(error.seconds)})
        if found is None:
            return Response(status_code=401, headers=challenge)
        if found != namespace:
            return Response(status_code=403)
        caller.note(request.scope, f"pod:{found}")
        return None if note_admitted(request.scope) else Response(CROWDED, status_code=503, media_type="text/plain")

    async def _package(self, namespace: str, digest: str) -> _Package | None:
        key = (namespace, digest)
        if not _DIGEST.fullmatch(digest):
            return None
        package = self._packages.get(key)
        if package is None:
            try:
                manifest = await asyncio.to_thread(
                    packages.read_manifest, self._store, namespace=namespace, digest=digest
                )
            except PackageError:
                return None
            package = self._packages[key] = _Package(
                manifest=manifest.to_json(),
                blobs=frozenset(file.sha256 for file in manifest.files.values()),
                small=tuple(file for _, file in sorted(manifest.files.items()) if file.size <= SMALL_BYTES),
            )
        return package

    async def manifest(self, namespace: str, digest: str) -> Response:
        """Return the manifest in its canonical form, of which the digest is made."""
        package = await self._package(namespace, digest)
        if package is None:
            return Response(status_code=404)
        return Response(package.manifest, media_type="application/json")

    async def small(self, namespace: str, digest: str) -> Response:
        """Return the bytes of all small files one after the other, in the order of their paths.

        A file that can't be read breaks the answer off: it is shorter than it says.
        """
        package = await self._package(namespace, digest)
        if package is None:
            return Response(status_code=404)
        size = sum(file.size for file in package.small)
        headers = {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
        return StreamingResponse(self._contents(namespace, package.small), headers=headers)

    async def _contents(self, namespace: str, files: Sequence[File]) -> AsyncIterator[bytes]:
        async def read(file: File) -> bytes:
            pieces = await packages.open_file(self._store, namespace=namespace, file=file)
            return b"".join([piece async for piece in pieces])

        for begin in range(0, len(files), _AT_ONCE):
            yield b"".join(await asyncio.gather(*map(read, files[begin : begin + _AT_ONCE])))

    async def blob(self, namespace: str, digest: str, blob: str) -> Response:
        """Return the bytes of a file, when the manifest lists it."""
        package = await self._package(namespace, digest)
        if package is None or blob not in package.blobs:
            return Response(status_code=404)
        found = await read_stream(self._store, packages.blob_key(namespace=namespace, digest=blob))
        if found is None:
            return Response(status_code=404)
        size, content = found
        headers = {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
        return StreamingResponse(content, headers=headers)


def router(endpoint: PackageEndpoint) -> APIRouter:
    """Return the routes of packages.

    Any other path below them asks for a token too before it is not found.
    """
    routes = APIRouter(prefix="/internal/packages")

    @routes.get("/{namespace}/{digest}")
    async def manifest(request: Request, namespace: str, digest: str) -> Response:
        return await endpoint.refusal(request, namespace) or await endpoint.manifest(namespace, digest)

    @routes.get("/{namespace}/{digest}/small")
    async def small(request: Request, namespace: str, digest: str) -> Response:
        return await endpoint.refusal(request, namespace) or await endpoint.small(namespace, digest)

    @routes.get("/{namespace}/{digest}/blobs/{blob}")
    async def blob(request: Request, namespace: str, digest: str, blob: str) -> Response:
        return await endpoint.refusal(request, namespace) or await endpoint.blob(namespace, digest, blob)

    @routes.api_route("/{rest:path}", methods=["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE"])
    async def unknown(request: Request, rest: str) -> Response:
        return await endpoint.refusal(request, rest.partition("/")[0]) or Response(status_code=404)

    return routes
