"""Kubernetes objects as plain dictionaries, the way the API server gives and takes them (docs/decisions, number 14)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Object = dict[str, Any]
"""A Kubernetes object."""
ObjectView = Mapping[str, Any]
"""A Kubernetes object, or a part of one, that is only read."""


def owners_of(body: ObjectView) -> list[ObjectView]:
    """Return the owner references of an object, of which anybody who may write the object can add one."""
    return body["metadata"].get("ownerReferences") or []
