"""The app settings of a site: texts by name, in one ConfigMap of its namespace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from webjobs.model.site_settings import CONFIG_MAP, LABEL, NAME, SiteSettings
from webjobs_apiserver.errors import BadRequest, Missing, Unavailable
from webjobs_apiserver.sites import Site
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import AlreadyExists, NotFound

_MANIFEST = {"apiVersion": "v1", "kind": "ConfigMap"}


class AppSettings:
    """Operations on app settings. Nothing is remembered: what kubectl writes counts at once."""

    def __init__(self, kube: KubeClient) -> None:
        self._kube = kube

    async def all(self, site: Site) -> dict[str, str]:
        """Return every setting of a site, by name."""
        try:
            found = await self._kube.get("ConfigMap", site.namespace, CONFIG_MAP)
        except NotFound:
            return {}
        return dict(sorted((found.get("data") or {}).items()))

    async def get(self, site: Site, name: str) -> str:
        """Return one setting of a site.

        Raises Missing when it is not set.
        """
        try:
            return (await self.all(site))[name]
        except KeyError:
            raise Missing from None

    async def effective(self, site: Site) -> SiteSettings:
        """Return what the settings of a site mean for WebJobs."""
        return SiteSettings.read(await self.all(site))

    async def merge(self, site: Site, values: Mapping[str, str]) -> None:
        """Set some settings of a site; others stay.

        Raises BadRequest for a name that can't be an environment variable's.
        """
        for name in values:
            if not NAME.fullmatch(name):
                raise BadRequest(f"The name of a setting may hold letters, digits, '.', '_' and '-': {name[:80]!r}.")
        await self._write(site, dict(values))

    async def delete(self, site: Site, name: str) -> None:
        """Delete a setting of a site; do nothing when it is not set."""
        try:
            await self._kube.patch("ConfigMap", site.namespace, CONFIG_MAP, {"data": {name: None}})
        except NotFound:
            return

    async def _write(self, site: Site, values: dict[str, str]) -> None:
        meta: dict[str, Any] = {"labels": {LABEL: "true", "app.kubernetes.io/managed-by": "webjobs"}}
        for _ in range(3):
            try:
                await self._kube.patch("ConfigMap", site.namespace, CONFIG_MAP, {"metadata": meta, "data": values})
                return
            except NotFound:
                whole = meta | {"name": CONFIG_MAP, "namespace": site.namespace}
            try:
                await self._kube.create(_MANIFEST | {"metadata": whole, "data": values})
                return
            except AlreadyExists:
                continue
        raise Unavailable("The settings are being changed by others at the same time. Try again.")
