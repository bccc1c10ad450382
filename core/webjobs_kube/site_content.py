"""The content of a site, read and changed in the Secret of its namespace that names it."""

from __future__ import annotations

from webjobs.model.site import app_settings, site_content
from webjobs.model.site.site_content import SiteContent
from webjobs.objects import Object
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import NotFound
from webjobs_kube.update import update


async def read(kube: KubeClient, namespace: str) -> SiteContent | None:
    """Return the content of the site that a namespace is; None: it has none."""
    try:
        return site_content.content_of(await kube.get("Secret", namespace, app_settings.SECRET))
    except NotFound:
        return None


async def put(kube: KubeClient, namespace: str, content: SiteContent, *, dry_run: bool = False) -> None:
    """Put the content of a site in force by one write, if another one is.

    ``dry_run``: the API server only says whether it would take it. Raises Conflict when others are faster.
    """

    async def changed(there: Object | None) -> Object | None:
        if site_content.content_of(there) == (content if content.files else None):
            return None
        secret = there or app_settings.secret_with(None, {}, namespace=namespace)
        return site_content.secret_with(secret, content) | {"apiVersion": "v1", "kind": "Secret"}

    await update(kube, "Secret", namespace, app_settings.SECRET, changed, dry_run=dry_run)
