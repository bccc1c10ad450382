"""Are operator and shim there, as many as should be, and do they say that they are well? Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from webjobs import times
from webjobs_cli.doctor.facts import Facts
from webjobs_cli.doctor.finding import Finding
from webjobs_cli.doctor.installation import Installation, Part, Role

_RECENT = timedelta(hours=1)
_HELM = "'helm upgrade --install' of the chart makes it"
_PULL = "Look at the name of the image and its registry (image, imagePullSecrets of the chart)."
_CURES: Mapping[str, str] = {
    "ImagePullBackOff": _PULL,
    "ErrImagePull": _PULL,
    "InvalidImageName": _PULL,
    "Unschedulable": "More nodes, or smaller operator.resources and apiserver.resources of the chart; while the store "
    "is a ReadWriteOnce volume, the shim has to be on the operator's node.",
    "CreateContainerConfigError": "Make the Secret or ConfigMap that it names, or take it out of the chart's values.",
    "OOMKilled": "Give it more memory: operator.resources or apiserver.resources of the chart.",
}


def check(facts: Facts) -> Iterator[Finding]:
    """Yield what is the case with each operator and shim."""
    for one in facts.installations:
        for role, part in (("operator", one.operator), ("shim", one.shim)):
            if part is None:
                yield _absent(one, "operator" if role == "operator" else "shim")
            else:
                found = list(_part(part, one, now=facts.now))
                yield from found
                if not any(finding.level == "bad" for finding in found):
                    yield Finding(level="ok", subject=role, what=_well(part, one))
    if not facts.installations and (facts.looked_everywhere or facts.looked_in):
        where = facts.looked_in or "this cluster"
        yield Finding(
            level="bad",
            subject="operator",
            what=f"there is no installation in {where}: no Deployment is an operator of WebJobs",
            do="Install the chart (docs/first-steps-helm.md), or choose another context by --context.",
        )


def _absent(one: Installation, role: Role) -> Finding:
    does = (
        "nothing runs or is scheduled" if role == "operator" else "no REST client gets an answer, and no large package"
    )
    return Finding(
        level="bad", subject=role, what=f"{one.label} has no Deployment of the {role}: {does}", do=f"{_HELM} again."
    )


def _well(part: Part, one: Installation) -> str:
    said = f"; it says that it is well ({part.answer.text.strip()[:20]})" if part.answer else ""
    if part.answer and part.answer.text[:1] in "{[":
        said = "; it says that it is well"
    ready = (part.deployment.get("status") or {}).get("availableReplicas", 0)
    return f"{one.namespace}/{part.name}: {ready} of {part.replicas} available{said}"


def _part(part: Part, one: Installation, *, now: datetime) -> Iterator[Finding]:
    meta, status = part.deployment["metadata"], part.deployment.get("status") or {}
    where = f"{one.namespace}/{part.name}"
    if part.replicas == 0:
        yield Finding(
            level="bad",
            subject=part.role,
            what=f"{where} is scaled to 0",
            do=f"kubectl scale deployment {part.name} -n {one.namespace} --replicas=1",
        )
        return
    if part.deployment["spec"].get("paused"):
        yield Finding(
            level="warn",
            subject=part.role,
            what=f"{where} is paused: changes of it have no effect",
            do=f"kubectl rollout resume deployment {part.name} -n {one.namespace}",
        )
    yield from _too_many(part, one)
    available = int(status.get("availableReplicas") or 0)
    if available < part.replicas:
        why, do = _why(part, status)
        missing = "none" if not available else f"only {available}"
        yield Finding(
            level="warn" if available else "bad",
            subject=part.role,
            what=f"{where}: {missing} of {part.replicas} available{f': {why}' if why else ''}",
            do=do or f"kubectl describe pods and kubectl logs of deployment/{part.name} in {one.namespace} say why.",
        )
    elif (status.get("observedGeneration") or 0) < (meta.get("generation") or 0) or int(
        status.get("updatedReplicas") or 0
    ) < part.replicas:
        yield Finding(
            level="warn",
            subject=part.role,
            what=f"{where} is being rolled out",
            do=f"kubectl rollout status deployment/{part.name} -n {one.namespace} waits for its end; then ask again.",
        )
    yield from _restarts(part, where, now=now)
    yield from _health(part, where)


def _too_many(part: Part, one: Installation) -> Iterator[Finding]:
    """Yield a finding for more operators than share the work: the chart rolls one that is alone by Recreate."""
    alone = (part.deployment["spec"].get("strategy") or {}).get("type") == "Recreate"
    if part.role == "operator" and alone and part.replicas > 1:
        yield Finding(
            level="bad",
            subject=part.role,
            what=f"{one.namespace}/{part.name} is scaled to {part.replicas}, and each of them does everything",
            do=f"kubectl scale deployment {part.name} -n {one.namespace} --replicas=1",
        )


def _why(part: Part, status: Mapping[str, Any]) -> tuple[str, str]:
    """Return why a Deployment has too few pods that are ready, and what to do; empty texts when nothing says it."""
    for pod in part.pods:
        reason, message = pod_problem(pod)
        if reason:
            return f"{reason}{f': {message}' if message else ''}", _CURES.get(reason, "")
    for condition in status.get("conditions") or []:
        if condition["type"] == "ReplicaFailure" and condition["status"] == "True":
            do = "Meet the policy, raise the quota, or make the service account: what the message names."
            return f"its pods are refused: {condition.get('message', '')}", do
    return "", ""


def pod_problem(pod: Mapping[str, Any]) -> tuple[str, str]:
    """Return reason and message of what keeps a pod from being ready; empty texts when nothing is said."""
    status = pod.get("status") or {}
    for one in [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]:
        waiting = (one.get("state") or {}).get("waiting") or {}
        if waiting.get("reason") not in (None, "ContainerCreating", "PodInitializing"):
            last = (one.get("lastState") or {}).get("terminated") or {}
            if waiting["reason"] == "CrashLoopBackOff" and last:
                if last.get("reason") == "OOMKilled":
                    return "OOMKilled", "it needs more memory than its limit"
                return "CrashLoopBackOff", f"its process ends with exit code {last.get('exitCode')}"
            return str(waiting["reason"]), str(waiting.get("message", ""))
    for condition in status.get("conditions") or []:
        if condition["type"] == "PodScheduled" and condition["status"] == "False":
            return str(condition.get("reason") or "Unschedulable"), str(condition.get("message", ""))
    return "", ""


def _restarts(part: Part, where: str, *, now: datetime) -> Iterator[Finding]:
    for pod in part.pods:
        for one in (pod.get("status") or {}).get("containerStatuses") or []:
            last = (one.get("lastState") or {}).get("terminated") or {}
            ended = times.parse_time(last.get("finishedAt"))
            if one.get("ready") and int(one.get("restartCount") or 0) > 2 and now - ended < _RECENT:
                reason = str(last.get("reason") or "Error")
                yield Finding(
                    level="warn",
                    subject=part.role,
                    what=f"{where} was started {one['restartCount']} times anew, the last time after {reason}",
                    do=_CURES.get(reason) or f"kubectl logs -p {pod['metadata']['name']} shows how it ended.",
                )


def _health(part: Part, where: str) -> Iterator[Finding]:
    answer = part.answer
    if answer is None or answer.status < 400:
        return
    text = answer.text.strip()
    do = f"kubectl logs deployment/{part.name} says more."
    if text == "no credentials":
        do = "See what is said of credentials: the default site's need the keys username and password."
    elif part.role == "shim" and "not all jobs are known" in text:
        do = "It lists WebJobs for the first time. If that goes on, its rights in a site are missing, or the CRDs."
    yield Finding(level="bad", subject=part.role, what=f"{where} says that it is not well: {text}", do=do)
