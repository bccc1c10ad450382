"""Deletions: of exactly the object that is meant, and noted at once."""

from __future__ import annotations

import logging

from webjobs.model import Metadata
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import NotFound
from webjobs_operator.cache import Cache, Key

log = logging.getLogger(__name__)


async def remove(kube: KubeClient, cache: Cache, kind: str, metadata: Metadata, *, owner: Key) -> None:
    """Deletes exactly this object (by UID), what it owns after it; fine when it is gone. ``owner``: its WebJob."""
    try:
        await kube.delete(kind, metadata.namespace, metadata.name, uid=metadata.uid)
    except NotFound:
        log.debug("%s %s/%s is gone already", kind, metadata.namespace, metadata.name)
    cache.mark_deleting(kind, metadata.namespace, metadata.name, owner=owner)
