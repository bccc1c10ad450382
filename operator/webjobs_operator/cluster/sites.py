"""The app settings and the content of sites, as watches and lists tell of the Secret and the ConfigMap that hold them.

Both are watched, and watches are not in step. A setting that moves from the ConfigMap into the Secret would be gone for
a moment when the ConfigMap's news come first: continuous jobs would start anew, and a stopped site would run. So the
ConfigMap says how new a Secret has to be, and until that is seen its settings stay as they were.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from webjobs.model.site import app_settings
from webjobs.model.site.app_settings import together, values_of
from webjobs.model.site.site_content import SiteContent, content_of
from webjobs.model.site.site_settings import SiteSettings
from webjobs.objects import Object, ObjectView

KINDS = ("ConfigMap", "Secret")
"""Kinds of the objects that hold app settings."""


def holds_settings(kind: str, body: ObjectView) -> bool:
    """Return whether an object holds the app settings of its namespace."""
    meta = body["metadata"]
    if kind == "ConfigMap":
        return meta["name"] == app_settings.CONFIG_MAP and app_settings.LABEL in (meta.get("labels") or {})
    return kind == "Secret" and meta["name"] == app_settings.SECRET


class Sites:
    """The app settings of all sites; of the objects themselves nothing is kept that holds a value."""

    def __init__(self) -> None:
        self._objects: dict[tuple[str, str], Object] = {}
        """Metadata of what holds settings, by kind and namespace."""
        self._values: dict[tuple[str, str], Mapping[str, str]] = {}
        self._emptied: dict[str, Mapping[str, str]] = {}
        """What ConfigMaps hold by now whose settings moved into a Secret that was not seen yet, by namespace."""
        self._seen: dict[str, int] = {}
        """Newest resourceVersion of the Secret of a namespace that was told of."""
        self._sites: dict[str, SiteSettings] = {}
        self._contents: dict[str, SiteContent | None] = {}

    def settings(self, namespace: str) -> SiteSettings:
        """Return the settings of the site that a namespace is."""
        return self._sites.get(namespace, SiteSettings())

    def content(self, namespace: str) -> SiteContent | None:
        """Return the content of the site that a namespace is; None: it has none."""
        return self._contents.get(namespace)

    def known(self, kind: str) -> dict[str, Object]:
        """Return the objects of a kind that hold settings, by UID, without their values."""
        return {body["metadata"]["uid"]: body for (its, _), body in self._objects.items() if its == kind}

    def take(self, kind: str, body: Mapping[str, Any]) -> bool:
        """Take in an object that holds settings; return False when it is older than what is known."""
        meta = body["metadata"]
        namespace, version = meta["namespace"], int(meta["resourceVersion"])
        known = self._objects.get((kind, namespace))
        if known and int(known["metadata"]["resourceVersion"]) > version:
            return False
        self._objects[kind, namespace] = _without_values(kind, body)
        values = values_of(kind, body)
        if kind == "Secret":
            self._contents[namespace] = content_of(body)
            self._secret_seen(namespace, version)
        elif self._is_ahead(body, known):
            self._emptied[namespace] = values
            return True
        self._values[kind, namespace] = values
        self._read(namespace)
        return True

    def _is_ahead(self, config_map: ObjectView, known: ObjectView | None) -> bool:
        """Return whether settings have just left a ConfigMap for a Secret whose news are still to come.

        Only for one that was known before: else nothing is known that could stay as it was.
        """
        namespace, at = config_map["metadata"]["namespace"], app_settings.moved_at(config_map)
        moves = namespace in self._emptied or (known is not None and at != app_settings.moved_at(known))
        return moves and self._seen.get(namespace, 0) < at

    def drop(self, kind: str, body: Mapping[str, Any]) -> bool:
        """Remove an object that was deleted; return False when there is a new one of its name already."""
        meta = body["metadata"]
        namespace = meta["namespace"]
        known = self._objects.get((kind, namespace))
        if known and known["metadata"]["uid"] != meta["uid"]:
            return False
        self._objects.pop((kind, namespace), None)
        self._values.pop((kind, namespace), None)
        if kind == "Secret":
            self._contents.pop(namespace, None)
            self._secret_seen(namespace, int(meta["resourceVersion"]))
        else:
            self._emptied.pop(namespace, None)
        self._read(namespace)
        return True

    def listed(self, kind: str, version: int) -> list[str]:
        """Take notice that all objects of a kind were listed as of a resourceVersion; return the changed namespaces.

        A Secret that was deleted before any news of it came would hold its ConfigMap's settings for good.
        """
        waiting = list(self._emptied) if kind == "Secret" else []
        for namespace in waiting:
            self._secret_seen(namespace, version)
            self._read(namespace)
        return [namespace for namespace in waiting if namespace not in self._emptied]

    def _secret_seen(self, namespace: str, version: int) -> None:
        self._seen[namespace] = max(version, self._seen.get(namespace, 0))
        config_map = self._objects.get(("ConfigMap", namespace))
        if namespace in self._emptied and (
            config_map is None or app_settings.moved_at(config_map) <= self._seen[namespace]
        ):
            self._values["ConfigMap", namespace] = self._emptied.pop(namespace)

    def _read(self, namespace: str) -> None:
        values = (self._values.get((kind, namespace), {}) for kind in KINDS)
        self._sites[namespace] = SiteSettings.read(together(*values))


def _without_values(kind: str, body: Mapping[str, Any]) -> Object:
    """Return the metadata of an object, without annotations that could hold its data again (those of kubectl)."""
    meta = {key: value for key, value in body["metadata"].items() if key not in ("annotations", "managedFields")}
    moved = (body["metadata"].get("annotations") or {}).get(app_settings.ANNOTATION_MOVED)
    return {"kind": kind, "metadata": meta | ({"annotations": {app_settings.ANNOTATION_MOVED: moved}} if moved else {})}
