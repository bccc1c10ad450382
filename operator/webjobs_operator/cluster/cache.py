"""The operator's cache of the cluster: watch events and the answers to its own writes, newest wins.

Answers to writes go in as well, so that a pass that follows at once sees what the last one did, and never writes it
again while the watch is still behind.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from webjobs.model import LABEL_WEBJOB, WebJob, WebJobRun, WebJobSchedule, site_settings
from webjobs.model.site_settings import SiteSettings

Object = dict[str, Any]
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
    if kind in ("WebJob", *_MODELS):
        return None
    # Site settings belong to no WebJob, so ConfigMaps are known by who manages them.
    return MANAGED if kind == "ConfigMap" else LABEL_WEBJOB


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
    out = dict(body)
    if kind == "ConfigMap":
        out.pop("data", None)
        out.pop("binaryData", None)
    if kind != "WebJobRun":  # of a run, the manager tells who created it
        out["metadata"] = {key: value for key, value in body["metadata"].items() if key != "managedFields"}
    return out


def site_settings_of(kind: str, body: Mapping[str, Any]) -> SiteSettings | None:
    """Return the settings in the ConfigMap that holds a site's; None for any other object."""
    meta = body["metadata"]
    if (
        kind != "ConfigMap"
        or meta["name"] != site_settings.CONFIG_MAP
        or site_settings.LABEL not in meta.get("labels", {})
    ):
        return None
    return SiteSettings.read(body.get("data") or {})


class Cache:
    """The known objects by kind, grouped by their WebJob."""

    def __init__(self) -> None:
        self._objects: dict[str, dict[Key, dict[str, Object]]] = defaultdict(lambda: defaultdict(dict))
        self._webjobs: dict[Key, WebJob] = {}
        self._runs: dict[Key, dict[str, WebJobRun]] = defaultdict(dict)
        self._schedules: dict[Key, dict[str, WebJobSchedule]] = defaultdict(dict)
        self._homes: dict[str, list[Key]] = {}
        """WebJobs that a WebJobSchedule belongs to or did, by its UID, the present one last."""
        self._deleted: dict[tuple[str, str], None] = {}
        self.revision = 0
        """A number that grows with every change."""
        self._sites: dict[str, SiteSettings] = {}
        self._site_maps: dict[str, Object] = {}
        """ConfigMaps that the settings of sites are from, by namespace, without their data."""

    def take(self, kind: str, body: Mapping[str, Any]) -> list[Key]:
        """Take in an object that a watch or a list tells of; return the WebJobs that are due by it."""
        settings = site_settings_of(kind, body)
        if settings is not None:
            meta = body["metadata"]
            known = self._site_maps.get(meta["namespace"])
            if known and int(known["metadata"]["resourceVersion"]) > int(meta["resourceVersion"]):
                return []  # each event comes twice: to kopf's index, and to the handler that asks who is due
            self._site_maps[meta["namespace"]] = _slim(kind, body)
            return self._set_site(meta["namespace"], settings)
        owner = self.observe(kind, body)
        if kind == "WebJobSchedule":
            # The WebJobs that it left are due as well, and at every event: each event comes twice here, too.
            return list(self._homes.get(body["metadata"]["uid"], [owner] if owner else []))
        return [owner] if owner else []

    def drop(self, kind: str, body: Mapping[str, Any]) -> list[Key]:
        """Remove an object that was deleted; return the WebJobs that are due by it."""
        if site_settings_of(kind, body) is not None:
            meta = body["metadata"]
            known = self._site_maps.get(meta["namespace"])
            if known and known["metadata"]["uid"] != meta["uid"]:
                return []  # there is a new one already
            self._site_maps.pop(meta["namespace"], None)
            return self._set_site(meta["namespace"], SiteSettings())
        owner = self.forget(kind, body)
        return [owner] if owner else []

    def observe(self, kind: str, body: Mapping[str, Any]) -> Key | None:
        """Take in an object, unless a newer version of it is known; return the WebJob that it belongs to."""
        owner = webjob_of(kind, body)
        if owner is None:
            return None
        meta = body["metadata"]
        version = int(meta["resourceVersion"])
        known = self._objects[kind][owner].get(meta["name"])
        if known and int(known["metadata"]["resourceVersion"]) >= version:
            return owner
        if (kind, meta["uid"]) in self._deleted:
            return owner  # a late answer about an object that is gone: UIDs never come back
        if kind == "WebJobSchedule" and not self._moves_in(owner, body):
            return owner
        self._objects[kind][owner][meta["name"]] = _slim(kind, body)
        self.revision += 1
        if kind == "WebJob":
            self._webjobs[owner] = WebJob.parse(body)
        else:
            self._parse(kind, owner, body)
        return owner

    def _moves_in(self, owner: Key, body: Mapping[str, Any]) -> bool:
        """Take a WebJobSchedule away from the WebJob that it belonged to; return False when this is older news."""
        name, uid = body["metadata"]["name"], body["metadata"]["uid"]
        homes = self._homes.setdefault(uid, [])
        if homes and homes[-1] != owner:
            known = self._objects["WebJobSchedule"][homes[-1]].get(name)
            if known and int(known["metadata"]["resourceVersion"]) >= int(body["metadata"]["resourceVersion"]):
                return False
            self._objects["WebJobSchedule"][homes[-1]].pop(name, None)
            self._schedules[homes[-1]].pop(name, None)
        self._homes[uid] = [home for home in homes if home != owner] + [owner]
        return True

    def _parse(self, kind: str, owner: Key, body: Mapping[str, Any]) -> None:
        name = body["metadata"]["name"]
        if kind == "WebJobRun":
            self._runs[owner][name] = WebJobRun.parse(body)
        elif kind == "WebJobSchedule":
            self._schedules[owner][name] = WebJobSchedule.parse(body)

    def forget(self, kind: str, body: Mapping[str, Any]) -> Key | None:
        """Remove an object; return the WebJob that it belonged to."""
        owner = webjob_of(kind, body)
        if owner is None:
            return None
        meta = body["metadata"]
        known = self._objects[kind][owner].get(meta["name"])
        if known and known["metadata"]["uid"] == meta["uid"]:
            del self._objects[kind][owner][meta["name"]]
            self.revision += 1
            if kind == "WebJob":
                self._webjobs.pop(owner, None)
            elif kind == "WebJobRun":
                self._runs[owner].pop(meta["name"], None)
            elif kind == "WebJobSchedule":
                self._schedules[owner].pop(meta["name"], None)
                self._homes.pop(meta["uid"], None)
        if not self._objects[kind][owner]:
            del self._objects[kind][owner]
        self._deleted[kind, meta["uid"]] = None
        while len(self._deleted) > 10_000:
            del self._deleted[next(iter(self._deleted))]
        return owner

    def _set_site(self, namespace: str, settings: SiteSettings) -> list[Key]:
        self._sites[namespace] = settings
        return [owner for owner in self._webjobs if owner[0] == namespace]

    def site(self, namespace: str) -> SiteSettings:
        """Return the settings of the site that a namespace is."""
        return self._sites.get(namespace, SiteSettings())

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
        if kind == "ConfigMap":
            found |= {body["metadata"]["uid"]: body for body in self._site_maps.values()}
        return found
