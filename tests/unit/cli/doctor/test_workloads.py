"""Operators and shims that are away or not well."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.unit.cli.doctor.broken import Break, Broken, deployment, down, scaled
from tests.unit.cli.doctor.installed import NOW, Installed, facts_of, healthy
from webjobs.times import rfc3339
from webjobs_cli.doctor.checks import workloads


def waiting(part: str, why: str, message: str = "", **last: Any) -> Break:
    state = {"waiting": {"reason": why, "message": message}}
    return lambda kube: down(kube, part, state=state, lastState={"terminated": last} if last else {})


def unscheduled(kube: Installed) -> None:
    down(kube, "apiserver")
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes"}
    kube.at("Pod", "webjobs-apiserver-1a2b-x")["status"]["conditions"] = [condition]


def refused_pods(kube: Installed) -> None:
    kube.drop("Pod", "webjobs-operator-1a2b-x")
    condition = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota: small"}
    deployment(kube, "operator")["status"] = {"observedGeneration": 1, "conditions": [condition]}


def unwell(path: str, text: str) -> Break:
    def do(kube: Installed) -> None:
        kube.answers[path] = (503, text)

    return do


def restarts(kube: Installed) -> None:
    ended = {"reason": "OOMKilled", "finishedAt": rfc3339(NOW - timedelta(minutes=9))}
    one = {"ready": True, "restartCount": 7, "lastState": {"terminated": ended}}
    kube.at("Pod", "webjobs-operator-1a2b-x")["status"]["containerStatuses"] = [one]


def rolling(kube: Installed) -> None:
    deployment(kube, "apiserver")["status"]["updatedReplicas"] = 0


def half_there(kube: Installed) -> None:
    scaled("apiserver", 2)(kube)
    deployment(kube, "apiserver")["status"]["availableReplicas"] = 1


def paused(kube: Installed) -> None:
    deployment(kube, "operator")["spec"]["paused"] = True


def nothing_installed(kube: Installed) -> None:
    for part in ("operator", "apiserver"):
        kube.drop("Deployment", f"webjobs-{part}")


BROKEN = [
    Broken(
        name="nothing is installed", by=nothing_installed, check=workloads.check, what="no installation", do="Install"
    ),
    Broken(
        name="the operator is scaled to 0",
        by=scaled("operator", 0),
        check=workloads.check,
        what="system/webjobs-operator is scaled to 0",
        do=r"kubectl scale deployment webjobs-operator -n system --replicas=1",
    ),
    Broken(
        name="two operators that do everything twice",
        by=scaled("operator", 2),
        check=workloads.check,
        what="scaled to 2, and each of them does everything",
        do="--replicas=1",
    ),
    Broken(
        name="the operator's Deployment is gone",
        by=lambda kube: kube.drop("Deployment", "webjobs-operator"),
        check=workloads.check,
        what="system/webjobs has no Deployment of the operator: nothing runs",
        do="helm upgrade",
    ),
    Broken(
        name="the shim's Deployment is gone",
        by=lambda kube: kube.drop("Deployment", "webjobs-apiserver"),
        check=workloads.check,
        what="no Deployment of the shim: no REST client",
        do="helm upgrade",
    ),
    Broken(
        name="an image that can't be pulled",
        by=waiting("operator", "ImagePullBackOff", "no such tag"),
        check=workloads.check,
        what="none of 1 available: ImagePullBackOff: no such tag",
        do="imagePullSecrets",
    ),
    Broken(
        name="a process that ends again and again",
        by=waiting("apiserver", "CrashLoopBackOff", exitCode=3, reason="Error"),
        check=workloads.check,
        what="CrashLoopBackOff: its process ends with exit code 3",
        do="kubectl logs",
    ),
    Broken(
        name="a process without enough memory",
        by=waiting("operator", "CrashLoopBackOff", exitCode=137, reason="OOMKilled"),
        check=workloads.check,
        what="OOMKilled",
        do="operator.resources",
    ),
    Broken(
        name="a Secret of the environment is missing",
        by=waiting("operator", "CreateContainerConfigError", 'secret "bucket" not found'),
        check=workloads.check,
        what='secret "bucket" not found',
        do="Make the Secret",
    ),
    Broken(name="no node", by=unscheduled, check=workloads.check, what="Unschedulable: 0/3 nodes", do="More nodes"),
    Broken(
        name="pods that are refused", by=refused_pods, check=workloads.check, what="refused: exceeded quota", do="quota"
    ),
    Broken(
        name="a shim that nobody can log in to",
        by=unwell("readyz", "no credentials"),
        check=workloads.check,
        what="system/webjobs-apiserver says that it is not well: no credentials",
        do="username and password",
    ),
    Broken(
        name="a shim that knows not all jobs",
        by=unwell("readyz", "not all jobs are known yet"),
        check=workloads.check,
        what="not all jobs are known yet",
        do="rights in a site",
    ),
    Broken(
        name="an operator whose watches are dead",
        by=unwell("healthz", "stuck"),
        check=workloads.check,
        what="webjobs-operator says that it is not well: stuck",
        do="kubectl logs",
    ),
    Broken(
        name="an operator that is killed now and then",
        by=restarts,
        check=workloads.check,
        level="warn",
        what="started 7 times anew, the last time after OOMKilled",
        do="memory",
    ),
    Broken(
        name="a rollout", by=rolling, check=workloads.check, level="warn", what="being rolled out", do="rollout status"
    ),
    Broken(
        name="one of two replicas",
        by=half_there,
        check=workloads.check,
        level="warn",
        what="only 1 of 2",
        do="describe",
    ),
    Broken(name="a paused Deployment", by=paused, check=workloads.check, level="warn", what="paused", do="resume"),
]


@pytest.mark.parametrize("broken", BROKEN, ids=lambda one: one.name)
async def test_it_is_named(broken: Broken) -> None:
    await broken.is_named()


@pytest.mark.parametrize("answer", [(502, "<html>"), (503, "<html>bad gateway"), (404, "not found"), (200, "fine")])
async def test_what_others_say_in_between_is_no_word_of_a_pod(answer: tuple[int, str]) -> None:
    kube = healthy()
    kube.answers["readyz"] = answer
    assert [one.level for one in workloads.check(await facts_of(kube))] == ["ok", "ok"]
