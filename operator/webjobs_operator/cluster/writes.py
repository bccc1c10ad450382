"""Writes of exactly the object that is meant, and as it is known; noted at once."""

from __future__ import annotations

import logging
from typing import Any

from webjobs.model import Metadata
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import Conflict, NotFound
from webjobs_operator.cluster.cache import Cache, Key

log = logging.getLogger(__name__)

Object = dict[str, Any]


async def remove(kube: KubeClient, cache: Cache, kind: str, metadata: Metadata, *, owner: Key) -> None:
    """Deletes exactly this object (by UID), what it owns after it; fine when it is gone. ``owner``: its WebJob."""
    try:
        await kube.delete(kind, metadata.namespace, metadata.name, uid=metadata.uid)
    except NotFound:
        log.debug("%s %s/%s is gone already", kind, metadata.namespace, metadata.name)
    cache.mark_deleting(kind, metadata.namespace, metadata.name, owner=owner)


async def change(
    kube: KubeClient,
    cache: Cache,
    kind: str,
    metadata: Metadata,
    patch: dict[str, Any],
    *,
    subresource: str | None = None,
) -> None:
    """A merge patch of an object as it is known. Conflict: it is not; then it is known as it is."""
    namespace, name = metadata.namespace, metadata.name
    known = {"resourceVersion": metadata.resource_version}
    body = patch | {"metadata": patch.get("metadata", {}) | known}
    try:
        answer = await kube.patch(kind, namespace, name, body, subresource=subresource)
    except Conflict:
        cache.observe(kind, await kube.get(kind, namespace, name))
        raise
    cache.observe(kind, answer)
