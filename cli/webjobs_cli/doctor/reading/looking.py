"""Looks at objects of Kubernetes that note what could not be seen, instead of failing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from typing import TypeVar

from webjobs.model import TERMINAL_STATES
from webjobs.objects import Object
from webjobs_cli.doctor.facts import Unread
from webjobs_cli.doctor.installation import NOT_SEEN, Look
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import ApiError, Forbidden, NotFound
from webjobs_kube.paths import plural_of

T = TypeVar("T")
K = TypeVar("K")
_Objects = list[Object]  # inside the class, list is the method
_AT_ONCE = 16
_PAGE = 500


class Looking:
    """A reader of objects that remembers what it could not read."""

    def __init__(self, kube: KubeClient) -> None:
        self.kube = kube
        self._unread: list[Unread] = []
        self._limit = asyncio.Semaphore(_AT_ONCE)

    @property
    def unread(self) -> tuple[Unread, ...]:
        """All that could not be read until now."""
        return tuple(self._unread)

    def note(self, what: str, error: ApiError) -> None:
        """Note that something could not be read. Raises the error when nothing can be."""
        if error.status == 401:  # nobody knows who asks, and will not the next time
            raise error
        self._unread.append(Unread(what=what, why=error.message, forbidden=isinstance(error, Forbidden)))

    async def tried(self, call: Awaitable[T], *, what: str) -> T | None:
        """Return what a call gives; None, and a note, when it fails. Raises NotFound."""
        async with self._limit:
            try:
                return await call
            except NotFound:
                raise
            except ApiError as error:
                self.note(what, error)
                return None

    async def get(self, kind: str, namespace: str | None, name: str) -> Look[Object]:
        """Return a look at one object."""
        where = f" in {namespace}" if namespace else ""
        try:
            found = await self.tried(self.kube.get(kind, namespace, name), what=f"get {plural_of(kind)}{where}")
        except NotFound:
            return Look(seen=True)
        return NOT_SEEN if found is None else Look(seen=True, value=found)

    async def list(self, kind: str, namespace: str | None, *, selector: str | None = None) -> list[Object] | None:
        """Return the objects of a kind; empty when the cluster does not know it, None when they may not be seen."""
        where = f"in {namespace}" if namespace else "in all namespaces"
        try:
            call = self.kube.list(kind, namespace, selector=selector)
            return await self.tried(call, what=f"list {plural_of(kind)} {where}")
        except NotFound:
            return []

    async def unended(self, namespace: str | None, *, most: int) -> _Objects:
        """Return the WebJobRuns that have not ended, of at most so many that are looked at, a page at a time."""
        found: _Objects = []
        looked = 0
        where = f"in {namespace}" if namespace else "in all namespaces"
        try:
            async for page in self.kube.pages("WebJobRun", namespace, size=_PAGE):
                found += [one for one in page if not _is_over(one)]
                looked += len(page)
                if looked >= most:
                    what = f"look at more than the first {looked} webjobruns {where}"
                    self._unread.append(Unread(what=what, why="there are too many", forbidden=False))
                    break
        except NotFound:
            return found
        except ApiError as error:
            self.note(f"list webjobruns {where}", error)
        return found

    async def all_of(self, looks: Mapping[K, Awaitable[Look[T]]]) -> dict[K, Look[T]]:
        """Return the results of several looks, by the same keys."""
        return dict(zip(looks, await asyncio.gather(*looks.values()), strict=True))


def _is_over(run: Object) -> bool:
    """Return whether a run has ended, and is not held by anybody: nothing is to be said of it."""
    state = (run.get("status") or {}).get("state")
    return state in TERMINAL_STATES and not run["metadata"].get("deletionTimestamp")
