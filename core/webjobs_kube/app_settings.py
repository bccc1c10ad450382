"""The app settings of a site, read and changed in its namespace.

Each write moves what the ConfigMap of before holds into the Secret: the Secret is written first, then the keys leave
the ConfigMap. Dying in between leaves them in both, where the Secret's count, and the next write goes on. All writes
are conditional, so that two that move at once do it once.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping

from webjobs.model.site import app_settings
from webjobs.model.site.app_settings import CONFIG_MAP, SECRET, can_move, together, values_of
from webjobs.objects import Object
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import Conflict, NotFound
from webjobs_kube.update import TRIES, update

Edit = Callable[[Mapping[str, str]], Mapping[str, str]]
"""A function from the settings as they are to those that there are to be. It may be called again on its own result."""


async def read(kube: KubeClient, namespace: str) -> dict[str, str]:
    """Return the app settings in force, by name.

    Both objects are read at once, since a run waits for it. Settings that move just then could be missed in both: the
    ConfigMap says how new the Secret has to be, which is read again if it is older.
    """
    config_map, secret = await asyncio.gather(*(_there(kube, kind, namespace) for kind in ("ConfigMap", "Secret")))
    if config_map and app_settings.moved_at(config_map) > _version(secret):
        secret = await _there(kube, "Secret", namespace)
    return together(values_of("ConfigMap", config_map), values_of("Secret", secret))


async def change(kube: KubeClient, namespace: str, edit: Edit) -> dict[str, str]:
    """Change the app settings by writes to the Secret, where those of the ConfigMap go too; return those in force.

    Settings in a ConfigMap that is not of this project stay there. Raises Conflict when others were faster each time.
    """
    for _ in range(TRIES):
        config_map, values = await _write(kube, namespace, edit)
        if config_map is None or not config_map.get("data"):
            return together({}, values)
        if not can_move(config_map):
            return together(values_of("ConfigMap", config_map), values)
        secret = await kube.get("Secret", namespace, SECRET)
        patch = app_settings.without_moved(config_map, moved_at=secret["metadata"]["resourceVersion"])
        try:
            await kube.patch("ConfigMap", namespace, CONFIG_MAP, patch)
        except (Conflict, NotFound):
            continue
        return together({}, values)
    raise Conflict(409, "Conflict", f"the ConfigMap {namespace}/{CONFIG_MAP} is being changed by others")


async def _write(kube: KubeClient, namespace: str, edit: Edit) -> tuple[Object | None, Mapping[str, str]]:
    """Write the Secret; return the ConfigMap whose settings it holds now, and the settings in it."""
    config_map: Object | None = None
    wanted: Mapping[str, str] = {}

    async def changed(secret: Object | None) -> Object | None:
        nonlocal config_map, wanted
        # After the Secret: what others move or delete from now on changes the Secret, and this is decided anew.
        config_map = await _there(kube, "ConfigMap", namespace)
        known = values_of("Secret", secret)
        moving = values_of("ConfigMap", config_map) if can_move(config_map) else {}
        wanted = edit(together(moving, known))
        if wanted == known and not moving:
            return None
        # A move is a write in any case: of others who have read the ConfigMap meanwhile, the Secret then tells.
        word = secrets.token_hex(4) if moving else None
        return app_settings.secret_with(secret, wanted, namespace=namespace, move=word)

    await update(kube, "Secret", namespace, SECRET, changed)
    return config_map, wanted


def _version(body: Object | None) -> int:
    return int(body["metadata"]["resourceVersion"]) if body else 0


async def _there(kube: KubeClient, kind: str, namespace: str) -> Object | None:
    try:
        return await kube.get(kind, namespace, SECRET if kind == "Secret" else CONFIG_MAP)
    except NotFound:
        return None
