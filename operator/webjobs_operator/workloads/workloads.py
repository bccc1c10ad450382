"""The children that follow from the spec of a WebJob: ConfigMap, claim, Deployment, CronJob."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from webjobs import pods
from webjobs.model import ANNOTATION_HASH
from webjobs.store import ObjectStore
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import ApiError, Invalid, NotFound
from webjobs_operator.cluster.cache import Cache
from webjobs_operator.cluster.events import event, post
from webjobs_operator.config import OperatorConfig
from webjobs_operator.context.reconcile_context import Pass
from webjobs_operator.manifests import children, package_content
from webjobs_operator.manifests.borrow import Borrowed, borrow, missing
from webjobs_operator.manifests.merge import covers
from webjobs_operator.manifests.program import Unrunnable, resolve
from webjobs_operator.runs import retention
from webjobs_operator.runs.writes import RunWrites

LOOK_AGAIN = timedelta(minutes=1)
"""Time after which a problem is looked at again whose end no watch tells of."""
STORE_AGAIN = timedelta(seconds=10)
"""Time after which a store that does not answer is asked again."""
_CURED_ELSEWHERE = {
    "PackageMissing": LOOK_AGAIN,
    "NameTaken": LOOK_AGAIN,
    "ChildRefused": LOOK_AGAIN,
    "DeploymentMissing": LOOK_AGAIN,
    "StoreUnavailable": STORE_AGAIN,
}
"""Problems whose end no watch of the operator tells of, and when to look again."""


class Workloads:
    """The keeper of the children of WebJobs: it makes, changes and removes them."""

    def __init__(
        self, *, kube: KubeClient, cache: Cache, store: ObjectStore, config: OperatorConfig, writes: RunWrites
    ) -> None:
        self._kube = kube
        self._cache = cache
        self._store = store
        self._config = config
        self._writes = writes

    async def ensure(self, this: Pass) -> None:
        """Make the children what the spec asks for; leave in the pass why the job can't run."""
        webjob = this.webjob
        try:
            this.program = resolve(webjob, self._config, borrowed=await self._borrowed(this))
            await self._ensure_package(this)
            await self._ensure_data(this)
            if webjob.spec.type == "continuous":
                await self._ensure(
                    this,
                    children.deployment(
                        webjob, program=this.program, config=self._config, app_settings=this.site.digest
                    ),
                )
            elif this.plan.cron:
                await self._ensure(
                    this,
                    children.cron_job(
                        webjob,
                        program=this.program,
                        config=self._config,
                        expression=this.plan.cron,
                        time_zone=webjob.spec.time_zone,
                    ),
                )
            else:
                await self._remove(this, "CronJob", webjob.metadata.name)
        except Unrunnable as problem:
            this.problem = problem
            if problem.reason in _CURED_ELSEWHERE:
                this.due.append(this.now + _CURED_ELSEWHERE[problem.reason])
            if problem.reason == "NothingToRun":  # what it ran before is not its program any more
                for kind in ("Deployment", "CronJob"):
                    await self._remove(this, kind, webjob.metadata.name)
            if not any(c.type == "Ready" and c.reason == problem.reason for c in webjob.status.conditions):
                await post(
                    self._kube,
                    event(
                        "WebJob",
                        webjob.metadata,
                        level="Warning",
                        reason=problem.reason,
                        message=problem.message,
                        now=this.now,
                    ),
                )
        else:
            await self._remove_old_packages(this)

    async def _borrowed(self, this: Pass) -> Borrowed | None:
        """Return what the WebJob takes from a Deployment.

        Asked for in every pass and once a minute: the operator's watch has no Deployments but its own.
        """
        source = this.webjob.spec.from_deployment
        if source is None:
            return None
        this.due.append(this.now + LOOK_AGAIN)
        try:
            return borrow(await self._kube.get("Deployment", this.key[0], source.name), source)
        except NotFound:
            raise missing(source, this.key[0]) from None

    async def _ensure_package(self, this: Pass) -> None:
        name = this.program.config_map if this.program else None
        if name is None or self._cache.get("ConfigMap", this.key, name):
            return
        content = await package_content.content(self._store, this.webjob)
        await self._ensure(this, children.config_map(this.webjob, name=name, package=content))

    async def _ensure_data(self, this: Pass) -> None:
        claim = children.data_claim(this.webjob)
        if claim is None:
            return  # one that was made before stays until the WebJob goes: nobody asked to delete its data
        try:
            await self._ensure(this, claim)
        except ApiError as error:
            if error.status != 403:  # a quota, or a storage class that can't grow
                raise
            raise Unrunnable(
                "ChildRefused", f"The PersistentVolumeClaim was refused: {error.message}"[:1024]
            ) from error

    async def _ensure(self, this: Pass, manifest: dict[str, Any]) -> None:
        """Apply a child unless it is there as wanted.

        Raises Unrunnable when its name belongs to somebody else.
        """
        kind, meta = manifest["kind"], manifest["metadata"]
        there = self._cache.get(kind, this.key, meta["name"])
        if there is None:
            try:
                there = await self._kube.get(kind, meta["namespace"], meta["name"])
            except NotFound:
                there = None
        if there is not None:
            if there["metadata"].get("deletionTimestamp"):
                this.due.append(this.now + timedelta(seconds=1))
                return
            owners = {o["uid"] for o in there["metadata"].get("ownerReferences", []) if o.get("controller")}
            if this.webjob.metadata.uid not in owners:
                raise Unrunnable(
                    "NameTaken",
                    f"There is a {kind} called {meta['name']} that does not belong to this WebJob. Delete it, or give "
                    "the WebJob another name.",
                )
            wanted_hash = meta.get("annotations", {}).get(ANNOTATION_HASH)
            same_hash = there["metadata"].get("annotations", {}).get(ANNOTATION_HASH) == wanted_hash
            if kind == "ConfigMap" or (same_hash and covers(there.get("spec"), manifest.get("spec"))):
                self._cache.observe(kind, there)
                return
        try:
            self._cache.observe(kind, await self._kube.apply(manifest))
        except Invalid as error:
            raise Unrunnable("ChildRefused", f"The {kind} was refused: {error.message}"[:1024]) from error

    async def _remove(self, this: Pass, kind: str, name: str) -> None:
        there = self._cache.get(kind, this.key, name)
        if there and not there["metadata"].get("deletionTimestamp"):
            await self._writes.delete_object(this, kind, there)

    async def _remove_old_packages(self, this: Pass) -> None:
        maps = self._cache.of("ConfigMap", this.key)
        current = this.program.config_map if this.program else None
        if not set(maps) - {current}:
            return
        workloads = [body for kind in ("Deployment", "CronJob") for body in self._cache.of(kind, this.key).values()]
        workloads += [job for job in self._cache.of("Job", this.key).values() if not pods.is_finished(job)]
        workloads += [pod for pod in self._cache.of("Pod", this.key).values() if not pods.is_over(pod)]
        used = retention.used_config_maps(workloads) | {current}
        for name, body in list(maps.items()):
            if name not in used:
                await self._writes.delete_object(this, "ConfigMap", body)
