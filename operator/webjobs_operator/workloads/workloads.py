"""The children that follow from the spec of a WebJob: ConfigMap, claim, Deployment, CronJob."""

from __future__ import annotations

from datetime import datetime, timedelta

from webjobs import pods
from webjobs.model import ANNOTATION_HASH, WebJob
from webjobs.objects import Object, owners_of
from webjobs.runs.manifest import is_owned
from webjobs.schedules.plan import Plan
from webjobs.store import ObjectStore
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import Forbidden, Invalid, NotFound
from webjobs_operator.cluster.cache import Cache
from webjobs_operator.config import OperatorConfig
from webjobs_operator.context.facts import Facts, FactsReader
from webjobs_operator.context.readiness import Readiness
from webjobs_operator.manifests import children, limits, package_content
from webjobs_operator.manifests.borrow import Borrowed, borrow, missing
from webjobs_operator.manifests.merge import covers
from webjobs_operator.manifests.program import Program, Unrunnable, resolve
from webjobs_operator.manifests.site import of_site
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

    async def ensure(self, read: FactsReader, plan: Plan) -> tuple[Readiness, list[datetime]]:
        """Make the children what the spec asks for.

        Returns whether the job can run, and when to look again. ``plan``: of the WebJob's own schedule.
        """
        facts = read()
        webjob, due = facts.webjob, list[datetime]()
        if webjob.spec.from_deployment:
            due.append(facts.now + LOOK_AGAIN)  # the operator's watch has no Deployments but its own
        try:
            limits.check_webjob(webjob, self._config.limits)
            program = resolve(webjob, self._config, borrowed=await self._borrowed(facts))
            program = of_site(program, webjob, site=facts.site, content=facts.site_content, config=self._config)
            # Before anything is made: the limits of the installation may refuse the pod.
            workload = wanted(facts, program=program, plan=plan, config=self._config)
            if workload is None and self._config.limits.concern_pods:
                children.job_template(webjob, program=program, config=self._config)
            if program.config_map and not _has(facts, "ConfigMap", program.config_map):
                files = await package_content.content(self._store, webjob, program)
                due += await self._ensure(facts, children.config_map(webjob, name=program.config_map, files=files))
            due += await self._ensure_data(facts)
            if workload:
                due += await self._ensure(facts, workload)
            else:
                await self._remove(facts, "CronJob")
        except Unrunnable as problem:
            if problem.reason in _CURED_ELSEWHERE:
                due.append(facts.now + _CURED_ELSEWHERE[problem.reason])
            if problem.stops:
                await self._remove(facts, "Deployment")
                await self._remove(facts, "CronJob")
            return Readiness(problem=problem), due
        for body in old_packages(read(), program):
            await self._writes.delete_object(facts.key, "ConfigMap", body)
        return Readiness(program=program), due

    async def _borrowed(self, facts: Facts) -> Borrowed | None:
        """Return what the WebJob takes from a Deployment, which is asked for in every pass."""
        source = facts.webjob.spec.from_deployment
        if source is None:
            return None
        try:
            return borrow(await self._kube.get("Deployment", facts.key[0], source.name), source)
        except NotFound:
            raise missing(source, facts.key[0]) from None

    async def _ensure_data(self, facts: Facts) -> list[datetime]:
        claim = children.data_claim(facts.webjob)
        if claim is None:
            return []  # one that was made before stays until the WebJob goes: nobody asked to delete its data
        return await self._ensure(facts, claim)

    async def _ensure(self, facts: Facts, manifest: Object) -> list[datetime]:
        """Apply a child unless it is there as wanted; return when to look again, while one of its name is going.

        Raises Unrunnable when its name belongs to somebody else.
        """
        kind, meta = manifest["kind"], manifest["metadata"]
        there = facts.objects[kind].get(meta["name"])
        if there is None:
            try:
                there = await self._kube.get(kind, meta["namespace"], meta["name"])
            except NotFound:
                there = None
        if there is not None:
            if there["metadata"].get("deletionTimestamp") or is_left_behind(there, facts.webjob):
                return [facts.now + timedelta(seconds=1)]
            if not is_owned(there, facts.webjob.metadata.uid):
                raise Unrunnable(
                    "NameTaken",
                    f"There is a {kind} called {meta['name']} that does not belong to this WebJob. Delete it, or give "
                    "the WebJob another name.",
                )
            if is_owned(there, facts.webjob.metadata.uid) and is_as_wanted(there, manifest):
                self._cache.observe(kind, there)
                return []
        try:
            self._cache.observe(kind, await self._kube.apply(manifest))
        except (Invalid, Forbidden) as error:  # a quota or a policy may let it pass later
            text = f"The {kind} was refused: {error.message}"[:1024]
            passes = isinstance(error, Forbidden)
            raise Unrunnable("ChildRefused", text, passes=passes, ends=passes) from error
        return []

    async def _remove(self, facts: Facts, kind: str) -> None:
        there = facts.objects[kind].get(facts.key[1])
        if there and is_owned(there, facts.webjob.metadata.uid) and not there["metadata"].get("deletionTimestamp"):
            await self._writes.delete_object(facts.key, kind, there)


def wanted(facts: Facts, *, program: Program, plan: Plan, config: OperatorConfig) -> Object | None:
    """Return the workload that a WebJob is to have: a Deployment, a CronJob, or none. Pure."""
    webjob = facts.webjob
    if webjob.spec.type == "continuous":
        return children.deployment(webjob, program=program, config=config, app_settings=facts.site.digest)
    if plan.cron:
        zone = webjob.spec.time_zone
        return children.cron_job(webjob, program=program, config=config, expression=plan.cron, time_zone=zone)
    return None


def _has(facts: Facts, kind: str, name: str) -> bool:
    """Return whether a child is there, and the WebJob's."""
    there = facts.objects[kind].get(name)
    return there is not None and is_owned(there, facts.webjob.metadata.uid)


def is_left_behind(there: Object, webjob: WebJob) -> bool:
    """Return whether a child is of an earlier WebJob of the same name: Kubernetes is about to collect it. Pure."""
    owners = owners_of(there)
    return bool(owners) and all(
        owner["kind"] == "WebJob" and owner["name"] == webjob.metadata.name and owner["uid"] != webjob.metadata.uid
        for owner in owners
    )


def is_as_wanted(there: Object, manifest: Object) -> bool:
    """Return whether a child that is there needs no write to be as its manifest wants it. Pure."""
    if manifest["kind"] == "ConfigMap":
        return True  # its name holds the digest of its content, and it can't change
    digests = [one["metadata"].get("annotations", {}).get(ANNOTATION_HASH) for one in (there, manifest)]
    return digests[0] == digests[1] and covers(there.get("spec"), manifest.get("spec"))


def old_packages(facts: Facts, program: Program) -> list[Object]:
    """Return the ConfigMaps of packages that nothing uses any more. Pure."""
    maps = {
        name: body for name, body in facts.objects["ConfigMap"].items() if is_owned(body, facts.webjob.metadata.uid)
    }
    if not set(maps) - {program.config_map}:
        return []
    workloads = [body for kind in ("Deployment", "CronJob") for body in facts.objects[kind].values()]
    workloads += [job for job in facts.jobs.values() if not pods.is_finished(job)]
    workloads += [pod for pod in facts.pods if not pods.is_over(pod)]
    used = retention.used_config_maps(workloads) | {program.config_map}
    return [body for name, body in maps.items() if name not in used]
