"""Merging a user's patch into a pod template, and comparing manifests."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from json import dumps
from typing import Any

_NAMED_LISTS = {"containers", "initContainers", "volumes", "env", "ports", "imagePullSecrets"}
_MOUNTS = {"volumeMounts": "mountPath"}


def merge(base: Any, patch: Any) -> Any:
    """Return ``patch`` over ``base``: objects by key (null removes), lists of named things by name, others replaced."""
    if not isinstance(base, dict) or not isinstance(patch, Mapping):
        return patch
    out = dict(base)
    for key, value in patch.items():
        name_key = "name" if key in _NAMED_LISTS else _MOUNTS.get(key)
        if value is None:
            out.pop(key, None)
        elif name_key and isinstance(value, list) and isinstance(out.get(key), list):
            out[key] = _merge_named(out[key], value, name_key)
        elif key in out:
            out[key] = merge(out[key], value)
        else:
            out[key] = value
    return out


def _merge_named(base: list[Any], patch: list[Any], name_key: str) -> list[Any]:
    out = {item.get(name_key): item for item in base}
    for item in patch:
        name = item.get(name_key)
        out[name] = merge(out[name], item) if name in out else item
    return list(out.values())


_OBJECTS = {"metadata", "spec", "labels", "annotations", "securityContext", "resources"}
_STRINGS = {"name", "mountPath"}
_FREE = {"annotations", "labels", "nodeSelector", "matchLabels", "limits", "requests"}
"""Objects in which any key is a name."""


def flaw(patch: Any, path: str) -> str | None:
    """Return the path of the first part of a patch that no pod template can have; None when it can be merged.

    ``path``: of the patch itself, for the answer. What the API server refuses is left to it: this finds what can't even
    be merged.
    """
    if not isinstance(patch, Mapping):
        return path
    for key, value in patch.items():
        here = f"{path}.{key}"
        if value is None and key not in {"metadata", "spec"}:
            continue  # it removes what is there
        if (key in _OBJECTS and not isinstance(value, Mapping)) or (key in _STRINGS and not isinstance(value, str)):
            return here
        if key in _NAMED_LISTS or key in _MOUNTS:
            if not isinstance(value, list):
                return here
            found = next((one for one in (flaw(item, f"{here}[{n}]") for n, item in enumerate(value)) if one), None)
        else:
            found = flaw(value, here) if isinstance(value, Mapping) and key not in _FREE else None
        if found:
            return found
    return None


def digest(manifest: Mapping[str, Any]) -> str:
    """Return a short digest of a manifest, for the annotation that tells whether it is applied already."""
    return sha256(dumps(manifest, sort_keys=True, separators=(",", ":")).encode()).hexdigest()[:16]


def covers(observed: Any, desired: Any) -> bool:
    """Return whether an observed object still has every field of the desired one (the API server adds its defaults).

    Resource quantities are skipped: the API server rewrites them (``1000m`` to ``1``); the digest sees their change.
    """
    if observed == desired:
        return True
    if isinstance(desired, Mapping):
        return isinstance(observed, Mapping) and all(
            key == "resources"
            or covers(observed.get(key), value)
            or (value in ({}, [], "", None) and key not in observed)
            for key, value in desired.items()
        )
    if isinstance(desired, list):
        return (
            isinstance(observed, list)
            and len(observed) == len(desired)
            and all(covers(one, other) for one, other in zip(observed, desired, strict=True))
        )
    return False
