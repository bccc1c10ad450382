"""What quotas and ranges of a namespace make of the requests of jobs."""

from __future__ import annotations

from typing import Any

import pytest

from webjobs.objects import Object
from webjobs_cli.doctor.checks import room
from webjobs_cli.doctor.facts import Facts, Place
from webjobs_cli.doctor.installation import Installation, Part

OWN = {"requests": {"cpu": "10m", "memory": "32Mi"}}
"""What the chart gives jobs."""


def container(**limits: Any) -> Object:
    return {"type": "Container", **limits}


@pytest.mark.parametrize(
    ("limits", "requests", "bounds"),
    [
        ([], OWN["requests"], {}),
        ([container(default={"cpu": "1"})], OWN["requests"], {"cpu": "1"}),
        ([container(defaultRequest={"cpu": "2", "disk": "1"})], OWN["requests"] | {"disk": "1"}, {}),
        ([container(default={"disk": "3"})], OWN["requests"] | {"disk": "3"}, {"disk": "3"}),
        ([{"type": "Pod", "default": {"cpu": "1"}}], OWN["requests"], {}),
    ],
)
def test_defaults(limits: list[Object], requests: Object, bounds: Object) -> None:
    assert room.with_defaults(OWN, limits) == {"requests": requests, "limits": bounds}


def test_a_limit_is_its_own_request() -> None:
    found = room.with_defaults({"limits": {"cpu": "2"}}, [container(defaultRequest={"cpu": "1"})])
    assert found == {"requests": {"cpu": "2"}, "limits": {"cpu": "2"}}


def said(hard: Object, *, used: Object | None = None, limits: list[Object] | None = None, **spec: Any) -> list[str]:
    """Levels of what is said of a namespace with a quota, or a range."""
    deployment = {"metadata": {"name": "o"}, "spec": {"template": {"spec": {}}}}
    operator = Part(role="operator", deployment=deployment, config={"resources": OWN, "storeUrl": "x"})
    quota = {"metadata": {"name": "q"}, "spec": {"hard": hard, **spec}, "status": {"used": used or {}}}
    limited = {"metadata": {"name": "r"}, "spec": {"limits": limits or []}}
    facts = Facts(
        now=None,  # type: ignore[arg-type]  # no matter here
        cli_version="",
        installations=(Installation(namespace="system", name="w", operator=operator),),
        places=(Place(name="shop", quotas=(quota,), ranges=(limited,)),),
    )
    return [one.level for one in room.check(facts)]


@pytest.mark.parametrize(
    ("hard", "more", "expected"),
    [
        ({}, {}, []),
        ({"cpu": "4", "memory": "1Gi"}, {}, []),
        ({"requests.cpu": "4"}, {}, []),
        ({"limits.memory": "4Gi"}, {}, ["bad"]),
        ({"limits.memory": "4Gi"}, {"limits": [container(default={"memory": "64Mi"})]}, []),
        ({"limits.memory": "4Gi"}, {"scopes": ["BestEffort"]}, []),
        ({"limits.memory": "4Gi"}, {"scopeSelector": {"matchExpressions": []}}, []),
        ({"requests.ephemeral-storage": "4Gi"}, {}, ["bad"]),
        ({"requests.storage": "4Gi", "requests.nvidia.com/gpu": "0"}, {}, []),
        ({"count/jobs.batch": "0"}, {}, ["bad"]),
        ({"services": "0", "count/deployments.apps": "0"}, {}, []),
        ({"cpu": "1"}, {"used": {"cpu": "995m"}}, ["warn"]),
        ({"cpu": "1"}, {"used": {"cpu": "990m"}}, []),
        ({"requests.memory": "16Mi"}, {}, ["bad"]),
        ({"memory": "many"}, {}, []),
        ({}, {"limits": [container(max={"cpu": "1"})]}, ["bad"]),
        ({}, {"limits": [container(max={"cpu": "1"}, default={"cpu": "1"})]}, []),
        ({}, {"limits": [container(max={"cpu": "1"}, default={"cpu": "2"})]}, ["bad"]),
        ({}, {"limits": [{"type": "PersistentVolumeClaim", "min": {"storage": "1Gi"}}]}, []),
    ],
)
def test_a_namespace(hard: Object, more: dict[str, Any], expected: list[str]) -> None:
    assert said(hard, **more) == expected
