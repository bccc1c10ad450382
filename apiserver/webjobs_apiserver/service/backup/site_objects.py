"""Settings, web hooks and the registry of Kragle's jobs, restored into a site that has none of its own."""

from __future__ import annotations

from pydantic import ValidationError

from webjobs.objects import Object
from webjobs_apiserver.errors import BadRequest
from webjobs_apiserver.service.app_settings import AppSettings
from webjobs_apiserver.service.backup import places
from webjobs_apiserver.service.hooks.hooks import Hook, Hooks
from webjobs_apiserver.service.schedules.registry import Registry
from webjobs_apiserver.service.schedules.registry_store import KEY
from webjobs_apiserver.sites import Site
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import Forbidden, NotFound
from webjobs_kube.update import update


class SiteObjects:
    """Restores what a site has beside its jobs."""

    def __init__(self, kube: KubeClient, *, settings: AppSettings, hooks: Hooks) -> None:
        self._kube = kube
        self._settings = settings
        self._hooks = hooks

    async def restore(self, site: Site, name: str, body: Object, *, dry_run: bool) -> str | None:
        """Restore one of these objects; return a sentence about what was left out, if anything was.

        Raises BadRequest for what can't be read.
        """
        match name:
            case places.SETTINGS:
                return await self._restore_settings(site, body.get("values"), dry_run=dry_run)
            case places.HOOKS:
                return await self._restore_hooks(site, body.get("hooks"), dry_run=dry_run)
        return await self._restore_registry(site, body.get("data"), dry_run=dry_run)

    async def _restore_settings(self, site: Site, values: object, *, dry_run: bool) -> str | None:
        if not isinstance(values, dict) or not all(isinstance(one, str) for one in values.values()):
            raise BadRequest("The app settings of the backup can't be read.")
        there = await self._settings.all(site)
        new = {key: value for key, value in values.items() if key not in there}
        if new and not dry_run:
            await self._settings.merge(site, new)
        other = sorted(key for key, value in values.items() if there.get(key, value) != value)
        return f"App settings that are there with another value stay: {', '.join(other)[:500]}." if other else None

    async def _restore_hooks(self, site: Site, given: object, *, dry_run: bool) -> str | None:
        try:
            hooks = [Hook.model_validate(one) for one in given] if isinstance(given, list) else None
        except ValidationError:
            hooks = None
        if hooks is None:
            raise BadRequest("The web hooks of the backup can't be read.")
        there = await self._hooks.all(site)
        if not hooks or there == hooks:
            return None
        if there:
            return "The web hooks are left out: the site has some already."
        left = [] if dry_run else await self._hooks.restore(site, hooks)
        return f"Web hooks are left out whose address is not allowed here: {len(left)}." if left else None

    async def _restore_registry(self, site: Site, data: object, *, dry_run: bool) -> str | None:
        text = data.get(KEY) if isinstance(data, dict) else None
        if not text:
            return None
        try:
            Registry.model_validate_json(text)
        except ValidationError:
            raise BadRequest("The registry of Kragle's jobs of the backup can't be read.") from None
        left: str | None = None

        async def changed(there: Object | None) -> Object | None:
            nonlocal left
            known = ((there or {}).get("data") or {}).get(KEY)
            left = "The registry of Kragle's jobs is left out: the site has one." if known not in (None, text) else None
            if there is None:
                left = "The registry of Kragle's jobs is left out: the Kragle API is not switched on here."
            return None if dry_run or known or there is None else there | {"data": {KEY: text}}

        try:
            await update(self._kube, "ConfigMap", site.namespace, places.REGISTRY, changed)
        except (Forbidden, NotFound):
            left = "The registry of Kragle's jobs is left out: the Kragle API is not switched on here."
        return left
