"""What tests of schedules look at: runs by their slots, events, and the clock."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

from tests.site import Site, shell


def script(text: str) -> dict[str, Any]:
    return {"type": "triggered"} | shell(text)


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


def scheduler_log(site: Site, url: str) -> str:
    """The text of job_scheduler.log; ``url``: of the job."""
    where = site.http.get(url).json()["scheduler_logs_url"]
    return site.http.get(where).text if where else ""
