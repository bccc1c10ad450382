"""What a pod requests while it waits for a run: less than the run, which has the pod resized in place. Pure.

https://kubernetes.io/docs/tasks/configure-pod-container/resize-container-resources/
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from webjobs.logs import CONTAINER
from webjobs.model import ANNOTATION_REQUESTS
from webjobs.runtimesettings import quantity

Object = dict[str, Any]


def lowered(template: Object, waiting: Mapping[str, str]) -> Object:
    """A pod template whose job requests at most ``waiting``; an annotation keeps what it is to have.

    Limits stay: they bind who waits as who runs, and a container's class of quality may not change with its size.
    """
    out = deepcopy(template)
    container = _job(out["spec"]["containers"])
    resources = container.get("resources") or {}
    # Kubernetes takes a limit without a request for both.
    own = (resources.get("limits") or {}) | (resources.get("requests") or {})
    less = {name: least for name, least in waiting.items() if _exceeds(own.get(name), least)}
    if not less:
        return out
    container["resources"] = resources | {"requests": own | less}
    kept = json.dumps({name: own[name] for name in less}, sort_keys=True)
    out["metadata"]["annotations"] = (out["metadata"].get("annotations") or {}) | {ANNOTATION_REQUESTS: kept}
    return out


def _kept(pod: Mapping[str, Any]) -> Object:
    """Empty for a pod that was not made small, and for what somebody else wrote there."""
    with contextlib.suppress(ValueError):
        kept = json.loads((pod["metadata"].get("annotations") or {}).get(ANNOTATION_REQUESTS, ""))
        if isinstance(kept, dict) and all(quantity(value) is not None for value in kept.values()):
            return kept
    return {}


def _job(containers: list[Object]) -> Object:
    return next(one for one in containers if one["name"] == CONTAINER)


def _exceeds(own: object, least: str) -> bool:
    there, bound = quantity(own), quantity(least)
    return there is not None and bound is not None and there > bound


def resize(pod: Mapping[str, Any]) -> Object | None:
    """JSON merge patch for the pod's ``resize``, which gives it what its run requests; None: it has that."""
    wanted = _kept(pod)
    containers = deepcopy(pod["spec"]["containers"])
    container = _job(containers)
    has = container["resources"].get("requests") or {}
    if all(quantity(has.get(name)) == quantity(value) for name, value in wanted.items()):
        return None
    container["resources"]["requests"] = has | wanted
    return {"metadata": {"resourceVersion": pod["metadata"]["resourceVersion"]}, "spec": {"containers": containers}}
