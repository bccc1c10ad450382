"""What tests of broken installations have in common: a table of ways to break one, and what the doctor says of each."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.unit.cli.doctor.installed import Installed, facts_of, healthy
from webjobs.objects import Object
from webjobs_cli.doctor.examine import CHECKS, examine
from webjobs_cli.doctor.finding import Check, Level
from webjobs_cli.doctor.report import exit_code

Break = Callable[[Installed], object]


@dataclass(frozen=True, kw_only=True)
class Broken:
    """An installation that is broken in one way, and what the doctor says of it."""

    name: str
    by: Break
    check: Check
    what: str
    """Pattern of the sentence."""
    do: str
    """Pattern of what is to be done."""
    level: Level = "bad"
    values: dict[str, Any] = field(default_factory=dict)
    """Values of the chart beside the usual ones."""

    async def is_named(self) -> None:
        """The check that is for it names it and nobody else does; nothing else is called bad."""
        kube = healthy(self.values)
        self.by(kube)
        facts = await facts_of(kube)
        said = examine(facts)

        def named(*checks: Check) -> list[str]:
            return [
                one.what
                for one in examine(facts, checks)
                if one.level == self.level and re.search(self.what, one.what) and re.search(self.do, one.do)
            ]

        assert named(*CHECKS), [(one.level, one.what, one.do) for one in said]
        assert named(*(check for check in CHECKS if check is not self.check)) == []
        own = {one.what for one in self.check(facts)}
        assert [one.what for one in said if one.level == "bad" and one.what not in own] == []
        assert (exit_code(said) == 1) is (self.level == "bad")


def deployment(kube: Installed, part: str) -> Object:
    return kube.at("Deployment", f"webjobs-{part}")


def down(kube: Installed, part: str, **status: Any) -> None:
    """A Deployment without a pod that is ready; ``status``: of its container."""
    deployment(kube, part)["status"] = {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1}
    pod = kube.at("Pod", f"webjobs-{part}-1a2b-x")
    pod["status"] = {"phase": "Pending", "containerStatuses": [{"ready": False, "restartCount": 0, **status}]}


def config(kube: Installed, part: str, old: str, new: str) -> None:
    data = kube.at("ConfigMap", f"webjobs-{part}")["data"]
    assert old in data["config.yaml"]
    data["config.yaml"] = data["config.yaml"].replace(old, new)


def scaled(part: str, count: int) -> Break:
    def do(kube: Installed) -> None:
        deployment(kube, part)["spec"]["replicas"] = count
        deployment(kube, part)["status"] |= {"updatedReplicas": count, "availableReplicas": count}

    return do


def both(*breaks: Break) -> Break:
    def do(kube: Installed) -> None:
        for one in breaks:
            one(kube)

    return do
