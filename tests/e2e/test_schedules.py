"""Schedules on a real cluster: on their seconds, over manual runs, and while parts of the control plane are away.

The tests share the minutes that pass: what fires each minute is made at the beginning.
"""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests import stack as stacks
from tests.site import Site, eventually

SKEW = "webjobs_schedule_skew_seconds"
SKEW_LIMIT = 1.5
WATCHED = timedelta(minutes=2)
OPERATOR = "deploy/webjobs-operator"
STAMP = "date +at:%s.%N"


def script(text: str) -> dict[str, Any]:
    return {"type": "triggered", "script": {"fileName": "run.sh", "text": text}}


def now() -> datetime:
    return datetime.now(UTC)


def time_of(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def runs_of(site: Site, webjob: str) -> list[dict[str, Any]]:
    found = [run for run in site.objects("wjr") if run["spec"]["webJobName"] == webjob]
    return sorted(found, key=lambda run: run["metadata"]["name"])


def slots_of(site: Site, webjob: str) -> list[datetime]:
    return [time_of(run["spec"]["scheduleTime"]) for run in runs_of(site, webjob) if "scheduleTime" in run["spec"]]


def events_of(site: Site, webjob: str, reason: str) -> list[str]:
    uid = site.object("wj", webjob)["metadata"]["uid"]  # events outlive an object of the same name
    found = json.loads(site.kubectl("get", "events", "-o", "json"))["items"]
    return [one["message"] for one in found if (one["involvedObject"].get("uid"), one["reason"]) == (uid, reason)]


def wait_for_second(second: int) -> None:
    """Until the clock shows this second of a minute, the next time."""
    wait = (second - time.time()) % 60
    time.sleep(wait)


def metrics(site: Site) -> dict[str, float]:
    """The operator's own."""
    (pod,) = json.loads(
        site.kubectl("get", "pods", "-l", "app.kubernetes.io/component=operator", "-o", "json", namespace=stacks.SYSTEM)
    )["items"]
    path = f"/api/v1/namespaces/{stacks.SYSTEM}/pods/{pod['metadata']['name']}:8081/proxy/metrics"
    lines = site.kubectl("get", "--raw", path, namespace=None).splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[:1] != "#")}


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


@pytest.fixture(scope="module", autouse=True)
def ticks(site: Site) -> Iterator[datetime]:
    """A job for each ten seconds; gives when it was ready."""
    site.apply("ticks", script(f"{STAMP}\n") | {"schedule": "*/10 * * * * *", "concurrencyPolicy": "Allow"})
    site.kubectl("wait", "wj/ticks", "--for=condition=Scheduled", "--timeout=30s")
    yield now()
    site.kubectl("delete", "wjs", "--all")
    site.kubectl("delete", "wj", "--all")


def test_a_manual_run_over_a_slot(site: Site) -> None:
    """One run and one recorded skip, whoever fires the schedule."""
    schedules = {"over-cron": ("0 * * * * *", "CronJob"), "over-timer": ("0,1 * * * * *", "OperatorTimer")}
    wait_for_second(50)
    for name, (schedule, timed_by) in schedules.items():
        site.apply(name, script("sleep 14\n") | {"schedule": schedule})
        site.kubectl("wait", f"wj/{name}", "--for=condition=Scheduled", "--timeout=5s")
        reasons = {one["type"]: one["reason"] for one in site.object("wj", name)["status"]["conditions"]}
        assert reasons["Scheduled"] == timed_by
        assert site.run(name).status_code == 202
    wait_for_second(3)
    for name, skips in (("over-cron", 1), ("over-timer", 2)):
        status = site.object("wj", name)["status"]
        assert (status.get("skippedRuns"), len(events_of(site, name, "RunSkipped"))) == (skips, skips)
        assert slots_of(site, name) == []
    for name in schedules:
        (run,) = runs_of(site, name)
        site.kubectl("wait", f"wjr/{run['metadata']['name']}", "--for=condition=Complete", "--timeout=60s")
    time.sleep(3)  # time in which a CronJob makes up for a slot
    for name in schedules:
        assert len(runs_of(site, name)) == 1
        site.kubectl("delete", "wj", name)


