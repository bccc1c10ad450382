"""The registry of a site in its ConfigMap: read, and changed by conditional writes."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from typing import TypeVar

from pydantic import ValidationError

from webjobs.objects import Object
from webjobs_apiserver.errors import Unavailable
from webjobs_apiserver.service.made_by_chart import writing
from webjobs_apiserver.service.schedules import manifest
from webjobs_apiserver.service.schedules.registry import Registry
from webjobs_apiserver.sites import Site
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import NotFound
from webjobs_kube.update import update

CONFIG_MAP = "webjobs-kragle"
"""Name of the ConfigMap that holds the registry of a site."""
KEY = "registry.json"
"""Key of the ConfigMap under which the registry stands."""
_TRIES = 20
_LONGEST_PAUSE = 0.1
"""Most seconds before another try: other replicas write, too."""

T = TypeVar("T")


class StoredRegistry:
    """The registries of all sites, read and written. Nothing is remembered from one call to the next."""

    def __init__(self, kube: KubeClient) -> None:
        self._kube = kube
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        """Locks by namespace: requests of this process wait for each other instead of colliding."""

    async def read(self, site: Site) -> Registry:
        """Return the registry of a site as it is now."""
        try:
            there = await self._kube.get("ConfigMap", site.namespace, CONFIG_MAP)
        except NotFound:
            there = None
        return await self._registry(site, there)

    async def change(self, site: Site, edit: Callable[[Registry], T]) -> T:
        """Change the registry of a site by one write; return what ``edit`` returns.

        Decided anew on every conflict; nothing is written when nothing differs. What ``edit`` raises comes through.
        """
        result: T

        async def changed(there: Object | None) -> Object | None:
            nonlocal result
            registry = await self._registry(site, there)
            before = registry.model_copy(deep=True)
            result = edit(registry)
            if registry == before and there and there.get("data"):
                return None
            whole = there or {"metadata": {"name": CONFIG_MAP, "namespace": site.namespace}}
            return whole | {"apiVersion": "v1", "kind": "ConfigMap", "data": {KEY: registry.stored()}}

        async with self._locks[site.namespace]:
            with writing("ConfigMap", CONFIG_MAP, site, what="The Jobs of this site"):
                await update(
                    self._kube,
                    "ConfigMap",
                    site.namespace,
                    CONFIG_MAP,
                    changed,
                    tries=_TRIES,
                    longest_pause=_LONGEST_PAUSE,
                )
        return result

    async def _registry(self, site: Site, there: Object | None) -> Registry:
        """Return the registry in its ConfigMap, as far as there is one."""
        if there is None or not there.get("data"):
            # As the chart made it, or emptied or deleted by somebody: no id may come twice, no job be forgotten.
            left = await self._kube.list("WebJobSchedule", site.namespace, selector=manifest.LABEL_JOB)
            return manifest.recovered(left)
        try:
            return Registry.model_validate_json((there.get("data") or {}).get(KEY, ""))
        except ValidationError as error:
            message = f"The ConfigMap {CONFIG_MAP} of this site can't be read: set it back, or take its data out."
            raise Unavailable(message) from error
