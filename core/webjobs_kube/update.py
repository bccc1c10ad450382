"""Read, edit, write of one object, again when somebody else wrote in between (client-go: ``RetryOnConflict``).

Every write is conditional, so that nobody's change is lost. An edit that must not be decided anew has no place here.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable

from webjobs.objects import Object
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import Conflict, NotFound

Edit = Callable[[Object | None], Awaitable[Object | None]]
"""A function from the object as it is (None: there is none) to the whole object as it is to be; None: leave it."""
PatchOf = Callable[[Object], Object | None]
"""A function from the object as it is to a merge patch; None: leave it."""

TRIES = 8
"""Rounds of read and write before giving up; each lost round is somebody else's progress."""


async def update(
    kube: KubeClient,
    kind: str,
    namespace: str,
    name: str,
    edit: Edit,
    *,
    tries: int = TRIES,
    longest_pause: float = 0,
    dry_run: bool = False,
) -> None:
    """Replace an object by what ``edit`` makes of it, or create it.

    ``edit`` may be called several times; what it raises passes through. ``longest_pause``: most seconds before another
    try. ``dry_run``: the API server only says whether it would take it. Raises Conflict when others were
    faster each time.
    """
    for _ in range(tries):
        there = await _read(kube, kind, namespace, name)
        wanted = await edit(there)
        if wanted is None:
            return
        try:
            await (kube.replace if there else kube.create)(wanted, dry_run=dry_run)
        except (Conflict, NotFound):  # changed, created or deleted since it was read
            if longest_pause:
                await asyncio.sleep(random.uniform(0, longest_pause))  # noqa: S311  spreads, no secret
            continue
        return
    raise _unsettled(kind, namespace, name)


async def update_by_patch(
    kube: KubeClient,
    kind: str,
    namespace: str,
    name: str,
    patch_of: PatchOf,
    *,
    subresource: str | None = None,
    tries: int = TRIES,
) -> Object | None:
    """Apply a merge patch that depends on the object as it is; return the object as stored.

    None: nothing was written, because ``patch_of`` wanted nothing or the object is gone. Raises Conflict when others
    were faster each time.
    """
    for _ in range(tries):
        there = await _read(kube, kind, namespace, name)
        patch = patch_of(there) if there else None
        if there is None or patch is None:
            return None
        known = {"resourceVersion": there["metadata"]["resourceVersion"]}
        body = patch | {"metadata": patch.get("metadata", {}) | known}
        try:
            return await kube.patch(kind, namespace, name, body, subresource=subresource)
        except (Conflict, NotFound):
            continue
    raise _unsettled(kind, namespace, name)


async def _read(kube: KubeClient, kind: str, namespace: str, name: str) -> Object | None:
    try:
        return await kube.get(kind, namespace, name)
    except NotFound:
        return None


def _unsettled(kind: str, namespace: str, name: str) -> Conflict:
    return Conflict(409, "Conflict", f"{kind} {namespace}/{name} is being changed by others at the same time")
