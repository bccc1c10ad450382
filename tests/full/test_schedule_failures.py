"""Schedules on a real cluster while parts of the control plane are away, or there twice."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from tests import stack as stacks
from tests.site import Site, eventually
from tests.slots import events_of, now, scheduler_log, script, slots_of, wait_for_second

OPERATOR = "deploy/webjobs-operator"


@contextmanager
def no_operator(site: Site) -> Iterator[None]:
    """Without an operator in between."""
    site.kubectl("scale", OPERATOR, "--replicas=0", namespace=stacks.SYSTEM)
    selector = "app.kubernetes.io/component=operator"
    site.kubectl("wait", "--for=delete", "pod", "-l", selector, "--timeout=60s", namespace=stacks.SYSTEM)
    try:
        yield
    finally:
        site.kubectl("scale", OPERATOR, "--replicas=1", namespace=stacks.SYSTEM)
        site.kubectl("rollout", "status", OPERATOR, "--timeout=60s", namespace=stacks.SYSTEM)


def test_an_operator_that_was_away(site: Site) -> None:
    """Over a slot: one run, of the latest. For longer than the deadline: none, and the missed line."""
    schedules = {"away-cron": "0 * * * * *", "away-timer": "*/20 * * * * *"}
    for name, schedule in schedules.items():
        site.apply(name, script("true\n") | {"schedule": schedule})
        site.apply(f"{name}-late", script("true\n") | {"schedule": schedule, "startingDeadlineSeconds": 10})
    site.apply("away-rare-late", script("true\n") | {"schedule": "2 * * * * *", "startingDeadlineSeconds": 10})
    wait_for_second(48)
    known = {name: set(slots_of(site, name)) for name in schedules}
    with no_operator(site):
        wait_for_second(15)
    minute = now().replace(second=0, microsecond=0)
    for name in schedules:
        eventually(lambda name=name: set(slots_of(site, name)) - known[name], what=f"{name}'s run")  # type: ignore[misc]
        assert (set(slots_of(site, name)) - known[name]) >= {minute}
    time.sleep(2)
    missed = eventually(lambda: events_of(site, "away-cron-late", "MissedSchedule"), what="the event")
    assert missed == [f"Missed 1 schedules, most recent at {minute:%Y-%m-%d %H:%M:%S} UTC."]
    for name, at in (("away-cron-late", minute), ("away-rare-late", minute + timedelta(seconds=2))):
        assert at not in slots_of(site, name)
        line = f"SYS WARN] Missed 1 schedules, most recent at {at.month}/{at.day}/{at.year} "
        eventually(lambda name=name: line in scheduler_log(site, f"/api/triggeredwebjobs/{name}"), what=line)  # type: ignore[misc]  # noqa: B023
    for name in (*schedules, *(f"{name}-late" for name in schedules), "away-rare-late"):
        slots = slots_of(site, name)
        assert len(slots) == len(set(slots))
        site.kubectl("delete", "wj", name)


def test_two_operators_and_a_new_controller_manager(site: Site) -> None:
    """At once, over the same slots: never two runs for one, and each slot has its run."""
    schedules = {"double-cron": "0 * * * * *", "double-timer": "*/5 * * * * *"}
    for name, schedule in schedules.items():
        site.apply(name, script("true\n") | {"schedule": schedule, "concurrencyPolicy": "Allow"})
        site.kubectl("wait", f"wj/{name}", "--for=condition=Scheduled", "--timeout=30s")
    site.kubectl("scale", OPERATOR, "--replicas=2", namespace=stacks.SYSTEM)
    site.kubectl("rollout", "status", OPERATOR, "--timeout=60s", namespace=stacks.SYSTEM)
    begin = now()
    wait_for_second(59)
    if site.stack.cluster.provider == "built":
        time.sleep(0.7)
        site.stack.cluster.kill_program("kube-controller-manager")
    minute = now().replace(second=0, microsecond=0) + timedelta(minutes=1)
    eventually(lambda: minute in slots_of(site, "double-cron"), seconds=60, what="the slot of the minute")
    wait_for_second(12)
    end = now()
    site.kubectl("scale", OPERATOR, "--replicas=1", namespace=stacks.SYSTEM)
    for name, seconds in (("double-cron", 60), ("double-timer", 5)):
        slots = slots_of(site, name)
        assert len(slots) == len(set(slots))
        jobs = Counter(
            next(one["name"] for one in job["metadata"]["ownerReferences"] if one["controller"])
            for job in site.objects("job", f"webjobs.dev/webjob={name},webjobs.dev/run")
            if name != "double-cron"
        )
        assert set(jobs.values()) <= {1}
        first = begin.timestamp() // seconds * seconds + seconds
        wanted = {datetime.fromtimestamp(at, UTC) for at in range(int(first), int(end.timestamp()) - 4, seconds)}
        assert wanted <= set(slots)
        site.kubectl("delete", "wj", name)
