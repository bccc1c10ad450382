"""The handlers that kopf calls.

Every event only updates the cache and makes a WebJob due; the work is in ``reconcile``. Index functions feed the cache,
because kopf calls no other handler before all indices are filled: the first pass over a WebJob sees all of its
children. No handler here makes kopf write anything to the objects.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import kopf

from webjobs import model
from webjobs.model import WebJobRun
from webjobs.store import ObjectStore, run_log_parts
from webjobs.store import run_logs as stored_logs
from webjobs_operator import metrics
from webjobs_operator.cluster.cache import Cache, Key, fields_of, selector_of
from webjobs_operator.cluster.workqueue import WorkQueue
from webjobs_operator.logs.run_archive import log_key
from webjobs_operator.logs.run_follower import RunFollowers
from webjobs_operator.runs.offload import StoredRuns
from webjobs_operator.schedules.scheduler_log import SchedulerLog
from webjobs_operator.watching.kopf_storage import NoDiffBase, NoProgress

log = logging.getLogger(__name__)

WATCHED: Mapping[str, tuple[str, str, str]] = {
    "WebJob": (model.GROUP, model.VERSION, "webjobs"),
    "WebJobRun": (model.GROUP, model.VERSION, "webjobruns"),
    "WebJobSchedule": (model.GROUP, model.VERSION, "webjobschedules"),
    "Deployment": ("apps", "v1", "deployments"),
    "CronJob": ("batch", "v1", "cronjobs"),
    "Job": ("batch", "v1", "jobs"),
    "Pod": ("", "v1", "pods"),
    "ConfigMap": ("", "v1", "configmaps"),
    "Secret": ("", "v1", "secrets"),
    "PersistentVolumeClaim": ("", "v1", "persistentvolumeclaims"),
}
"""Group, version and plural of the kinds that are watched."""


def configure(settings: kopf.OperatorSettings) -> None:
    """Set kopf's settings for this operator."""
    settings.peering.standalone = True
    settings.posting.level = logging.WARNING
    settings.posting.enabled = False  # events are our own
    settings.persistence.finalizer = f"{model.GROUP}/unused"
    settings.persistence.diffbase_storage = NoDiffBase()
    settings.persistence.progress_storage = NoProgress()
    settings.scanning.disabled = True  # needs no permission on CRDs and namespaces
    settings.networking.request_timeout = 30
    settings.networking.connect_timeout = 5
    # Rides through an API server's absence however long it is, instead of exiting after a minute of it.
    settings.networking.error_backoffs = _Endless()
    settings.watching.server_timeout = 300
    for kind, (group, _, plural) in WATCHED.items():
        if selector := selector_of(kind):
            settings.watching.label_selectors[group, plural] = selector
        if fields := fields_of(kind):
            settings.watching.field_selectors[group, plural] = fields


class _Endless:
    """Back-off in seconds, again and again from the start for each request."""

    def __iter__(self) -> Any:
        yield from (1, 1, 2, 3, 5)
        while True:
            yield 8


@dataclass(frozen=True, kw_only=True)
class Handlers:
    """The handlers of all watched kinds, and the parts that events are told to."""

    cache: Cache
    """Cache of the cluster, which takes in every event."""
    queue: WorkQueue[Key]
    """Queue of the WebJobs that are due."""
    store: ObjectStore
    """Store of the logs."""
    scheduler_log: SchedulerLog
    """Logs of the schedules, which go with their WebJob."""
    followers: RunFollowers
    """Followers of the logs of runs, which end with their run."""
    stored_runs: StoredRuns
    """Runs in the store, which go with their WebJob."""

    def register(self, registry: kopf.OperatorRegistry) -> None:
        """Register the handlers of all watched kinds."""
        for kind in WATCHED:
            self._register_kind(registry, kind)

    def _register_kind(self, registry: kopf.OperatorRegistry, kind: str) -> None:
        resource, name = WATCHED[kind], kind.lower()

        @kopf.index(*resource, id=f"{name}_cache", registry=registry)
        async def _observe(body: kopf.Body, **_: Any) -> None:
            self.cache.take(kind, _plain(body, kind))  # nothing is due before all indices are filled

        @kopf.on.event(*resource, id=f"{name}_event", registry=registry)
        async def _event(event: kopf.RawEvent, body: kopf.Body, **_: Any) -> None:
            plain = _plain(body, kind)
            due = await self._gone(kind, plain) if event["type"] == "DELETED" else self.cache.take(kind, plain)
            for key in due:
                self.queue.add(key)

    async def _gone(self, kind: str, body: Mapping[str, Any]) -> Sequence[Key]:
        """Drop an object that was deleted and what goes with it; return the WebJobs that are due by it."""
        due = self.cache.drop(kind, body)
        if kind == "WebJob":
            for key in due:
                self.scheduler_log.drop(key)
                metrics.forget(*key)
                if body["spec"].get("type") == "triggered":
                    self.stored_runs.drop(key)
        if kind == "WebJobRun":
            await _drop_logs(self.store, self.followers, self.stored_runs, body)
        return due


def _plain(body: kopf.Body, kind: str) -> dict[str, Any]:
    return {"kind": kind, **dict(body)}


async def _drop_logs(
    store: ObjectStore, followers: RunFollowers, stored_runs: StoredRuns, body: Mapping[str, Any]
) -> None:
    """Delete the logs of a run whose history entry was deleted, unless the entry is in the store now."""
    run = WebJobRun.parse(body)
    try:
        if await asyncio.wait_for(stored_runs.keeps(run), timeout=30):
            return
    except Exception:
        log.exception("the log of deleted run %s/%s stays", run.metadata.namespace, run.metadata.name)
        return
    # The status says that there are logs. Where, is computed: who may write a status must not choose what is deleted.
    key = log_key(run)
    there = {key: run.status.log_path, stored_logs.error_log_key(key): run.status.error_log_path}
    gone = [stored_logs.delete(store, own) for own, path in there.items() if path]
    if not run.ended:
        gone.append(_drop_parts(store, followers, key))
    for work in gone:
        try:
            await asyncio.wait_for(work, timeout=30)
        except Exception:
            log.exception("a log of deleted run %s/%s was not removed", run.metadata.namespace, run.metadata.name)


async def _drop_parts(store: ObjectStore, followers: RunFollowers, key: str) -> None:
    await followers.finish(key)  # it would write after the deletion
    await run_log_parts.delete(store, key)
