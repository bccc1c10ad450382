"""The watches that feed the caches of all sites, and when a cache may be believed.

A cache that is not full yet, or whose watch has been broken for a while, is not used: the API server is asked instead,
and when it does not answer either, clients get its 503 and no old news.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from webjobs.objects import Object
from webjobs_apiserver.watching.cache import SiteCache
from webjobs_apiserver.watching.changes import Changes
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import ApiError
from webjobs_kube.informer import Informer
from webjobs_kube.tasks import cancelled

_BELIEVED = 15.0
"""Seconds for which a cache is used after its watch broke: a reconnect goes unnoticed, an outage does not."""
_FINAL = (401, 403, 404)
"""Statuses of answers to a list that waiting does not change."""


class Feed:
    """The caches of all namespaces, each with its two watches."""

    def __init__(self, kube: KubeClient, *, namespaces: Iterable[str]) -> None:
        self._caches = {namespace: SiteCache() for namespace in namespaces}
        self._informers = {
            namespace: [
                Informer(kube, kind=kind, namespace=namespace, sink=cache, sleep=asyncio.sleep)
                for kind in ("WebJob", "WebJobRun")
            ]
            for namespace, cache in self._caches.items()
        }

    def known(self, namespace: str) -> SiteCache | None:
        """Return the cache of a namespace; None when it can't be believed now."""
        informers = self._informers.get(namespace, [])
        if informers and all(one.filled and one.age() < _BELIEVED for one in informers):
            return self._caches[namespace]
        return None

    def age(self, namespace: str) -> float:
        """Return the seconds since a watch of a namespace broke; 0 while all stand."""
        return max(one.age() for one in self._informers[namespace])

    def changes(self, namespace: str) -> Changes:
        """Return the changes of the cache of a namespace, be it believed now or not."""
        return self._caches[namespace].changes

    @property
    def ready(self) -> bool:
        """True when every cache has been full once, but for those that never will be: they must not stop the others."""
        return all(one.filled or _is_final(one.last_error) for several in self._informers.values() for one in several)

    def observe(self, body: Object) -> None:
        """Take in the answer to a read or write."""
        if cache := self._caches.get(body["metadata"]["namespace"]):
            cache.observe(body["kind"], body)

    def forget(self, kind: str, namespace: str, *, name: str, uid: str) -> None:
        """Remove an object that the shim itself has deleted."""
        if cache := self._caches.get(namespace):
            cache.forget(kind, {"metadata": {"name": name, "uid": uid}})

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run the watches inside of the context."""
        tasks = [
            asyncio.create_task(one.run(), name="watch") for several in self._informers.values() for one in several
        ]
        try:
            yield
        finally:
            await cancelled(tasks)


def _is_final(error: Exception | None) -> bool:
    return isinstance(error, ApiError) and error.status in _FINAL
