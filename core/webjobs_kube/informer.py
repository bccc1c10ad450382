"""List and watch of one kind in one namespace, told to a sink for as long as it runs.

A watch that breaks goes on from the last resourceVersion that was seen (bookmarks move it while nothing happens); a
watch whose resourceVersion is too old starts with a new list.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable
from typing import NoReturn, Protocol

from webjobs.objects import Object
from webjobs_kube.backoff import Backoff
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import ApiError, Gone

log = logging.getLogger(__name__)


WATCH_SECONDS = 60
"""Seconds of one watch: a connection that died without a word is noticed so late at most."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 15.0
"""Seconds."""


class Sink(Protocol):
    """The receiver of what an informer reads. It may keep the bodies."""

    def fill(self, kind: str, items: list[Object], *, version: int) -> None:
        """Replace all known objects of a kind by those that there are, as of a resourceVersion."""

    def observe(self, kind: str, body: Object) -> None:
        """Take in an object that is new or has changed."""

    def forget(self, kind: str, body: Object) -> None:
        """Remove an object that is gone."""


class Informer:
    """List and watch of one kind in one namespace, told to a sink.

    ``sleep`` and ``clock`` count in seconds.
    """

    def __init__(
        self,
        kube: KubeClient,
        *,
        kind: str,
        namespace: str,
        sink: Sink,
        sleep: Callable[[float], Awaitable[None]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kube = kube
        self._kind = kind
        self._namespace = namespace
        self._sink = sink
        self._sleep = sleep
        self._clock = clock
        self._version: str | None = None
        self._failing_since: float | None = None
        self.filled = False
        """True once the sink has had all objects."""
        self.last_error: Exception | None = None
        """Error that broke the watch; None while the watch stands."""

    def age(self) -> float:
        """Return the seconds since the watch broke; 0 while it stands."""
        return 0.0 if self._failing_since is None else self._clock() - self._failing_since

    async def run(self) -> NoReturn:
        """List and watch until the task is cancelled."""
        backoff = Backoff(_FIRST_PAUSE, _LONGEST_PAUSE, spread=0.5)
        while True:
            asked = 0.0
            try:
                if self._version is None:
                    self._version = await self._fill()
                told = await self._follow(self._version)
            except Exception as error:  # a watch that died by a bug of ours would be old news for good
                told, asked = False, error.retry_after if isinstance(error, ApiError) else 0.0
                if isinstance(error, Gone) or not isinstance(error, ApiError):
                    self._version = None
                self._failed(error)
            if told:
                backoff.reset()
            else:  # also when it just ended: a watch that tells nothing must not become a busy loop
                await self._sleep(asked + backoff.next())

    async def _fill(self) -> str:
        items, version = await self._kube.list_at(self._kind, self._namespace)
        self._sink.fill(self._kind, items, version=int(version))
        self.filled = True
        return version

    async def _follow(self, since: str) -> bool:
        """Follow one watch until its end; return whether it told anything."""
        told = False
        async with self._kube.watch(self._kind, self._namespace, since=since, seconds=WATCH_SECONDS) as events:
            self._stands()
            async for event, body in events:
                told = True
                self._version = body["metadata"]["resourceVersion"]
                if event == "DELETED":
                    self._sink.forget(self._kind, body)
                elif event != "BOOKMARK":
                    self._sink.observe(self._kind, body)
        return told

    def _stands(self) -> None:
        if self.last_error is not None:
            log.info("the watch of %s in %s stands again", self._kind, self._namespace)
        self._failing_since = self.last_error = None

    def _failed(self, error: Exception) -> None:
        if self.last_error is None:
            unexpected = None if isinstance(error, ApiError) else error
            log.warning("the watch of %s in %s broke: %s", self._kind, self._namespace, error, exc_info=unexpected)
        self.last_error = error
        if self._failing_since is None:
            self._failing_since = self._clock()
