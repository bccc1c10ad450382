"""The share of a site in the store: what its packages take, and whether there is room for more.

Counted are all blobs of the namespace, those too that nobody refers to any more and that go with the next collections.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import obstore

from webjobs.store import ObjectStore
from webjobs_apiserver.errors import TooLarge
from webjobs_apiserver.sites import Site

_FRESH = timedelta(minutes=1)
_SURE = timedelta(seconds=2)


class Room:
    """The bound of what each site may store. ``most``: in bytes; 0: there is none."""

    def __init__(self, store: ObjectStore, *, most: int, clock: Callable[[], datetime]) -> None:
        self._store = store
        self._most = most
        self._clock = clock
        self._used: dict[str, tuple[int, datetime]] = {}
        """Bytes of each namespace, with what was let in since they were counted, and when that was."""

    async def take(self, site: Site, size: int) -> None:
        """Let so many bytes in; raise TooLarge when that would be more than the site may have.

        Content that is stored already counts once more until the next count, a minute later at most.
        """
        if not self._most:
            return
        if await self._bytes(site, younger=_FRESH) + size > self._most:
            used = await self._bytes(site, younger=_SURE)
            if used + size > self._most:
                raise TooLarge(
                    f"The site has {used} bytes of files, and may have {self._most} (apiserver.limits.siteBytes of the "
                    f"chart): there is no room for {size} more. Delete jobs; their files go within a day."
                )
        used, since = self._used[site.namespace]
        self._used[site.namespace] = used + size, since

    async def _bytes(self, site: Site, *, younger: timedelta) -> int:
        known = self._used.get(site.namespace)
        if known and self._clock() - known[1] < younger:
            return known[0]
        used, since = 0, self._clock()
        async for batch in obstore.list(self._store, f"{site.namespace}/blobs"):
            used += sum(one["size"] for one in batch)
        self._used[site.namespace] = used, since
        return used
