"""The log of an ended run, from its pods into the store, before anything lets the pods go."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from obstore.exceptions import BaseError

from webjobs import logs, runs
from webjobs.logs import Output
from webjobs.model import WebJob, WebJobRun
from webjobs.store import ObjectStore
from webjobs.store import logs as stored_logs
from webjobs_kube.errors import ApiError, Invalid, NotFound
from webjobs_kube.podlogs import PodLogs
from webjobs_operator.states import newest_pod

log = logging.getLogger(__name__)

GIVE_UP = timedelta(minutes=10)
"""A node that does not give its log for so long after the end is taken for lost."""


class NotArchived(Exception):
    """The log is not in the store, and should be tried again."""


async def archive(
    *,
    pod_logs: PodLogs,
    store: ObjectStore,
    webjob: WebJob,
    run: WebJobRun,
    pods: Sequence[Mapping[str, Any]],
    now: datetime,
) -> dict[str, str]:
    """Stores the log of a run whose status says how it ended; gives what its status says of where it lies.

    Repeating it is safe: the key is the same, and the stored log is replaced as a whole. Raises NotArchived while
    the log can't be read or stored now but may be later.
    """
    key = stored_logs.run_log_key(
        namespace=run.metadata.namespace, webjob=webjob.metadata.name, run_id=runs.run_id(run)
    )
    header = logs.run_log(webjob, run, newest_pod(pods))
    ended = runs.parse_time(run.status.end_time)
    count = _Count(_output(pod_logs, pods, must_read=now - ended < GIVE_UP))
    try:
        await stored_logs.write(store, key, logs.render(header, count.lines()))
        paths = {"logPath": key}
        if count.errors:
            paths["errorLogPath"] = await _archive_errors(store, key)
    except (ApiError, BaseError, OSError) as error:
        raise NotArchived(str(error)) from error
    return paths


async def _archive_errors(store: ObjectStore, key: str) -> str:
    """The lines of stderr once more, on their own: from the stored log, so that both say the same."""
    errors, stored = stored_logs.error_log_key(key), await stored_logs.read(store, key)
    if stored:
        await stored_logs.write(store, errors, logs.errors_of(stored[1]))
    return errors


class _Count:
    """Counts the lines of stderr that pass."""

    def __init__(self, source: AsyncIterator[Output]) -> None:
        self._source = source
        self.errors = 0

    async def lines(self) -> AsyncIterator[Output]:
        async for line in self._source:
            self.errors += line.level == "ERR"
            yield line


async def _output(pod_logs: PodLogs, pods: Sequence[Mapping[str, Any]], *, must_read: bool) -> AsyncIterator[Output]:
    """Lines of all attempts in their order."""
    for pod in sorted(pods, key=lambda pod: (pod["metadata"]["creationTimestamp"], pod["metadata"]["name"])):
        meta = pod["metadata"]
        try:
            async for line in pod_logs.lines(meta["namespace"], meta["name"]):
                yield line
        except (NotFound, Invalid):
            continue  # the pod is gone, or its container never started
        except ApiError as error:
            if must_read:
                raise
            log.warning("log of pod %s/%s is lost: %s", meta["namespace"], meta["name"], error)