def test_further_schedules(site: Site) -> None:
    """A period that cron can't say, one time, another zone, arguments; suspension and deletion at once."""
    site.apply("further", script('echo "told: $*"\n') | {"concurrencyPolicy": "Queue"})
    begin = now()
    at = begin.replace(microsecond=0) + timedelta(seconds=9)
    specs: dict[str, dict[str, Any]] = {
        "sevens": {"periodSeconds": 7, "startTime": begin.isoformat(timespec="seconds"), "arguments": "'a b' c"},
        "one-time": {"at": at.isoformat(), "arguments": "once"},
        "later": {"cron": "0 0 3 * * *", "timeZone": "W. Europe Standard Time"},
        "resting": {"periodSeconds": 2, "suspend": True},
    }
    for name, spec in specs.items():
        site.apply(name, {"webJobName": "further"} | spec, kind="WebJobSchedule")
    site.kubectl("wait", "wjs/one-time", "--for=condition=Complete", "--timeout=30s")
    status = site.object("wjs", "one-time")["status"]
    assert (status["lastOutcome"], time_of(status["lastScheduleTime"])) == ("Started", at)
    eventually(lambda: len(slots_of(site, "further")) >= 4, what="three periods and the one time")
    site.kubectl("patch", "wjs", "sevens", "--type=merge", "-p", '{"spec":{"suspend":true}}')
    site.kubectl("wait", "wjs/sevens", "--for=condition=Scheduled=false", "--timeout=10s")
    made = runs_of(site, "further")
    by_name = Counter(run["spec"]["scheduleName"] for run in made)
    assert (by_name["one-time"], by_name["resting"], by_name["later"]) == (1, 0, 0)
    sevens = [run for run in made if run["spec"]["scheduleName"] == "sevens"]
    anchor = begin.replace(microsecond=0)
    assert {(time_of(run["spec"]["scheduleTime"]) - anchor).total_seconds() % 7 for run in sevens} == {0.0}
    run = sevens[0]["metadata"]["name"]
    site.kubectl("wait", f"wjr/{run}", "--for=condition=Complete", "--timeout=60s")
    body = site.http.get(f"/api/triggeredwebjobs/further/history/{run.rpartition('-')[2]}").json()
    assert (body["trigger"], "INFO] told: a b c" in site.log(body)) == ("Schedule - every 7 seconds", True)
    later = site.object("wjs", "later")["status"]
    assert time_of(later["nextRunTime"]).hour in (1, 2), "three o'clock in Berlin"
    time.sleep(8)
    assert len(runs_of(site, "further")) == len(made), "suspended at once"
    site.kubectl("patch", "wjs", "resting", "--type=merge", "-p", '{"spec":{"suspend":false}}')
    eventually(lambda: len(runs_of(site, "further")) > len(made), what="its first run")
    site.kubectl("delete", "wjs", "resting")
    count = len(runs_of(site, "further"))
    time.sleep(4)
    assert len(runs_of(site, "further")) == count, "deleted at once"
    log = site.http.get(site.http.get("/api/triggeredwebjobs/further").json()["scheduler_logs_url"]).text
    assert "SYS INFO] WebJobSchedule one-time: WebJob invoked" in log
    site.kubectl("delete", "wj", "further")


def test_the_log_of_a_schedule(site: Site) -> None:
    """Stored with 200 whatever it is, and told where clients look."""
    site.put_script("logged", "echo x\n")
    url = "/api/triggeredwebjobs/logged"
    assert site.http.get(url).json()["scheduler_logs_url"] is None
    for settings, line in (
        ({"schedule": "0 0 * * *"}, 'SYS ERR ] Failed to parse schedule "0 0 * * *". Error: 6 fields are needed'),
        ({"schedule": "0 0 3 * * MON"}, "SYS INFO] Scheduling WebJob with 0 0 3 * * 1 next schedule expected in "),
        ({}, "SYS INFO] Removing current schedule from WebJob"),
    ):
        assert site.http.put(f"{url}/settings", json=settings).status_code == 200
        eventually(lambda line=line: line in _scheduler_log(site, url), what=line)  # type: ignore[misc]
    site.http.delete(url)


def _scheduler_log(site: Site, url: str) -> str:
    where = site.http.get(url).json()["scheduler_logs_url"]
    return site.http.get(where).text if where else ""


def test_every_ten_seconds(site: Site, ticks: datetime) -> None:
    """Each slot of two minutes once, never early, and typically within the limit by the processes' own clocks.

    A single late one is told, not judged: it may be the machine's. ``tests.bench.slots`` measures the tail.
    """
    first = ticks.replace(second=ticks.second // 10 * 10, microsecond=0) + timedelta(seconds=10)
    wanted = [first + timedelta(seconds=10 * number) for number in range(WATCHED // timedelta(seconds=10))]
    # Before and after a time in which nothing else fires: a schedule that is resumed makes up for a slot, late.
    before, since = metrics(site), now()
    time.sleep(max((wanted[-1] - since).total_seconds(), 30) + 5)
    after = metrics(site)
    slots = [slot for slot in slots_of(site, "ticks") if slot in wanted]
    assert slots == wanted
    count, total = (after[name] - before[name] for name in (f"{SKEW}_count", f"{SKEW}_sum"))
    assert count >= 3
    assert total / count < SKEW_LIMIT
    seen = []
    for slot in wanted:
        run = next(run for run in runs_of(site, "ticks") if time_of(run["spec"]["scheduleTime"]) == slot)
        site.kubectl("wait", f"wjr/{run['metadata']['name']}", "--for=condition=Complete", "--timeout=30s")
        body = site.http.get(f"/api/triggeredwebjobs/ticks/history/{run['metadata']['name'].rpartition('-')[2]}").json()
        stamp = re.search(r"at:(\d+\.\d+)", site.log(body))
        assert stamp
        seen.append(float(stamp[1]) - slot.timestamp())
    assert min(seen) >= 0, "never early"
    median = sorted(seen)[len(seen) // 2]
    assert median < SKEW_LIMIT
    print(f"skew of {int(count)} records: mean {total / count * 1000:.0f} ms; slot to process:", end=" ")
    print(f"median {median * 1000:.0f} ms, max {max(seen) * 1000:.0f} ms")


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
        eventually(lambda name=name: line in _scheduler_log(site, f"/api/triggeredwebjobs/{name}"), what=line)  # type: ignore[misc]  # noqa: B023
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
