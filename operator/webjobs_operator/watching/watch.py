"""kopf as this operator uses it: it lists and watches, feeds the cache, and answers the liveness probe."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import kopf

from webjobs.store import ObjectStore
from webjobs_operator.cluster.cache import Cache, Key
from webjobs_operator.cluster.workqueue import WorkQueue
from webjobs_operator.logs.run_follower import Followers
from webjobs_operator.runs.offload import StoredRuns
from webjobs_operator.schedules.scheduler_log import SchedulerLog
from webjobs_operator.watching import handlers


async def run(
    *,
    identity: str,
    namespaces: Sequence[str],
    health: str | None,
    cache: Cache,
    queue: WorkQueue[Key],
    store: ObjectStore,
    scheduler_log: SchedulerLog,
    followers: Followers,
    stored_runs: StoredRuns,
) -> None:
    """Watch the cluster until cancelled.

    ``namespaces``: all when empty. ``health``: URL of the liveness answer; None: there is none.
    """
    registry, settings = kopf.OperatorRegistry(), kopf.OperatorSettings()
    handlers.configure(settings)
    handlers.register(
        registry,
        cache=cache,
        queue=queue,
        store=store,
        scheduler_log=scheduler_log,
        followers=followers,
        stored_runs=stored_runs,
    )
    _register_login(registry)
    await kopf.operator(
        registry=registry,
        settings=settings,
        # kopf would ask for the user's name otherwise, and a user id that is in no file has none.
        identity=identity,  # type: ignore[arg-type]  # a NewType of str, which kopf keeps to itself
        standalone=True,
        clusterwide=not namespaces,
        namespaces=namespaces,
        liveness_endpoint=health,
    )


def _register_login(registry: kopf.OperatorRegistry) -> None:
    """Log kopf in by itself: its usual way imports the whole synchronous client for it."""

    @kopf.on.login(registry=registry, retries=3)
    async def _login(**kwargs: Any) -> kopf.ConnectionInfo | None:
        if "KUBECONFIG" in os.environ:
            return kopf.login_with_kubeconfig(**kwargs)
        return kopf.login_with_service_account(**kwargs)
