"""Packages and logs in an object store (a local folder, S3, Azure Blob, GCS, memory; by URL).

Every key begins with the namespace of its job: what one namespace stored can't be reached, nor its presence be guessed,
through another.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, cast

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, MemoryStore, ObjectStore, from_url

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

__all__ = ["FAILURES", "UMASK", "ObjectStore", "open_store", "read_stream"]

FAILURES = (BaseError, OSError)
"""What functions of a store raise when the store fails, beside FileNotFoundError where nothing is stored."""

UMASK = 0o007
"""The umask of a process with a store in a folder: a process with another user id and the same group can go on with the
files."""
SILENCE_SECONDS = 20.0
"""Seconds after which a silent store over the network has failed; no request waits longer for it."""
_CONNECT_SECONDS = 5.0
_PIECE_BYTES = 2**18
"""Bytes of each piece that is read; obstore's own pieces have 10 MiB, and several of them are on their way to each
client."""
_WHOLE_SECONDS = 600.0
"""Seconds for one answer with its whole content: large files over slow lines take their time."""
_RETRIES = 2
_PREFIXES: Mapping[str, str] = {"s3": "AWS_", "s3a": "AWS_", "gs": "GOOGLE_"}
"""Prefixes of environment variables by scheme; all other schemes are Azure's."""
_SWITCHES = ("allow_http", "allow_invalid_certificates")
_TEXTS = ("proxy_url", "proxy_ca_certificate", "proxy_excludes", "user_agent")


def open_store(url: str, *, silence: float = SILENCE_SECONDS, environ: Mapping[str, str] = os.environ) -> ObjectStore:
    """Return the store at a URL: ``file:///path`` (made if absent), ``memory:///``, ``s3://bucket/prefix`` ...

    Credentials and endpoints come from the environment. ``silence``: seconds after which a store that does not answer
    has failed; retries fit into about the same time, so an answer or an error comes within twice of it.
    """
    if url.startswith("memory:"):
        return MemoryStore()
    if url.startswith("file://"):
        return LocalStore(url.removeprefix("file://"), mkdir=True, automatic_cleanup=True)
    client = _client_options(url, environ)
    client |= {
        "connect_timeout": timedelta(seconds=min(_CONNECT_SECONDS, silence)),
        "read_timeout": timedelta(seconds=silence),
        "timeout": timedelta(seconds=_WHOLE_SECONDS),
    }
    # obstore's own defaults are ten tries within three minutes: longer than any client of ours waits.
    retry: RetryConfig = {"max_retries": _RETRIES, "retry_timeout": timedelta(seconds=silence)}
    return from_url(url, client_options=client, retry_config=retry)


def _client_options(url: str, environ: Mapping[str, str]) -> ClientConfig:
    """Return the options of a client from ``AWS_ALLOW_HTTP``, ``AZURE_PROXY_URL`` and the like.

    obstore reads these variables only when it is given no options at all.
    """
    prefix = _PREFIXES.get(url.partition(":")[0], "AZURE_")
    found: dict[str, bool | str] = {}
    for name in (*_SWITCHES, *_TEXTS):
        if value := environ.get(f"{prefix}{name.upper()}"):
            found[name] = value.lower() in ("1", "true", "yes", "on") if name in _SWITCHES else value
    return cast("ClientConfig", found)


async def read_stream(
    store: ObjectStore, key: str, *, span: tuple[int, int] | None = None
) -> tuple[int, AsyncIterator[bytes]] | None:
    """Return the size in bytes of what is stored under a key, and its content in pieces; None when nothing is.

    ``span``: only these bytes of it, from the first up to and without the second; the size is that of the whole.
    """
    try:
        found = await obstore.get_async(store, key, options={"range": span} if span else None)
    except FileNotFoundError:
        return None

    async def pieces() -> AsyncIterator[bytes]:
        async for piece in found.stream(min_chunk_size=_PIECE_BYTES):
            yield bytes(piece)

    return found.meta["size"], pieces()
