"""Where the app settings of a site lie: in a Secret, and in the ConfigMap that held them before. Pure.

Settings are connection strings and passwords, and the Kubernetes role ``view`` reads ConfigMaps. Where both objects
have a key, the Secret's value counts: a copy that stays behind says nothing.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping

from webjobs.objects import Object, ObjectView

SECRET = "webjobs-settings"  # noqa: S105  a name
"""Name of the Secret of a namespace that holds the app settings of the site."""
CONFIG_MAP = "webjobs-settings"
"""Name of the ConfigMap of a namespace that held the app settings of the site, and is still read."""
LABEL = "webjobs.dev/site-settings"
"""Label of the ConfigMap with app settings, with the value ``true``: without it, it is somebody else's."""
ANNOTATION_MOVED = "webjobs.dev/moved-to-secret"
"""Annotation of the ConfigMap: the resourceVersion from which on the Secret holds what was taken out of it."""
ANNOTATION_MOVE = "webjobs.dev/move"
"""Annotation of the Secret: a word of the last move into it, so that each move is a change of the Secret."""

LABELS: Mapping[str, str] = {LABEL: "true", "app.kubernetes.io/managed-by": "webjobs"}
"""Labels of the objects with app settings."""


def values_of(kind: str, body: ObjectView | None) -> dict[str, str]:
    """Return the app settings that a Secret or ConfigMap holds, by name; none for no object.

    Bytes of a Secret that are no UTF-8 are replaced.
    """
    data = (body or {}).get("data") or {}
    if kind != "Secret":
        return dict(data)
    return {name: b64decode(value or "").decode(errors="replace") for name, value in data.items()}


def together(config_map: Mapping[str, str], secret: Mapping[str, str]) -> dict[str, str]:
    """Return the app settings in force, of those that both objects hold, sorted by name."""
    return dict(sorted({**config_map, **secret}.items()))


def can_move(config_map: ObjectView | None) -> bool:
    """Return whether settings may be taken out of a ConfigMap: it is of this project, and can be changed."""
    if config_map is None or config_map.get("immutable"):
        return False
    return LABEL in (config_map["metadata"].get("labels") or {})


def moved_at(config_map: ObjectView) -> int:
    """Return the resourceVersion from which on the Secret holds what was moved out of a ConfigMap; 0: nothing was."""
    said = (config_map["metadata"].get("annotations") or {}).get(ANNOTATION_MOVED, "")
    return int(said) if said.isascii() and said.isdigit() else 0


def secret_with(
    there: ObjectView | None, values: Mapping[str, str], *, namespace: str, move: str | None = None
) -> Object:
    """Return the Secret that holds settings, made from the one that is there; values that stay keep their bytes.

    ``move``: a new word, when settings move into it; None: they don't.
    """
    known, raw = values_of("Secret", there), (there or {}).get("data") or {}
    data = {
        name: raw[name] if known.get(name) == value else b64encode(value.encode()).decode()
        for name, value in values.items()
    }
    made = there or {"type": "Opaque", "metadata": {"name": SECRET, "namespace": namespace, "labels": dict(LABELS)}}
    meta = dict(made["metadata"])
    if move:
        meta["annotations"] = {**(meta.get("annotations") or {}), ANNOTATION_MOVE: move}
    return {**made, "apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": data}


def without_moved(config_map: ObjectView, *, moved_at: str) -> Object:
    """Return the merge patch that takes all settings out of a ConfigMap, if nobody has changed it meanwhile.

    ``moved_at``: resourceVersion of a Secret that holds them.
    """
    meta = config_map["metadata"]
    return {
        "metadata": {"resourceVersion": meta["resourceVersion"], "annotations": {ANNOTATION_MOVED: moved_at}},
        "data": dict.fromkeys(config_map.get("data") or {}),
    }
