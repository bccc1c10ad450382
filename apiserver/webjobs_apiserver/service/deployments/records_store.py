"""The ConfigMap that holds the deployments of a site, so that any replica of the shim answers the same.

Every change is one conditional write, decided anew on every conflict.
"""

from __future__ import annotations

from pydantic import ValidationError

from webjobs.constants import DEPLOYMENTS
from webjobs.objects import Object
from webjobs_apiserver.errors import Unavailable
from webjobs_apiserver.service.deployments.records import Change, State
from webjobs_apiserver.service.made_by_chart import writing
from webjobs_apiserver.sites import Site
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import NotFound
from webjobs_kube.update import update

KEY = "deployments.json"
"""Key of the ConfigMap under which the deployments stand."""
_TRIES = 20
_LONGEST_PAUSE = 0.1


class StoredRecords:
    """The deployments of all sites, in their ConfigMaps."""

    def __init__(self, kube: KubeClient) -> None:
        self._kube = kube

    async def read(self, site: Site) -> State:
        """Return the deployments of a site as they are now."""
        try:
            return _parsed(await self._kube.get("ConfigMap", site.namespace, DEPLOYMENTS), site)
        except NotFound:
            return State()

    async def change(self, site: Site, change: Change) -> State:
        """Change the deployments of a site by one write; return them as they are then.

        Nothing is written when nothing differs. What ``change`` raises comes through.
        """
        after = State()

        async def changed(there: Object | None) -> Object | None:
            nonlocal after
            before = _parsed(there, site) if there else State()
            after = change(before)
            if after == before:
                return None
            whole = there or {"metadata": {"name": DEPLOYMENTS, "namespace": site.namespace}}
            return whole | {"apiVersion": "v1", "kind": "ConfigMap", "data": {KEY: after.model_dump_json()}}

        with writing("ConfigMap", DEPLOYMENTS, site, what="The deployments of this site"):
            await update(
                self._kube,
                "ConfigMap",
                site.namespace,
                DEPLOYMENTS,
                changed,
                tries=_TRIES,
                longest_pause=_LONGEST_PAUSE,
            )
        return after


def _parsed(config_map: Object, site: Site) -> State:
    text = (config_map.get("data") or {}).get(KEY)
    try:
        return State.model_validate_json(text) if text else State()
    except ValidationError:
        raise Unavailable(
            f"The ConfigMap {DEPLOYMENTS} of namespace {site.namespace} can't be read: set it back, or take its data "
            "out. The WebJobs stay as they are."
        ) from None
