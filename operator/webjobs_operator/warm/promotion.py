"""What becomes of a Job that waited once a run has taken it: that run's own, with its time limit and its requests."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from math import ceil

from webjobs import times
from webjobs.model import Metadata, WebJobRun
from webjobs.objects import Object
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import ApiError, Conflict
from webjobs_operator.cluster.cache import Cache
from webjobs_operator.cluster.writes import change
from webjobs_operator.context import armed_jobs
from webjobs_operator.context.facts import Facts
from webjobs_operator.manifests import children, requests

log = logging.getLogger(__name__)


SHORT = timedelta(seconds=2)
"""Age up to which a run is short: its output is with its connection, and it needs nothing else."""
_AGAIN = timedelta(minutes=5)
"""How long a pod that was refused what its run requests does not ask again."""


class Promotion:
    """The writes about Jobs that waited, after those that start their runs."""

    def __init__(self, *, kube: KubeClient, cache: Cache) -> None:
        self._kube = kube
        self._cache = cache
        self._refusals: dict[str, datetime] = {}
        """UIDs of pods that were refused what their run requests, and until when nobody asks again."""

    async def adopt(self, facts: Facts, run: WebJobRun, job: Object) -> list[datetime]:
        """Make the Job the run's own, with its time limit; short runs are over before that is worth a write.

        Returns when it will be.
        """
        if armed_jobs.run_of(job) is not None or not armed_jobs.is_staying(job):
            return []
        limit, begun = facts.webjob.spec.timeout_seconds, times.parse_time(run.status.process_start_time)
        if limit is None and begun + SHORT > facts.now:
            return [begun + SHORT]
        up = times.parse_time(job.get("status", {}).get("startTime") or job["metadata"]["creationTimestamp"])
        deadline = ceil((begun - up).total_seconds()) + limit if limit else None
        patch = children.adoption_patch(run, deadline=deadline)
        self._cache.observe("Job", await self._kube.patch("Job", facts.key[0], job["metadata"]["name"], patch))
        return []

    async def enlarge(self, facts: Facts, run: WebJobRun, pods: Sequence[Object]) -> list[datetime]:
        """Give the pods what their run requests, when it is no short one; a refusal is no reason to end it.

        Returns when to do so, or to try again.
        """
        due: list[datetime] = []
        for pod in filter(armed_jobs.is_up, pods):
            patch = requests.resize(pod)
            if patch is None:
                continue
            begun = times.parse_time(run.status.process_start_time)
            earliest = max(begun + SHORT, self._refusals.get(pod["metadata"]["uid"], begun))
            if earliest > facts.now:
                due.append(earliest)
            else:
                due += await self._resize(facts, pod, patch)
        return due

    async def _resize(self, facts: Facts, pod: Object, patch: Object) -> list[datetime]:
        meta = Metadata.model_validate(pod["metadata"])
        try:
            await change(self._kube, self._cache, "Pod", meta, patch, subresource="resize")
        except Conflict:
            raise
        except ApiError as error:
            if not error.is_refusal:
                raise
            log.warning("pod %s/%s goes on with what it requested as it waited: %s", *facts.key, error)
            self._refusals = {uid: until for uid, until in self._refusals.items() if until > facts.now}
            self._refusals[meta.uid] = facts.now + _AGAIN
            return [facts.now + _AGAIN]
        return []
