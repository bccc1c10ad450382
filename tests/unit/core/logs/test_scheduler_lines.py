"""job_scheduler.log: its words, its file, and which passes write it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import obstore
import pytest
from prometheus_client import REGISTRY

from tests.fakes.cluster import KEY, World
from tests.fakes.objects import run_async, webjob_body
from tests.unit.operator.manifests.test_cronjob import EVERY_MINUTE, minute, slot
from tests.unit.operator.schedules.test_webjob_schedules import change, schedule
from webjobs.logs import scheduler_lines
from webjobs.logs.scheduler_lines import Line
from webjobs.store import open_store, scheduler_logs
from webjobs_operator import metrics
from webjobs_operator.schedules.scheduler_log import SchedulerLog

NOW = datetime(2018, 5, 11, 11, 0, 1, tzinfo=UTC)
NEW_YEAR = datetime(2018, 12, 31, 23, 5, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (
            scheduler_lines.scheduling(NOW, schedule="0 0 * * * *", following=NOW + timedelta(minutes=59, seconds=59)),
            "SYS INFO] Scheduling WebJob with 0 0 * * * * next schedule expected in 00:59:59",
        ),
        (
            scheduler_lines.next_one(NOW, NOW + timedelta(days=2, milliseconds=5)),
            "SYS INFO] Next schedule expected in 2.00:00:00.0050000",
        ),
        (scheduler_lines.invoked(NOW), "SYS INFO] WebJob invoked"),
        (scheduler_lines.removed(NOW), "SYS INFO] Removing current schedule from WebJob"),
        (
            scheduler_lines.unreadable(NOW, schedule="* x", problem="6 fields are needed"),
            'SYS ERR ] Failed to parse schedule "* x". Error: 6 fields are needed',
        ),
        (
            scheduler_lines.missed(NOW, count=1, latest=datetime(2018, 5, 11, 4, tzinfo=UTC), zone=UTC),
            "SYS WARN] Missed 1 schedules, most recent at 5/11/2018 4:00:00 AM",
        ),
        (
            scheduler_lines.missed(NOW, count=2, latest=NEW_YEAR, zone=ZoneInfo("Europe/Berlin")),
            "SYS WARN] Missed 2 schedules, most recent at 1/1/2019 12:05:09 AM",
        ),
        (
            scheduler_lines.missed(NOW, count=2, latest=datetime(2018, 12, 31, 12, tzinfo=UTC), zone=UTC),
            "SYS WARN] Missed 2 schedules, most recent at 12/31/2018 12:00:00 PM",
        ),
        (
            scheduler_lines.about(scheduler_lines.invoked(NOW), "nightly"),
            "SYS INFO] WebJobSchedule nightly: WebJob invoked",
        ),
    ],
)
def test_lines(line: Line, text: str) -> None:
    rendered = scheduler_lines.render(line, host="node").decode()
    assert rendered.startswith("[05/11/2018 11:00:01 > ")
    assert rendered.partition(": ")[2] == f"{text}\r\n"


def read(world: World, file_name: str = scheduler_lines.FILE_NAME) -> list[str]:
    """What the file says, without times and levels."""

    async def content() -> bytes:
        await world.scheduler_log.flush()
        try:
            key = scheduler_logs.key(namespace="site", webjob="job", file_name=file_name)
            found = await obstore.get_async(world.store, key)
        except FileNotFoundError:
            return b""
        return bytes(await found.bytes_async())

    return [line.partition("] ")[2] for line in run_async(content()).decode().splitlines()]


def test_the_life_of_a_schedule() -> None:
    world = World(webjob_body({"schedule": "10 * * * * *"}))
    world.now = minute(0) + timedelta(seconds=5)
    world.settle()
    assert world.one("WebJob")["status"]["schedulerLogPath"] == "site/data/jobs/triggered/job/job_scheduler.log"
    said = ["Scheduling WebJob with 10 * * * * * next schedule expected in 00:00:05"]
    assert read(world) == said
    world.restart()
    world.settle()
    assert read(world) == said, "a restart says nothing"
    world.now = minute(0) + timedelta(seconds=10)
    world.settle()
    said += ["WebJob invoked", "Next schedule expected in 00:01:00"]
    assert read(world) == said
    world.end_processes()
    world.now = minute(60)
    world.settle()
    said += ["Missed 59 schedules, most recent at 1/1/2026 12:59:10 AM"]
    assert read(world) == said
    change(world, "WebJob", "job", suspend=True)
    world.settle()
    said += ["Removing current schedule from WebJob"]
    assert read(world) == said
    change(world, "WebJob", "job", suspend=False, schedule="0 0 0 1 1 8")
    world.settle()
    world.settle()
    problem = world.one("WebJob")["status"]["conditions"][-1]["message"]
    said += [f'Failed to parse schedule "0 0 0 1 1 8". Error: {problem}']
    assert read(world) == said


def test_a_bad_schedule_of_settings_job_is_told_and_a_condition() -> None:
    world = World(webjob_body({"settings": {"schedule": "0 0 * * *"}}))
    world.settle()
    (line,) = read(world)
    assert line.startswith('Failed to parse schedule "0 0 * * *". Error: 6 fields are needed')
    assert ("False", "InvalidSchedule") in {
        (one["status"], one["reason"]) for one in world.one("WebJob")["status"]["conditions"]
    }


def test_slots_of_cron_jobs_and_further_schedules() -> None:
    world = World(webjob_body(EVERY_MINUTE | {"concurrencyPolicy": "Allow"}), schedule())
    world.settle()
    world.kube.add(slot(1))
    world.now = minute(1)
    world.settle()
    assert read(world)[1:] == [
        "WebJob invoked",
        "Next schedule expected in 00:01:00",
        "WebJobSchedule extra: WebJob invoked",
        "WebJobSchedule extra: Next schedule expected in 00:01:00",
    ]


async def test_the_file_rolls_over_and_goes() -> None:
    store = open_store("memory:///")
    for number in range(3):
        text = b"%d" % number * scheduler_logs.LARGEST + b"\r\n"
        await scheduler_logs.append(store, namespace="n", webjob="w", text=text)
    names = (scheduler_lines.FILE_NAME, scheduler_lines.PREVIOUS_FILE_NAME)
    keys = [scheduler_logs.key(namespace="n", webjob="w", file_name=name) for name in names]
    assert [bytes(obstore.get(store, key).bytes())[:1] for key in keys] == [b"2", b"1"]
    for _ in range(2):
        await scheduler_logs.delete(store, namespace="n", webjob="w")
    assert list(obstore.list(store)) == []


async def test_a_store_that_fails_costs_nothing_but_time(monkeypatch: pytest.MonkeyPatch) -> None:
    store = open_store("memory:///")
    log = SchedulerLog(store)

    async def fail(*_: object, **__: object) -> None:
        raise OSError("no store")

    log.add(KEY, scheduler_lines.invoked(NOW))
    with monkeypatch.context() as patch:
        patch.setattr(scheduler_logs, "append", fail)
        await log.flush()
    log.add(KEY, scheduler_lines.removed(NOW))
    await log.flush()
    own = scheduler_logs.key(namespace="site", webjob="job")
    lines = bytes(obstore.get(store, own).bytes()).decode().splitlines()
    assert [line.partition("] ")[2] for line in lines] == ["WebJob invoked", "Removing current schedule from WebJob"]
    log.add(KEY, scheduler_lines.invoked(NOW))
    log.drop(KEY)
    await log.flush()
    assert list(obstore.list(store)) == []


def _value(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, {"namespace": "site", "webjob": "job"} | labels)


def test_metrics() -> None:
    metrics.forget("site", "job")
    before = REGISTRY.get_sample_value("webjobs_schedule_skew_seconds_count") or 0
    world = World(webjob_body({"schedule": "10,20 * * * * *"}))
    world.now = minute(0) + timedelta(seconds=10)
    world.settle()
    world.now += timedelta(seconds=10)
    world.settle()
    world.end_processes()
    world.settle()
    world.now = minute(60)
    world.settle()
    assert REGISTRY.get_sample_value("webjobs_schedule_skew_seconds_count") == before + 1
    assert _value("webjobs_runs_skipped_total") == 1
    assert _value("webjobs_slots_missed_total") == 100, "the count stops there"
    assert _value("webjobs_runs_ended_total", state="Success") == 1
    metrics.forget("site", "job")
    metrics.forget("site", "never-seen")
    assert _value("webjobs_runs_ended_total", state="Success") is None
