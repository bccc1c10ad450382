"""Whether a node takes pods, by what the API server tells about it."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any


def node_problem(nodes: dict[str, Any], *, since: datetime | None = None) -> str | None:
    """Say why a list of nodes has none that takes pods, or return None.

    Args:
        since: when the node was started; what its kubelet said before does not count.
    """
    if not nodes["items"]:
        return "no node is registered"
    node = nodes["items"][0]
    for condition in node["status"].get("conditions", []):
        if condition["type"] != "Ready":
            continue
        if condition["status"] != "True":
            return f"the node is not Ready: {condition.get('message', '')}"
        if since and parse_time(condition["lastHeartbeatTime"]) < since.replace(microsecond=0):
            return "the kubelet has not reported since the node was started"
    taints = [taint["key"] for taint in node["spec"].get("taints", [])]
    return f"the node has the taints {', '.join(taints)}" if taints else None


def parse_time(text: str) -> datetime:
    """Return the time that Kubernetes or an engine writes, to the second: Podman writes nine digits and an offset."""
    return datetime.fromisoformat(re.sub(r"\.\d+", "", text).replace("Z", "+00:00"))
