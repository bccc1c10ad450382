"""A backup of a site as a stream: objects as they are at its begin, then what the store has."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import obstore

from webjobs import times
from webjobs.objects import Object
from webjobs.store import ObjectStore, read_stream
from webjobs_apiserver.errors import Unavailable
from webjobs_apiserver.service.app_settings import AppSettings
from webjobs_apiserver.service.backup import objects, places, tar
from webjobs_apiserver.service.hooks.hooks import Hooks
from webjobs_apiserver.sites import Site
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import Forbidden, NotFound


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """The objects of a site, in the order in which a restore needs them."""

    head: Object
    before: list[tuple[str, Object]]
    """WebJobs and settings, by their names in the backup."""
    after: list[tuple[str, Object]]
    """Runs and schedules."""
    webjobs: frozenset[str]


class Dump:
    """Makes backups of sites."""

    def __init__(
        self,
        kube: KubeClient,
        *,
        store: ObjectStore,
        settings: AppSettings,
        hooks: Hooks,
        clock: Callable[[], datetime],
    ) -> None:
        self._kube = kube
        self._store = store
        self._settings = settings
        self._hooks = hooks
        self._clock = clock

    async def make(self, site: Site) -> AsyncIterator[bytes]:
        """Return the backup of a site in pieces; the objects are read before the first one.

        Raises ApiError while the objects can't be read.
        """
        snapshot = await self._snapshot(site)
        return self._stream(site, snapshot)

    async def _snapshot(self, site: Site) -> Snapshot:
        now, namespace = self._clock(), site.namespace
        # In this order: a run that a schedule made meanwhile is among the runs, and tells that its slot has run.
        schedules = await self._kube.list("WebJobSchedule", namespace)
        webjobs = await self._kube.list("WebJob", namespace)
        names = frozenset(str(body["metadata"]["name"]) for body in webjobs)
        runs = await self._kube.list("WebJobRun", namespace)
        known = [body for body in runs if body["spec"]["webJobName"] in names]
        before = [_named("WebJob", objects.saved("WebJob", body)) for body in webjobs]
        before += [one async for one in self._site(site)]
        after = [_named("WebJobRun", objects.saved_run(body, now=now)) for body in known]
        after += [_named("WebJobSchedule", objects.saved("WebJobSchedule", body)) for body in schedules]
        head = {"format": places.FORMAT, "namespace": namespace, "site": site.name, "time": times.rfc3339(now)}
        return Snapshot(head=head, before=before, after=after, webjobs=names)

    async def _site(self, site: Site) -> AsyncIterator[tuple[str, Object]]:
        """Yield the objects that hold the settings of the site, its hooks and its registry of Kragle's jobs."""
        yield f"objects/Secret/{places.SETTINGS}.json", {"values": await self._settings.all(site)}
        hooks = [hook.model_dump() for hook in await self._hooks.all(site)]
        yield f"objects/Secret/{places.HOOKS}.json", {"hooks": hooks}
        try:
            registry = await self._kube.get("ConfigMap", site.namespace, places.REGISTRY)
        except (NotFound, Forbidden):
            return  # the Kragle API is not switched on
        yield f"objects/ConfigMap/{places.REGISTRY}.json", {"data": registry.get("data") or {}}

    async def _stream(self, site: Site, snapshot: Snapshot) -> AsyncIterator[bytes]:
        when = self._clock().timestamp()
        yield _file(places.HEAD, snapshot.head, when=when)
        for name, body in snapshot.before:
            yield _file(name, body, when=when)
        async for piece in self._stored(site, snapshot.webjobs, when=when):
            yield piece
        for name, body in snapshot.after:
            yield _file(name, body, when=when)
        yield tar.END

    async def _stored(self, site: Site, webjobs: frozenset[str], *, when: float) -> AsyncIterator[bytes]:
        """Yield what the store has of the site.

        What goes meanwhile is left out; a file has the size that it began with.
        """
        prefix = f"{site.namespace}/"
        async for batch in obstore.list(self._store, site.namespace):
            for key in _keys(batch, prefix):
                file = places.stored(key)
                if file is None or (file.webjob and file.webjob not in webjobs):
                    continue
                found = await read_stream(self._store, prefix + key)
                if found is None:
                    continue
                size, content = found
                yield tar.head(f"store/{key}", size, when=when)
                left = size
                async for piece in content:
                    yield piece[:left]
                    left -= min(left, len(piece))
                if left:
                    raise Unavailable(f"{key} ended before its size.")  # the stream breaks: no backup is half of one
                yield tar.padding(size)


def _keys(batch: Any, prefix: str) -> Iterator[str]:
    for one in batch:
        path = str(one["path"])
        if path.startswith(prefix):
            yield path.removeprefix(prefix)


def _named(kind: str, body: Object) -> tuple[str, Object]:
    return f"objects/{kind}/{body['metadata']['name']}.json", body


def _file(name: str, body: Object, *, when: float) -> bytes:
    content = json.dumps(body, ensure_ascii=False, indent=1).encode("utf-8", "replace")
    return tar.head(name, len(content), when=when) + content + tar.padding(len(content))
