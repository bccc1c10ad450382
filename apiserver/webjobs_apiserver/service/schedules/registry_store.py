"""The registry of a site in its ConfigMap: read, and changed by conditional writes."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable
from typing import Any, TypeVar

from pydantic import ValidationError

from webjobs_apiserver.errors import Unavailable
from webjobs_apiserver.service.schedules import manifest
from webjobs_apiserver.service.schedules.registry import Registry
from webjobs_apiserver.sites import Site
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import AlreadyExists, Conflict, NotFound

CONFIG_MAP = "webjobs-kragle"
"""Name of the ConfigMap that holds the registry of a site."""
_KEY = "registry.json"
_TRIES = 20
_LONGEST_PAUSE = 0.1
"""Most seconds before another try: other replicas write, too."""

T = TypeVar("T")
Object = dict[str, Any]


class StoredRegistry:
    """The registries of all sites, read and written. Nothing is remembered from one call to the next."""

    def __init__(self, kube: KubeClient) -> None:
        self._kube = kube
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        """Locks by namespace: requests of this process wait for each other instead of colliding."""

    async def read(self, site: Site) -> Registry:
        """Return the registry of a site as it is now."""
        return (await self._read(site))[0]

    async def change(self, site: Site, edit: Callable[[Registry], T]) -> T:
        """Change the registry of a site by one write; return what ``edit`` returns.

        Decided anew on every conflict; nothing is written when nothing differs. What ``edit`` raises comes through.
        """
        async with self._locks[site.namespace]:
            for _ in range(_TRIES):
                registry, there = await self._read(site)
                before = registry.model_copy(deep=True)
                result = edit(registry)
                if registry == before and there is not None:
                    return result
                data = {_KEY: registry.stored()}
                try:
                    if there is None:
                        meta = {"name": CONFIG_MAP, "namespace": site.namespace}
                        await self._kube.create(
                            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}
                        )
                    else:
                        await self._kube.replace(there | {"apiVersion": "v1", "kind": "ConfigMap", "data": data})
                except (AlreadyExists, Conflict, NotFound):
                    await asyncio.sleep(random.uniform(0, _LONGEST_PAUSE))  # noqa: S311  spreads, no secret
                    continue
                return result
        raise Unavailable("The Jobs of this site are being changed by others at the same time. Try again.")

    async def _read(self, site: Site) -> tuple[Registry, Object | None]:
        """Return the registry and the object that it is in; None for the object when there is none."""
        try:
            found = await self._kube.get("ConfigMap", site.namespace, CONFIG_MAP)
        except NotFound:
            # It was never there, or somebody deleted it: then no id may be given twice, and no job be forgotten.
            left = await self._kube.list("WebJobSchedule", site.namespace, selector=manifest.LABEL_JOB)
            return manifest.recovered(left), None
        try:
            return Registry.model_validate_json((found.get("data") or {}).get(_KEY, "")), found
        except ValidationError as error:
            message = f"The ConfigMap {CONFIG_MAP} of this site can't be read: set it back, or delete it."
            raise Unavailable(message) from error
