"""The operator's cache of the cluster: watch events and the answers to its own writes.

Answers to writes go in as well, so that a pass that follows at once sees what the last one did, and never writes it
again while the watch is still behind. What counts of all that is told, ``webjobs_kube.object_cache`` decides.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from math import inf
from typing import Any

from webjobs import pods
from webjobs.model import LABEL_WEBJOB, WebJob, WebJobRun, WebJobSchedule
from webjobs.model.site import app_settings
from webjobs.model.site.site_content import SiteContent
from webjobs.model.site.site_settings import SiteSettings
from webjobs.objects import Object
from webjobs_kube.object_cache import ObjectCache, without_managed_fields
from webjobs_operator.cluster.sites import Sites, holds_settings

Key = tuple[str, str]
"""Namespace and name of a WebJob: the unit that is reconciled."""

_DELETING = "1970-01-01T00:00:00Z"


_MODELS: Mapping[str, type[WebJobRun] | type[WebJobSchedule]] = {
    "WebJobRun": WebJobRun,
    "WebJobSchedule": WebJobSchedule,
}
"""Models of the kinds that name their WebJob themselves."""
MANAGED = "app.kubernetes.io/managed-by=webjobs"
"""Label selector of what the operator manages."""


def selector_of(kind: str) -> str | None:
    """Return the label selector of what is watched of a kind; None: all of it."""
    if kind in ("WebJob", "Secret", *_MODELS):
        return None
    # Site settings belong to no WebJob, so ConfigMaps are known by who manages them.
    return MANAGED if kind == "ConfigMap" else LABEL_WEBJOB


def fields_of(kind: str) -> str | None:
    """Return the field selector of what is watched of a kind; None: all of it.

    Of Secrets just the one by its name: RBAC lets nobody list others who may only see that one.
    """
    return f"metadata.name={app_settings.SECRET}" if kind == "Secret" else None


def webjob_of(kind: str, body: Mapping[str, Any]) -> Key | None:
    """Return the WebJob that an object belongs to; None when it belongs to none."""
    meta = body["metadata"]
    match kind:
        case "WebJob":
            return meta["namespace"], meta["name"]
        case "WebJobRun" | "WebJobSchedule":
            return meta["namespace"], body["spec"]["webJobName"]
        case _:
            name = meta.get("labels", {}).get(LABEL_WEBJOB)
            return (meta["namespace"], name) if name else None


def _slim(kind: str, body: Mapping[str, Any]) -> Object:
    """Return an object without what is large and never looked at."""
    if kind == "WebJobRun":  # the manager tells who created it
        return dict(body)
    out = without_managed_fields(body)
    if kind == "ConfigMap":
        out.pop("data", None)
        out.pop("binaryData", None)
    return out


class Cache:
    """The known objects by kind, grouped by their WebJob."""

    def __init__(self) -> None:
        self._objects: dict[str, dict[Key, dict[str, Object]]] = defaultdict(lambda: defaultdict(dict))
        self._webjobs: dict[Key, WebJob] = {}
        self._runs: dict[Key, dict[str, WebJobRun]] = defaultdict(dict)
        self._schedules: dict[Key, dict[str, WebJobSchedule]] = defaultdict(dict)
        self._versions: ObjectCache[tuple[str, str], Key] = ObjectCache(self._take_out)
        """Versions of the objects, by namespace and name; each belongs to a WebJob."""
        self._homes: dict[str, list[Key]] = {}
        """WebJobs that a WebJobSchedule belongs to or did, by its UID, the present one last."""
        self.revision = 0
        """A number that grows with every change."""
        self._sites = Sites()

    def take(self, kind: str, body: Mapping[str, Any]) -> list[Key]:
        """Take in an object that a watch or a list tells of; return the WebJobs that are due by it."""
        if holds_settings(kind, body):
            # Each event comes twice, to kopf's index and to the handler that asks who is due: both are told.
            return self._of_site(body) if self._sites.take(kind, body) else []
        if kind == "Secret":
            return []  # none but the one that holds settings is anybody's business here
        owner = self.observe(kind, body)
        if kind == "WebJobSchedule":
            # The WebJobs that it left are due as well, and at every event: each event comes twice here, too.
            return list(self._homes.get(body["metadata"]["uid"], [owner] if owner else []))
        return [owner] if owner else []

    def drop(self, kind: str, body: Mapping[str, Any]) -> list[Key]:
        """Remove an object that was deleted; return the WebJobs that are due by it."""
        if holds_settings(kind, body):
            return self._of_site(body) if self._sites.drop(kind, body) else []
        home, owner = self.forget(kind, body), webjob_of(kind, body)
        # An object whose move to another WebJob was missed is gone for both.
        return list(dict.fromkeys((owner, home))) if owner and home else []

    def listed(self, kind: str, *, version: int) -> list[Key]:
        """Take notice that all that is watched of a kind was listed, and taken in; return the WebJobs that are due."""
        namespaces = self._sites.listed(kind, version)
        return [owner for owner in self._webjobs if owner[0] in namespaces]

    def observe(self, kind: str, body: Mapping[str, Any]) -> Key | None:
        """Take in an object, unless a newer version of it is known; return the WebJob that it belongs to."""
        owner = webjob_of(kind, body)
        if owner is None:
            return None
        meta = body["metadata"]
        if not self._versions.observe(kind, (meta["namespace"], meta["name"]), body, home=owner):
            return owner
        if kind == "WebJobSchedule":
            self._homes[meta["uid"]] = [home for home in self._homes.get(meta["uid"], []) if home != owner] + [owner]
        there = self._objects[kind][owner]
        before, slim = there.get(meta["name"]), _slim(kind, body)
        there[meta["name"]] = pods.as_first_asked(slim, before) if kind == "Pod" and before else slim
        self.revision += 1
        if kind == "WebJob":
            self._webjobs[owner] = WebJob.parse(body)
        else:
            self._parse(kind, owner, body)
        return owner

    def _parse(self, kind: str, owner: Key, body: Mapping[str, Any]) -> None:
        name = body["metadata"]["name"]
        if kind == "WebJobRun":
            self._runs[owner][name] = WebJobRun.parse(body)
        elif kind == "WebJobSchedule":
            self._schedules[owner][name] = WebJobSchedule.parse(body)

    def forget(self, kind: str, body: Mapping[str, Any]) -> Key | None:
        """Remove an object; return the WebJob that it belonged to, as far as that was known.

        News up to the body's resourceVersion are late; without one the object is gone for good.
        """
        owner = webjob_of(kind, body)
        if owner is None:
            return None
        meta = body["metadata"]
        self._homes.pop(meta["uid"], None)
        name, version = (meta["namespace"], meta["name"]), float(meta.get("resourceVersion", inf))
        return self._versions.forget(kind, name, uid=meta["uid"], version=version) or owner

    def _take_out(self, kind: str, owner: Key, name: tuple[str, str]) -> None:
        self.revision += 1
        there = self._objects[kind][owner]
        there.pop(name[1], None)
        if not there:
            del self._objects[kind][owner]
        if kind == "WebJob":
            self._webjobs.pop(owner, None)
        elif kind == "WebJobRun":
            self._runs[owner].pop(name[1], None)
        elif kind == "WebJobSchedule":
            self._schedules[owner].pop(name[1], None)

    def _of_site(self, body: Mapping[str, Any]) -> list[Key]:
        return [owner for owner in self._webjobs if owner[0] == body["metadata"]["namespace"]]

    def site(self, namespace: str) -> SiteSettings:
        """Return the settings of the site that a namespace is."""
        return self._sites.settings(namespace)

    def site_content(self, namespace: str) -> SiteContent | None:
        """Return the content of the site that a namespace is; None: it has none."""
        return self._sites.content(namespace)

    def webjob(self, owner: Key) -> WebJob | None:
        """Return the WebJob of a key; None when it is not known."""
        return self._webjobs.get(owner)

    def runs(self, owner: Key) -> dict[str, WebJobRun]:
        """Return the runs of a WebJob by object name, as they are now; the caller may keep the dictionary."""
        return dict(self._runs.get(owner, {}))

    def schedules(self, owner: Key) -> list[WebJobSchedule]:
        """Return the WebJobSchedules of a WebJob, sorted by name; without those that are being deleted."""
        known = self._schedules.get(owner, {})
        return [known[name] for name in sorted(known) if known[name].metadata.deletion_timestamp is None]

    def get(self, kind: str, owner: Key, name: str) -> Object | None:
        """Return one object of a WebJob; None when it is not known."""
        return self._objects[kind].get(owner, {}).get(name)

    def of(self, kind: str, owner: Key) -> dict[str, Object]:
        """Return all objects of a kind that belong to a WebJob, by name, as they are now."""
        return dict(self._objects[kind].get(owner, {}))

    def mark_deleting(self, kind: str, namespace: str, name: str, *, owner: Key) -> None:
        """Mark an object as being deleted right after the operator's own delete; the watch confirms it later."""
        known = self._objects[kind].get(owner, {}).get(name)
        if known is None or known["metadata"]["namespace"] != namespace:
            return
        marked = known | {"metadata": known["metadata"] | {"deletionTimestamp": _DELETING}}
        self._objects[kind][owner][name] = marked
        self.revision += 1
        self._parse(kind, owner, marked)

    def known(self, kind: str) -> dict[str, Object]:
        """Return all objects of a kind by UID."""
        found = {body["metadata"]["uid"]: body for by_name in self._objects[kind].values() for body in by_name.values()}
        return found | self._sites.known(kind)
