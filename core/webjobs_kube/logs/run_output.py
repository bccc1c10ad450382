"""All output of a run, wherever it is by now: what was stored while it went on, and after that what its pods have."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any

from webjobs.logs.kudu_lines import NEVER, Output, moment
from webjobs.logs.log_position import LogPosition
from webjobs.pods import by_age, has_begun
from webjobs.store import ObjectStore, run_log_parts
from webjobs_kube.errors import ApiError, Invalid, NotFound
from webjobs_kube.logs.pod_logs import PodLogs

log = logging.getLogger(__name__)


async def output(
    *,
    store: ObjectStore,
    pod_logs: PodLogs,
    log_key: str,
    pods: Sequence[Mapping[str, Any]],
    must_read: bool,
    must_have: bool = False,
    positions: dict[str, LogPosition] | None = None,
) -> AsyncIterator[Output]:
    """Yield the lines of all attempts of a run in their order, each once.

    ``pods``: the raw pods that are there. Raises ApiError when one can't be read now, unless ``must_read`` is false.
    ``must_have``: a kubelet that says of a container that has run that there is no log of it can't be read now, either;
    one whose runtime is slow says so.
    ``positions``: takes the positions in the logs of the pods that are there, by their names, for ``newer``.
    """
    stored = await run_log_parts.keys(store, log_key)
    there = by_age(pods)
    names = {pod["metadata"]["name"] for pod in there}
    gone = [(await _begin(store, stored[name]), name) for name in stored.keys() - names]
    for _, name in sorted(gone):  # attempts whose pod is gone, the oldest first
        async for line in run_log_parts.read(store, stored[name]):
            yield line
    for pod in there:
        meta, position = pod["metadata"], LogPosition()
        if positions is not None:
            positions[meta["name"]] = position
        async for line in run_log_parts.read(store, stored.get(meta["name"], [])):
            position.add(line)
            yield line
        try:
            async for line in pod_logs.lines(meta["namespace"], meta["name"], after=position):
                if positions is not None:
                    position.add(line)
                yield line
        except NotFound:
            continue  # the pod is gone
        except ApiError as error:
            refused = isinstance(error, Invalid)
            if refused and not has_begun(pod):
                continue  # there is no log yet
            if must_have if refused else must_read:
                raise
            log.warning("the rest of the log of pod %s/%s is lost: %s", meta["namespace"], meta["name"], error)


async def _begin(store: ObjectStore, parts: Sequence[str]) -> tuple[datetime, str]:
    """Return the moment of the first line that is stored of an attempt."""
    async with aclosing(run_log_parts.read(store, parts)) as lines:
        async for line in lines:
            return moment(line.stamped)
    return NEVER


async def newer(
    pod_logs: PodLogs, pods: Sequence[Mapping[str, Any]], positions: dict[str, LogPosition]
) -> AsyncIterator[Output]:
    """Yield the lines that pods have after positions in their logs, and note the new positions.

    Of a log that was read before, a request gives the last seconds and what came since. Raises ApiError.
    """
    for pod in by_age(pods):
        meta = pod["metadata"]
        position = positions.setdefault(meta["name"], LogPosition())
        try:
            async for line in pod_logs.lines(meta["namespace"], meta["name"], after=position, together=True):
                position.add(line)
                yield line
        except (NotFound, Invalid):
            continue  # as above


async def of_pods(pod_logs: PodLogs, pods: Sequence[Mapping[str, Any]]) -> AsyncIterator[Output]:
    """Yield the lines that the kubelets have of all attempts of a run.

    Raises ApiError; a pod that is gone has no lines.
    """
    for pod in by_age(pods):
        try:
            async for line in pod_logs.lines(pod["metadata"]["namespace"], pod["metadata"]["name"]):
                yield line
        except NotFound:
            continue
