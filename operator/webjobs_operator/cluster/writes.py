"""Writes of exactly the object that is meant, in the version that is known; the cache learns of them at once."""

from __future__ import annotations

import logging
from typing import Any

from webjobs.model import Metadata
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import Conflict, NotFound
from webjobs_operator.cluster.cache import Cache, Key

log = logging.getLogger(__name__)


async def remove(kube: KubeClient, cache: Cache, kind: str, metadata: Metadata, *, owner: Key) -> None:
    """Delete exactly one object (by UID) and after it what it owns; do nothing when it is gone.

    ``owner``: its WebJob.
    """
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
    """Apply a merge patch to an object in the version that is known.

    Raises Conflict when the object has changed; the cache has the present version then.
    """
    namespace, name = metadata.namespace, metadata.name
    known = {"resourceVersion": metadata.resource_version}
    body = patch | {"metadata": patch.get("metadata", {}) | known}
    try:
        answer = await kube.patch(kind, namespace, name, body, subresource=subresource)
    except Conflict:
        cache.observe(kind, await kube.get(kind, namespace, name))
        raise
    cache.observe(kind, answer)
