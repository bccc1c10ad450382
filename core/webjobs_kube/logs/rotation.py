"""Rotation of log files: a check that a request that follows a log still reads the file that is written to.

A kubelet looks for rotations from the moment on in which it has come to a log's end for the first time. A rotation
before that moment it misses, and gives nothing more until the next rotation; then it goes on with the newest file, and
what was in between is lost to its reader (``ReadLogs`` of k8s.io/cri-client). So once nothing more comes, the file's
first line is compared with the one that the request began with.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from webjobs_kube.errors import ApiError, Invalid, NotFound

SILENCE_SECONDS = 2.0
"""Seconds without a line after which the end of a file is reached. Far less than the ten seconds between two
rotations."""
MUCH_BYTES = 2**18
"""Bytes below which a file is not rotated: a kubelet's files have 10 MB when nobody says otherwise."""

Head = Callable[[], Awaitable[str]]
"""A function that returns the stamp of the first line of the file that is written to; empty: it has none."""


class Rotated(ApiError):
    """A rotation that the request may have missed: follow the log anew. ``status`` is 0."""

    def __init__(self, pod: str, *, head: str = "") -> None:
        super().__init__(0, "Rotated", f"the log of pod {pod} was rotated before it was read to its end")
        self.head = head
        """Stamp of the first line of the next file."""


class Reading:
    """A request that follows a log, and how far it has come.

    ``begun``: what ``Head`` gave before the request, when it does not read from the beginning.
    """

    def __init__(self, begun: str | None) -> None:
        self._begun = begun
        self._bytes = 0
        self._came = asyncio.get_running_loop().time()
        self._doubtful = asyncio.Event()
        if begun is not None:  # nobody knows how much was passed over
            self._doubtful.set()

    def take(self, stamped: str) -> None:
        """Note a line that came."""
        if self._begun is None:
            self._begun = stamped.partition(" ")[0]
        self._came = asyncio.get_running_loop().time()
        self._bytes += len(stamped)
        if self._bytes >= MUCH_BYTES:
            self._doubtful.set()

    async def watch(self, pod: str, head: Head, *, is_idle: Callable[[], bool]) -> None:
        """Return once no rotation can be missed any more; raise Rotated when one may have been.

        ``is_idle``: returns whether all that came was taken on.
        """
        await self._doubtful.wait()
        while True:
            await asyncio.sleep(SILENCE_SECONDS / 2)
            if not is_idle() or asyncio.get_running_loop().time() - self._came < SILENCE_SECONDS:
                continue
            try:
                now = await head()
            except (NotFound, Invalid):
                return  # the pod is gone, and the request ends
            except ApiError:
                continue
            if now != self._begun:
                raise Rotated(pod, head=now)
            return
