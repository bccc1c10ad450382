"""The operator's process: ``python -m webjobs_operator --config FILE``."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import kopf

from webjobs.model import API_VERSION
from webjobs.store import UMASK, open_store
from webjobs_kube.attach import attached, stderr_of
from webjobs_kube.client import KubeClient
from webjobs_kube.logs.pod_logs import PodLogs
from webjobs_operator import config as configuration
from webjobs_operator import metrics
from webjobs_operator.attach.connections import Sessions
from webjobs_operator.cluster import resync
from webjobs_operator.cluster.cache import Cache, Key
from webjobs_operator.cluster.workqueue import WorkQueue
from webjobs_operator.logs.continuous_logs import WorkerLogs
from webjobs_operator.logs.run_follower import Followers
from webjobs_operator.reconcile.reconciler import Reconciler
from webjobs_operator.runs.offload import StoredRuns
from webjobs_operator.schedules.scheduler_log import SchedulerLog
from webjobs_operator.store.garbage_collector import Collector
from webjobs_operator.tasks import cancelled
from webjobs_operator.watching import handlers

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


async def run(config: configuration.OperatorConfig, *, health: str | None = None) -> None:
    """The operator as one coroutine; cancel it to stop."""
    registry = kopf.OperatorRegistry()
    settings = kopf.OperatorSettings()
    handlers.configure(settings)
    _register_login(registry)
    cache, store = Cache(), open_store(config.store_url)
    async with await KubeClient.connect(manager=MANAGER) as kube:
        scheduler_log, pod_logs = SchedulerLog(store), PodLogs(kube)
        attach = partial(stderr_of, kube) if config.attach else None
        followers = Followers(pod_logs=pod_logs, store=store, attach=attach)
        sessions = Sessions(partial(attached, kube), changed=lambda key: queue.add(key))
        stored_runs = StoredRuns(
            kube=kube,
            cache=cache,
            store=store,
            objects=config.history_objects,
            add=lambda key: queue.add(key),  # which is made below
            clock=_utc_now,
        )
        reconciler = Reconciler(
            kube=kube,
            cache=cache,
            store=store,
            config=config,
            clock=_utc_now,
            log=scheduler_log,
            pod_logs=pod_logs,
            followers=followers,
            stored_runs=stored_runs,
            sessions=sessions,
        )
        worker_logs = WorkerLogs(kube=kube, pod_logs=pod_logs, cache=cache, store=store, clock=_utc_now, attach=attach)

        async def work_on(key: Key) -> float | None:
            worker_logs.observe(key)
            return await reconciler(key)

        queue: WorkQueue[Key] = WorkQueue(work_on, workers=WORKERS)
        handlers.register(
            registry,
            cache=cache,
            queue=queue,
            store=store,
            scheduler_log=scheduler_log,
            followers=followers,
            stored_runs=stored_runs,
        )
        metrics.WAITING.set_function(queue.depth)
        await _wait_for_crds(kube)
        compare = resync.run(
            kube=kube, cache=cache, kinds=list(handlers.WATCHED), namespaces=config.namespaces, add=queue.add
        )
        beside: list[Coroutine[Any, Any, None]] = [compare, scheduler_log.run()]
        if config.package_grace:
            collector = Collector(
                kube=kube, store=store, namespaces=config.namespaces, grace=config.package_grace, clock=_utc_now
            )
            beside.append(collector.run(timedelta(minutes=config.collection_period_minutes)))
        log.info("watching %s", ", ".join(config.namespaces) or "all namespaces")
        watching = kopf.operator(
            registry=registry,
            settings=settings,
            # kopf would ask for the user's name otherwise, and a user id that is in no file has none.
            identity=MANAGER,  # type: ignore[arg-type]  # a NewType of str, which kopf keeps to itself
            standalone=True,
            clusterwide=not config.namespaces,
            namespaces=config.namespaces,
            liveness_endpoint=health,
        )
        try:
            await until_one_ends(watching, queue.run(), *beside)
        finally:
            await asyncio.gather(followers.close(), worker_logs.close(), stored_runs.close(), sessions.close())


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


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _register_login(registry: kopf.OperatorRegistry) -> None:
    """Logs kopf in by itself: its usual way imports the whole synchronous client for it."""

    @kopf.on.login(registry=registry, retries=3)
    async def _login(**kwargs: Any) -> kopf.ConnectionInfo | None:
        if "KUBECONFIG" in os.environ:
            return kopf.login_with_kubeconfig(**kwargs)
        return kopf.login_with_service_account(**kwargs)


async def _wait_for_crds(kube: KubeClient) -> None:
    """Resources that are missing at kopf's start are never watched, so it must not start before them."""
    while not {"webjobs", "webjobruns", "webjobschedules"} <= await kube.served(API_VERSION):
        log.warning("waiting for the CRDs of %s", API_VERSION)
        await asyncio.sleep(2)


if __name__ == "__main__":
    main()
