"""The content of sites: which package of the store is in force."""

from __future__ import annotations

from webjobs.model.site.app_settings import SECRET
from webjobs.model.site.site_content import SiteContent
from webjobs_apiserver.service.made_by_chart import writing
from webjobs_apiserver.sites import Site
from webjobs_kube import site_content
from webjobs_kube.client import KubeClient


class SiteContents:
    """The contents of all sites."""

    def __init__(self, kube: KubeClient) -> None:
        self._kube = kube

    async def read(self, site: Site) -> SiteContent | None:
        """Return the content of a site; None: it has none."""
        return await site_content.read(self._kube, site.namespace)

    async def put(self, site: Site, content: SiteContent, *, dry_run: bool = False) -> None:
        """Put the content of a site in force. Jobs that get it are started anew with it.

        ``dry_run``: the API server only says whether it would take it. Raises Unavailable.
        """
        with writing("Secret", SECRET, site, what="The settings"):
            await site_content.put(self._kube, site.namespace, content, dry_run=dry_run)
