"""The app settings of a site: texts by name, in one Secret of its namespace; connection strings are among them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from webjobs.model.site import connection_strings
from webjobs.model.site.app_settings import CONFIG_MAP, LABEL, SECRET
from webjobs.model.site.connection_strings import Ambiguous, ConnectionString, app_settings_of, connection_strings_of
from webjobs.model.site.site_settings import NAME, SiteSettings
from webjobs_apiserver.errors import BadRequest, Missing, Refused
from webjobs_apiserver.service.made_by_chart import writing
from webjobs_apiserver.sites import Site
from webjobs_kube import app_settings
from webjobs_kube.client import KubeClient

_Kind = Callable[[Mapping[str, str]], dict[str, str]]
"""A function from all settings to those of one kind: app settings proper, or connection strings."""
_ELSEWHERE = (
    f"The setting is in the ConfigMap {CONFIG_MAP}, which is immutable or has no label {LABEL}: delete it there."
)


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

    async def plain(self, site: Site) -> dict[str, str]:
        """Return the settings of a site that are no connection strings, by name."""
        return app_settings_of(await self.all(site))

    async def replace_plain(self, site: Site, values: Mapping[str, str]) -> None:
        """Make these settings of a site all that there are, beside the connection strings, which stay.

        ``values``: by names that the store can hold, and that are none of connection strings.
        """
        await self._replace(site, values, these=app_settings_of, others=connection_strings_of)

    async def connection_strings(self, site: Site) -> dict[str, ConnectionString]:
        """Return the connection strings of a site, by name.

        Raises Refused when two of different types have one name.
        """
        try:
            return connection_strings.by_name(await self.all(site))
        except Ambiguous as error:
            raise Refused(
                f"The settings {' and '.join(error.keys)} are connection strings of one name: delete one of them, by "
                "DELETE /api/settings/{name}."
            ) from None

    async def replace_connection_strings(self, site: Site, values: Mapping[str, str]) -> None:
        """Make these connection strings of a site all that there are, beside the other settings, which stay.

        ``values``: by keys, as ``connection_strings.key_of`` makes them.
        """
        await self._replace(site, values, these=connection_strings_of, others=app_settings_of)

    async def _replace(self, site: Site, values: Mapping[str, str], *, these: _Kind, others: _Kind) -> None:
        left = await self._change(site, lambda known: {**others(known), **values})
        if these(left).keys() - values.keys():
            raise BadRequest(_ELSEWHERE)

    async def delete(self, site: Site, name: str) -> None:
        """Delete a setting of a site; do nothing when it is not set.

        Raises BadRequest when it is in a ConfigMap that is not changed here.
        """
        left = await self._change(site, lambda known: {key: value for key, value in known.items() if key != name})
        if name in left:
            raise BadRequest(_ELSEWHERE)

    async def _change(self, site: Site, edit: app_settings.Edit) -> dict[str, str]:
        with writing("Secret", SECRET, site, what="The settings"):
            return await app_settings.change(self._kube, site.namespace, edit)
