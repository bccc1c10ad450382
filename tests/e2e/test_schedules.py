"""Schedules on a real cluster: on their seconds, and over manual runs. ``tests/full`` has what fails meanwhile.

The tests share the minutes that pass: what fires each minute is made at the beginning.
"""

from __future__ import annotations

import json
import re
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests import stack as stacks
from tests.site import Site, eventually
from tests.slots import events_of, now, runs_of, scheduler_log, script, slots_of, time_of, wait_for_second

SKEW = "webjobs_schedule_skew_seconds"
SKEW_LIMIT = 1.5
WATCHED = timedelta(minutes=2)
STAMP = "date +at:%s.%N"


def metrics(site: Site) -> dict[str, float]:
    """The operator's own."""
    (pod,) = json.loads(
        site.kubectl("get", "pods", "-l", "app.kubernetes.io/component=operator", "-o", "json", namespace=stacks.SYSTEM)
    )["items"]
    path = f"/api/v1/namespaces/{stacks.SYSTEM}/pods/{pod['metadata']['name']}:8081/proxy/metrics"
    lines = site.kubectl("get", "--raw", path, namespace=None).splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[:1] != "#")}


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
        "sevens": {"periodSeconds": 7, "startTime": begin.isoformat(timespec="seconds"), "arguments": '"a b" c'},
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
        eventually(lambda line=line: line in scheduler_log(site, url), what=line)  # type: ignore[misc]
    site.http.delete(url)


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
