"""Requests of a pod while it waits for a run: less than those of the run, for which the pod is resized in place. Pure.

https://kubernetes.io/docs/tasks/configure-pod-container/resize-container-resources/
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Any

from webjobs.model import ANNOTATION_REQUESTS
from webjobs.model.runtime_settings import quantity
from webjobs.objects import Object
from webjobs.pods import CONTAINER


def lowered(template: Object, waiting: Mapping[str, str]) -> Object:
    """Return a pod template whose job requests at most ``waiting``; an annotation keeps what it is to have.

    Limits stay: they bind a pod that waits as one that runs, and a pod's class of quality may not change with its size.
    """
    containers = template["spec"]["containers"]
    resources = _job(containers).get("resources") or {}
    # Kubernetes takes a limit without a request for both.
    own = (resources.get("limits") or {}) | (resources.get("requests") or {})
    less = {name: least for name, least in waiting.items() if _exceeds(own.get(name), least)}
    if not less:
        return template
    kept = {ANNOTATION_REQUESTS: json.dumps({name: own[name] for name in less}, sort_keys=True)}
    meta = template["metadata"]
    return {
        "metadata": meta | {"annotations": (meta.get("annotations") or {}) | kept},
        "spec": template["spec"] | {"containers": _requesting(own | less, containers)},
    }


def resize(pod: Mapping[str, Any]) -> Object | None:
    """Return the JSON merge patch for a pod's ``resize``, which gives it what its run requests; None: it has that."""
    wanted, containers = _kept(pod), pod["spec"].get("containers", [])
    has = (_job(containers).get("resources") or {}).get("requests") or {} if wanted else {}
    if all(quantity(has.get(name)) == quantity(value) for name, value in wanted.items()):
        return None
    return {
        "metadata": {"resourceVersion": pod["metadata"]["resourceVersion"]},
        "spec": {"containers": _requesting(has | wanted, containers)},
    }


def _kept(pod: Mapping[str, Any]) -> Object:
    """Return the requests that the annotation of a pod keeps.

    Empty for a pod that was not made small, and for what somebody else wrote there.
    """
    with contextlib.suppress(ValueError):
        kept = json.loads((pod["metadata"].get("annotations") or {}).get(ANNOTATION_REQUESTS, ""))
        if isinstance(kept, dict) and all(quantity(value) is not None for value in kept.values()):
            return kept
    return {}


def _job(containers: list[Object]) -> Object:
    return next(one for one in containers if one["name"] == CONTAINER)


def _requesting(wanted: Object, containers: list[Object]) -> list[Object]:
    job = _job(containers)
    changed = job | {"resources": (job.get("resources") or {}) | {"requests": wanted}}
    return [changed if one is job else one for one in containers]


def _exceeds(own: object, least: str) -> bool:
    there, bound = quantity(own), quantity(least)
    return there is not None and bound is not None and there > bound
