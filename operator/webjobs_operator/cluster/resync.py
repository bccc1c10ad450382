"""The safety net under the watches: now and then everything is listed and compared with the cache.

A watch that reconnects does not tell of what was deleted meanwhile, and a watch can go silent. Either way the cache
would be wrong for good; with the comparison it is wrong for one period at most. Only reads; a WebJob is due only if
something of it differs.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from webjobs.objects import Object
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import ApiError
from webjobs_operator.cluster.cache import Cache, Key, fields_of, selector_of

log = logging.getLogger(__name__)

PERIOD_SECONDS = 300.0
"""Seconds from one comparison to the next."""


async def run(
    *, kube: KubeClient, cache: Cache, kinds: Sequence[str], namespaces: Sequence[str], add: Callable[[Key], None]
) -> None:
    """Compare until cancelled.

    ``namespaces``: all when empty; ``add`` makes a WebJob due.
    """
    while True:
        await asyncio.sleep(PERIOD_SECONDS)
        for kind in kinds:
            try:
                await compare(kube=kube, cache=cache, kind=kind, namespaces=namespaces, add=add)
            except ApiError as error:
                log.warning("listing of %s for comparison failed: %s", kind, error)


async def compare(
    *, kube: KubeClient, cache: Cache, kind: str, namespaces: Sequence[str], add: Callable[[Key], None]
) -> None:
    """Compare the objects of one kind with the cache, which takes over the differences.

    An object that was known before and is missing in the list is gone; one that is newer in the list is taken over.
    """
    before = cache.known(kind)
    scopes: list[str | None] = [*namespaces] or [None]
    listed: list[Object] = []
    versions: dict[str | None, str] = {}
    for scope in scopes:
        items, versions[scope] = await kube.list_at(kind, scope, selector=selector_of(kind), fields=fields_of(kind))
        listed += items
    there = {body["metadata"]["uid"] for body in listed}
    for uid in before.keys() - there:
        body = cache.known(kind).get(uid)
        version = versions.get(None) or versions[before[uid]["metadata"]["namespace"]]
        if body is None or int(body["metadata"]["resourceVersion"]) > int(version):
            continue  # the watch told of its end meanwhile, or of news after the list
        log.info("%s %s was deleted unseen", kind, body["metadata"]["name"])
        # Gone as of the list: an object that only lost its label can come back later.
        as_of = body | {"metadata": body["metadata"] | {"resourceVersion": version}}
        for owner in cache.drop(kind, as_of):
            add(owner)
    for body in listed:
        known = before.get(body["metadata"]["uid"])
        if known is None or known["metadata"]["resourceVersion"] != body["metadata"]["resourceVersion"]:
            for owner in cache.take(kind, body):
                add(owner)
    for owner in cache.listed(kind, version=min(map(int, versions.values()))):
        add(owner)
