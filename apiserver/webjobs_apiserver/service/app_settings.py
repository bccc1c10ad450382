"""The app settings of a site: texts by name, in one Secret of its namespace."""

from __future__ import annotations

from collections.abc import Mapping

from webjobs.model.app_settings import CONFIG_MAP, LABEL, SECRET
from webjobs.model.site_settings import NAME, SiteSettings
from webjobs_apiserver.errors import BadRequest, Missing
from webjobs_apiserver.service.made_by_chart import writing
from webjobs_apiserver.sites import Site
from webjobs_kube import app_settings
from webjobs_kube.client import KubeClient


class AppSettings:
    """Operations on app settings. Nothing is remembered: what kubectl writes counts at once."""

    def __init__(self, kube: KubeClient) -> None:
        self._kube = kube

    async def all(self, site: Site) -> dict[str, str]:
        """Return every setting of a site, by name."""
        return await app_settings.read(self._kube, site.namespace)

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
        await self._change(site, lambda known: {**known, **values})

    async def delete(self, site: Site, name: str) -> None:
        """Delete a setting of a site; do nothing when it is not set.

        Raises BadRequest when it is in a ConfigMap that is not changed here.
        """
        left = await self._change(site, lambda known: {key: value for key, value in known.items() if key != name})
        if name in left:
            raise BadRequest(
                f"The setting is in the ConfigMap {CONFIG_MAP}, which is immutable or has no label {LABEL}: delete it "
                "there."
            )

    async def _change(self, site: Site, edit: app_settings.Edit) -> dict[str, str]:
        with writing("Secret", SECRET, site, what="The settings"):
            return await app_settings.change(self._kube, site.namespace, edit)
