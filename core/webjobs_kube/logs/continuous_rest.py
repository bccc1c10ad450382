"""The rest of a continuous job's log, which is not stored yet: of one pod's story, from the API as it is now."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing
from datetime import datetime
from typing import Any

from webjobs import pods
from webjobs.logs import continuous_lines, continuous_story
from webjobs.logs.continuous_lines import Entry
from webjobs.logs.continuous_story import About, Position, Tell, Wait
from webjobs_kube.errors import Invalid, NotFound
from webjobs_kube.logs.pod_logs import PodLogs


async def rest(
    pod_logs: PodLogs,
    pod: Mapping[str, Any],
    position: Position,
    *,
    about: About,
    cap: int,
    now: datetime,
    most: int,
) -> list[Entry]:
    """Return the entries that come after a position in a pod's story, in their order.

    They end where ``most`` bytes are reached. ``cap``: lines of one process, 0 for all. Raises ApiError when the API
    can't tell.
    """
    meta, found, size, read = pod["metadata"], list[Entry](), 0, ""
    instance = pods.instance_id(meta["uid"])
    while step := continuous_story.next_step(position, pod, about=about, cap=cap, now=now, read=read):
        if isinstance(step, Tell):
            found.append(continuous_lines.told(step, instance=instance))
            position = step.after
            continue
        if isinstance(step, Wait):
            break
        try:
            lines = pod_logs.lines(meta["namespace"], meta["name"], previous=step.process.previous, after=position.log)
            async with aclosing(lines):
                async for line in lines:
                    entry = continuous_lines.taken(position, line, instance=instance, cap=cap)
                    found.append(entry)
                    position, size = entry.after, size + len(entry.text)
                    if size >= most:
                        return found
                    if continuous_story.is_full(position, cap=cap):
                        break
        except (NotFound, Invalid):
            pass  # the pod or its log is gone, or its container has not started yet
        if step.process.ended is None:
            break
        read = step.process.id
    return found
