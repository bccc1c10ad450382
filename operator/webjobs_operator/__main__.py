"""The operator's process: ``python -m webjobs_operator --config FILE``."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from webjobs.model import API_VERSION
from webjobs.store import UMASK, ObjectStore, open_store
from webjobs.times import utc_now
from webjobs_kube.attach import attached, stderr_of
from webjobs_kube.client import KubeClient
from webjobs_kube.logs.pod_logs import PodLogs
from webjobs_kube.tasks import cancelled
from webjobs_operator import config as configuration
from webjobs_operator import metrics
from webjobs_operator.attach.connections import Sessions
from webjobs_operator.cluster import resync
from webjobs_operator.cluster.cache import Cache, Key
from webjobs_operator.cluster.workqueue import WorkQueue
from webjobs_operator.config import OperatorConfig
from webjobs_operator.logs.continuous_logs import ContinuousLogs
from webjobs_operator.logs.run_follower import RunFollowers
from webjobs_operator.reconcile.reconciler import Reconciler
from webjobs_operator.runs.offload import StoredRuns
from webjobs_operator.schedules.scheduler_log import SchedulerLog
from webjobs_operator.store.garbage_collector import GarbageCollector
from webjobs_operator.watching import handlers, watch

log = logging.getLogger("webjobs_operator")

MANAGER = "webjobs-operator"
WORKERS = 16


def main() -> None:
    """Runs until a signal."""
    parser = argparse.ArgumentParser(prog="webjobs-operator")
    parser.add_argument("--config", required=True, help="YAML file with the operator's settings")
    parser.add_argument("--metrics-port", type=int, default=8081, help="port of /metrics; 0: none")
    parser.add_argument("--health", default="http://0.0.0.0:8080/healthz", help="URL of the liveness answer")
    arguments = parser.parse_args()
    logging.basicConfig(
        level=os.environ.get("LOG_LEVEL", "INFO"), format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    logging.getLogger("kopf").setLevel(logging.WARNING)
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)  # nothing but probes
    os.umask(UMASK)
    if arguments.metrics_port:
        metrics.serve(arguments.metrics_port)
    gc.freeze()  # what was imported stays: each look at all of it would hold everything up by a tenth of a second
    asyncio.run(run(configuration.load(arguments.config), health=arguments.health))


async def run(config: OperatorConfig, *, health: str | None = None) -> None:
    """Run the operator; cancel it to stop."""
    async with await KubeClient.connect(manager=MANAGER) as kube:
        parts = build(config, kube)
        metrics.WAITING.set_function(parts.queue.depth)
        await _wait_for_crds(kube)
        log.info("watching %s", ", ".join(config.namespaces) or "all namespaces")
        told = handlers.Handlers(
            cache=parts.cache,
            queue=parts.queue,
            store=parts.store,
            scheduler_log=parts.scheduler_log,
            followers=parts.followers,
            stored_runs=parts.stored_runs,
        )
        watching = watch.run(identity=MANAGER, namespaces=config.namespaces, health=health, register=told.register)
        try:
            await until_one_ends(watching, parts.queue.run(parts.work_on), *beside(config, kube, parts))
        finally:
            await parts.close()


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What an operator is made of."""

    cache: Cache
    queue: WorkQueue[Key]
    store: ObjectStore
    scheduler_log: SchedulerLog
    followers: RunFollowers
    sessions: Sessions
    stored_runs: StoredRuns
    continuous_logs: ContinuousLogs
    reconciler: Reconciler

    async def work_on(self, key: Key) -> float | None:
        """Do what is to be done for one WebJob; gives the seconds until it is due again."""
        self.continuous_logs.observe(key)
        return await self.reconciler(key)

    async def close(self) -> None:
        """Store what is not stored yet, and end the connections."""
        closing = (self.followers, self.continuous_logs, self.stored_runs, self.sessions)
        await asyncio.gather(*(part.close() for part in closing))


def build(config: OperatorConfig, kube: KubeClient) -> Parts:
    """Make the parts of an operator; none of them does anything yet."""
    cache, store, queue = Cache(), open_store(config.store_url), WorkQueue[Key](workers=WORKERS)
    scheduler_log, pod_logs = SchedulerLog(store), PodLogs(kube)
    attach = partial(stderr_of, kube) if config.attach else None
    followers = RunFollowers(pod_logs=pod_logs, store=store, attach=attach)
    sessions = Sessions(partial(attached, kube), changed=queue.add)
    stored_runs = StoredRuns(kube=kube, cache=cache, store=store, add=queue.add, clock=utc_now)
    reconciler = Reconciler(
        kube=kube,
        cache=cache,
        store=store,
        config=config,
        clock=utc_now,
        log=scheduler_log,
        pod_logs=pod_logs,
        followers=followers,
        stored_runs=stored_runs,
        sessions=sessions,
    )
    return Parts(
        cache=cache,
        queue=queue,
        store=store,
        scheduler_log=scheduler_log,
        followers=followers,
        sessions=sessions,
        stored_runs=stored_runs,
        continuous_logs=ContinuousLogs(
            kube=kube, pod_logs=pod_logs, cache=cache, store=store, clock=utc_now, attach=attach
        ),
        reconciler=reconciler,
    )


def beside(config: OperatorConfig, kube: KubeClient, parts: Parts) -> Iterator[Coroutine[Any, Any, None]]:
    """Yield what goes on beside watches and passes."""
    kinds, namespaces = list(handlers.WATCHED), config.namespaces
    yield resync.run(kube=kube, cache=parts.cache, kinds=kinds, namespaces=namespaces, add=parts.queue.add)
    yield parts.scheduler_log.run()
    if config.package_grace:
        collector = GarbageCollector(
            kube=kube, store=parts.store, namespaces=namespaces, grace=config.package_grace, clock=utc_now
        )
        yield collector.run(timedelta(minutes=config.collection_period_minutes))


async def until_one_ends(*work: Coroutine[Any, Any, None]) -> None:
    """Runs all at once until one ends or fails, which ends the others; raises what that one raised.

    A process whose watches go on without its queue would be healthy and do nothing: it has to end, and begin anew.
    """
    tasks = [asyncio.create_task(one) for one in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        await cancelled(tasks)


async def _wait_for_crds(kube: KubeClient) -> None:
    """Resources that are missing at kopf's start are never watched, so it must not start before them."""
    while not {"webjobs", "webjobruns", "webjobschedules"} <= await kube.served(API_VERSION):
        log.warning("waiting for the CRDs of %s", API_VERSION)
        await asyncio.sleep(2)


if __name__ == "__main__":
    main()
