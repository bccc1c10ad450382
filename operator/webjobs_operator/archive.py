"""The log of an ended run, from its pods into the store, before anything lets the pods go."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from webjobs import logs, runs
from webjobs.model import WebJob, WebJobRun
from webjobs.store import ObjectStore
from webjobs.store import logs as stored_logs
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import ApiError, Invalid, NotFound
from webjobs_operator.manifests.pod import CONTAINER
from webjobs_operator.states import newest_pod

log = logging.getLogger(__name__)

GIVE_UP = timedelta(minutes=10)
"""A node that does not give its log for so long after the end is taken for lost."""


async def archive(
    *,
    kube: KubeClient,
    store: ObjectStore,
    webjob: WebJob,
    run: WebJobRun,
    pods: Sequence[Mapping[str, Any]],
    now: datetime,
) -> str:
    """Stores the log of a run whose status says how it ended; gives its key in the store.

    Repeating it is safe: the key is the same, and the stored log is replaced as a whole. Raises ApiError while the
    log can't be read now but may be later.
    """
    key = stored_logs.run_log_key(
        namespace=run.metadata.namespace, webjob=webjob.metadata.name, run_id=runs.run_id(run)
    )
    header = logs.run_log(webjob, run, newest_pod(pods))
    ended = runs.parse_time(run.status.end_time)
    lines = _output(kube, pods, must_read=now - ended < GIVE_UP)
    await stored_logs.write(store, key, logs.render(header, lines))
    return key


async def _output(kube: KubeClient, pods: Sequence[Mapping[str, Any]], *, must_read: bool) -> AsyncIterator[str]:
    """Lines of all attempts in their order."""
    for pod in sorted(pods, key=lambda pod: (pod["metadata"]["creationTimestamp"], pod["metadata"]["name"])):
        meta = pod["metadata"]
        try:
            async for line in kube.log_lines(meta["namespace"], meta["name"], container=CONTAINER):
                yield line
        except (NotFound, Invalid):
            continue  # the pod is gone, or its container never started
        except ApiError as error:
            if must_read:
                raise
            log.warning("log of pod %s/%s is lost: %s", meta["namespace"], meta["name"], error)
