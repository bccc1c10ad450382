"""The pods of continuous jobs' instances: which pod of a singleton may start, and which pods are replaced to restart.

A singleton's pods are made with a scheduling gate, and one is let in once no other can run: a Deployment alone starts a
new pod while the old one still goes, when it is deleted, drained, or on a node that does not answer. A pod is replaced
when Kubernetes would start its process again too late.
"""

from __future__ import annotations

from datetime import datetime

from webjobs.model import LABEL_WEBJOB
from webjobs.pods import is_of_webjob
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import Conflict, NotFound
from webjobs_operator.cluster.cache import Cache
from webjobs_operator.context.facts import Facts
from webjobs_operator.continuous import instances
from webjobs_operator.manifests.children import SINGLETON_GATE
from webjobs_operator.runs.writes import RunWrites


class InstancePods:
    """The keeper of the pods of continuous jobs, which writes to them."""

    def __init__(self, *, kube: KubeClient, cache: Cache, writes: RunWrites) -> None:
        self._kube = kube
        self._cache = cache
        self._writes = writes

    async def tend(self, facts: Facts) -> list[datetime]:
        """Let in the pods that wait and may start; replace the pod of a process whose time has come.

        Returns when the time of others comes.
        """
        due: list[datetime] = []
        if instances.admissible(facts.pods, singleton=facts.webjob.singleton):
            await self._admit(facts)
        delay = facts.webjob.spec.restart_delay_seconds
        for pod in facts.pods:
            coming = instances.restart(pod, delay=delay)
            if coming is None:
                continue
            replace_at = coming.replace_at()
            due += [when for when in (coming.at, replace_at) if when and when > facts.now]
            if replace_at and replace_at <= facts.now:
                await self._writes.delete_object(facts.key, "Pod", pod)
        return due

    async def _admit(self, facts: Facts) -> None:
        """Let in the pods that may start, by what the API server says now.

        What a watch has not yet told of counts most.
        """
        namespace, name = facts.key
        listed = await self._kube.list("Pod", namespace, selector=f"{LABEL_WEBJOB}={name}")
        pods = [pod for pod in listed if is_of_webjob(pod, name)]
        for pod in instances.admissible(pods, singleton=facts.webjob.singleton):
            meta = pod["metadata"]
            gates = [gate for gate in pod["spec"]["schedulingGates"] if gate["name"] != SINGLETON_GATE]
            # The version: a pod that anything happened to since is looked at anew.
            body = {
                "metadata": {"uid": meta["uid"], "resourceVersion": meta["resourceVersion"]},
                "spec": {"schedulingGates": gates or None},
            }
            try:
                self._cache.observe("Pod", await self._kube.patch("Pod", namespace, meta["name"], body))
            except (Conflict, NotFound):
                continue  # its watch tells, and makes this due again
