"""Web hooks of a site: who wants to be told of ended runs.

They lie in a Secret, since an address can hold a secret.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, ValidationError
from yarl import URL

from webjobs import times
from webjobs.objects import Object
from webjobs_apiserver.errors import BadRequest, Exists, Missing
from webjobs_apiserver.http.destinations import Destinations
from webjobs_apiserver.service.made_by_chart import writing
from webjobs_apiserver.sites import Site
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import NotFound
from webjobs_kube.update import update

SECRET = "webjobs-hooks"  # noqa: S105  a name
"""Name of the Secret that holds the hooks of a site."""
EVENT = "TriggeredJobFinished"
"""The one event that hooks can be told of."""
_KEY = "hooks"
_FIRST_DAY = datetime(1, 1, 1, tzinfo=UTC)
"""Zero of .NET's times. Kudu's ids are such times: tenths of a microsecond since then."""
_MOST = 50
_LONGEST_URL = 2048


class Hook(BaseModel):
    """A subscription to ended runs."""

    model_config = ConfigDict(frozen=True)

    id: str
    """Id of the hook, as Kudu makes it of a time."""
    event: str = EVENT
    """Event that the hook is told of."""
    url: str
    """Address that is posted to."""
    insecure_ssl: bool = False
    """True when any certificate of the address will do."""
    since: str
    """When the hook was made: runs that ended before are not told."""
    base: str
    """Scheme and host of the shim as the subscriber knows it, for URLs in bodies."""
    last_status: str | None = None
    """Status of the last delivery's answer; None before the first one."""
    last_reason: str | None = None
    """Reason of the last delivery's answer, or why there was none."""
    last_datetime: str | None = None
    """When the last delivery was made."""
    last_context: str | None = None
    """Body of the last delivery."""


Edit = Callable[[list[Hook]], list[Hook]]
"""A function from the hooks of a site to the hooks that there are to be."""


def _parsed(secret: Object) -> list[Hook]:
    try:
        stored = json.loads(base64.b64decode((secret.get("data") or {}).get(_KEY, "")) or b"[]")
        return [Hook.model_validate(one) for one in stored]
    except (ValueError, ValidationError):
        return []


def check(url: str, destinations: Destinations) -> str:
    """Return an address, if a POST can go there.

    Raises BadRequest if not. What a name stands for is known at the delivery only.
    """
    try:
        parts = urlsplit(url.strip())
        usable = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1) > 0
        # Who escapes a part of a host wants it to be read as another one.
        usable = usable and "%" not in (parts.hostname or "")
    except ValueError:
        usable = False
    if not usable or len(url) > _LONGEST_URL or any(ord(char) <= 32 for char in url.strip()):
        raise BadRequest("The url of a hook must be an http or https address.")
    if _is_refused(url.strip(), destinations):
        raise BadRequest(
            "The url of a hook must not be an address of the cluster, of a private network or of the machine itself. "
            "An administrator can allow it (apiserver.hooks.allow)."
        )
    return url.strip()


def _is_refused(url: str, destinations: Destinations) -> bool:
    try:
        hosts = {urlsplit(url).hostname or "", URL(url).host or ""}  # the second one is how it will be read
    except ValueError:
        return True
    return any(destinations.refuses(host) for host in hosts)


class Hooks:
    """Operations on the web hooks of a site."""

    def __init__(self, kube: KubeClient, *, clock: Callable[[], datetime], destinations: Destinations) -> None:
        self._kube = kube
        self._clock = clock
        self._destinations = destinations

    async def all(self, site: Site) -> list[Hook]:
        """Return every subscription, oldest first."""
        try:
            return _parsed(await self._kube.get("Secret", site.namespace, SECRET))
        except NotFound:
            return []

    async def get(self, site: Site, identifier: str) -> Hook:
        """Return one subscription.

        Raises Missing when there is none.
        """
        for hook in await self.all(site):
            if hook.id == identifier:
                return hook
        raise Missing

    async def add(self, site: Site, *, event: str, url: str, insecure_ssl: bool, base: str) -> Hook:
        """Subscribe an address to an event.

        Raises Exists when the address is subscribed already, BadRequest for an event or address that can't be told.
        """
        if event.lower() != EVENT.lower():
            raise BadRequest(f"The event of a hook must be {EVENT}: no other happens here.")
        now = self._clock()
        ticks = (now - _FIRST_DAY) // timedelta(microseconds=1) * 10
        hook = Hook(
            id=str(ticks),
            url=check(url, self._destinations),
            insecure_ssl=insecure_ssl,
            since=times.rfc3339(now),
            base=base,
        )

        def edit(hooks: list[Hook]) -> list[Hook]:
            if any(one.url.lower() == hook.url.lower() for one in hooks):
                raise Exists("The address has a hook already.")
            if len(hooks) >= _MOST:
                raise BadRequest(f"There are {_MOST} hooks already.")
            return [*hooks, hook]

        await self.change(site, edit)
        return hook

    async def restore(self, site: Site, hooks: list[Hook]) -> list[Hook]:
        """Make the subscriptions of a backup those of a site that has none; return those whose address is refused."""
        left = [hook for hook in hooks if _is_refused(hook.url, self._destinations)]
        allowed = [hook for hook in hooks if hook not in left][:_MOST]
        await self.change(site, lambda there: there or allowed)
        return left

    async def remove(self, site: Site, identifier: str) -> None:
        """End a subscription; do nothing when there is none."""
        await self.change(site, lambda hooks: [hook for hook in hooks if hook.id != identifier])

    async def change(self, site: Site, edit: Edit) -> None:
        """Change the subscriptions by one conditional write, decided anew on every conflict.

        Nothing is written when nothing changes.
        """

        async def changed(secret: Object | None) -> Object | None:
            before = _parsed(secret or {})
            after = edit(before)
            if after == before:
                return None
            data = base64.b64encode(json.dumps([hook.model_dump() for hook in after]).encode()).decode()
            meta = {"name": SECRET, "namespace": site.namespace}
            made = {"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": meta}
            return (secret or made) | {"data": {_KEY: data}}

        with writing("Secret", SECRET, site, what="The hooks"):
            await update(self._kube, "Secret", site.namespace, SECRET, changed)
