"""What must be true once everything has come to rest."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Any

from tests.site import Site
from tests.soak.book import Book, possible
from tests.soak.jobs import ONE_AT_A_TIME, SCHEDULED, version_of
from tests.soak.ledger import ENDED, Ledger
from webjobs.model import WebJobRun
from webjobs.runs.runs import start_time
from webjobs.schedules import load_zone, parse
from webjobs.schedules.timetable import Zoned
from webjobs.times import parse_time

Object = dict[str, Any]
Span = tuple[datetime, datetime]


@dataclass(frozen=True, kw_only=True)
class Steady:
    """A time in which schedules were in force: of some of them, and of all (a switch over all takes its time)."""

    some: Span
    all: Span


_SAID = re.compile(r"INFO\] (began|ended) (\d{18}) ([\d.]+)")
_REST_NAME = re.compile(r".+-(\d{18})")


@dataclass
class Findings:
    """Everything that is not as it must be, and figures for the report."""

    wrong: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)


def settled(site: Site) -> bool:
    """Whether no run goes on any more."""
    return all(run.get("status", {}).get("state") in ENDED for run in site.objects("wjr"))


def by_job(site: Site) -> dict[str, list[Object]]:
    """The records of runs by the object name of their job."""
    found: dict[str, list[Object]] = defaultdict(list)
    for run in site.objects("wjr"):
        found[run["spec"]["webJobName"]].append(run)
    return found


def check_records(book: Book, records: dict[str, list[Object]]) -> Findings:
    """Every 202 has one record, and no other call made one; the same for the runs from kubectl."""
    found = Findings()
    names = {run["metadata"]["name"] for runs in records.values() for run in runs}
    accepted = {f"{job}-{run_id}" for job, ids in book.accepted.items() for run_id in ids}
    by_rest = {
        run["metadata"]["name"]
        for runs in records.values()
        for run in runs
        if "scheduleTime" not in run["spec"] and _REST_NAME.fullmatch(run["metadata"]["name"])
    }
    found.wrong += [f"run {name} was accepted, and there is no record" for name in sorted(accepted - by_rest)]
    found.wrong += [f"run {name} was created, and there is no record" for name in sorted(book.created - names)]
    if len(by_rest - accepted) > book.unknown:
        found.wrong.append(f"runs that nobody was told of: {sorted(by_rest - accepted)} (unknown: {book.unknown})")
    states = {run["metadata"]["name"]: run["status"]["state"] for runs in records.values() for run in runs}
    found.wrong += [f"run {name} was accepted with 202 and skipped" for name in accepted if states[name] == "Skipped"]
    for job, run_id in book.cancelled:
        if states.get(f"{job}-{run_id}") not in ("Aborted", "Success", "Failed"):
            found.wrong.append(f"run {job}-{run_id} was cancelled and is {states.get(f'{job}-{run_id}')}")
    found.figures = {
        "accepted with 202": len(accepted),
        "records of REST runs": len(by_rest),
        "of them without an answer": f"{len(by_rest - accepted)} of {book.unknown} calls",
        "created by kubectl": len(book.created),
        "cancelled with 200": len(book.cancelled),
        "by end": dict(Counter(states.values())),
    }
    return found


def check_logs(site: Site, jobs: dict[str, str], records: dict[str, list[Object]]) -> Findings:
    """Each run has its log; each script ran once, and of jobs that forbid it no two at once."""
    found, read = Findings(), 0
    for name, kind in jobs.items():
        if kind == "worker":
            continue
        spans: list[tuple[float, float, str]] = []
        history = site.http.get(f"/api/triggeredwebjobs/{name}/history")  # 404: nothing has run yet
        listed = {run["id"]: run for run in (history.json()["runs"] if history.status_code == 200 else [])}
        counted = {run["status"]["runId"]: run for run in records[name] if run["status"]["state"] != "Skipped"}
        if counted.keys() != listed.keys():
            found.wrong.append(f"{name}: the history and the records differ: {sorted(counted.keys() ^ listed.keys())}")
        for run_id, run in listed.items():
            answer = site.http.get(run["output_url"])
            read += 1
            said = [(word, float(at)) for word, who, at in _SAID.findall(answer.text) if who == run_id]
            begins = [at for word, at in said if word == "began"]
            ends = [at for word, at in said if word == "ended"]
            if answer.status_code != 200 or not answer.text.strip():
                found.wrong.append(f"{name}: run {run_id} ({run['status']}) has no log")
            elif len(begins) > 1 or (not begins and _has_run(counted.get(run_id, {}).get("status", {}))):
                # A later phase trims this run: what is known of it is told here.
                status, last = counted.get(run_id, {}).get("status"), answer.text.splitlines()[-10:]
                found.wrong.append(
                    f"{name}: run {run_id} began {len(begins)} times; {status}; its log ends with {last}"
                )
            spans += [(begin, (ends or [begin])[0], run_id) for begin in begins]
        if kind in ONE_AT_A_TIME:
            found.wrong += [f"{name}: {text}" for text in _overlaps(spans)]
    found.figures = {"logs read": read}
    return found


def _has_run(status: Object) -> bool:
    """Whether the script must have said something. One that is cancelled may end before it says anything."""
    return "exitCode" in status and status.get("state") != "Aborted"


def _overlaps(spans: list[tuple[float, float, str]]) -> Iterator[str]:
    spans = sorted(spans)
    for (_, end, first), (begin, _, second) in pairwise(spans):
        if begin < end:
            yield f"runs {first} and {second} were active at once"


def check_steady_slots(
    site: Site, jobs: dict[str, str], ledger: Ledger, *, before: dict[str, int], spans: list[Steady]
) -> Findings:
    """While an operator is there all the time, each slot of ``spans`` is one run or one recorded skip.

    ``before``: what was skipped until then, by job. At each edge a slot may be on either side. A schedule that goes on
    makes up for none.
    """
    found, totals = Findings(), Counter[str]()
    for webjob in site.objects("wj"):
        name = webjob["metadata"]["name"]
        if jobs.get(name) not in SCHEDULED:
            continue
        of_job = [one for one in ledger.entries.values() if one.body["spec"]["webJobName"] == name]
        made = sum("scheduleTime" in one.body["spec"] for one in of_job)
        records_of_skips = sum(one.state == "Skipped" for one in of_job)
        skips = webjob["status"].get("skippedRuns", 0) - before[name]
        slots = sum(len(_slots(webjob["spec"]["schedule"], *span.all)) for span in spans)
        most = sum(len(_slots(webjob["spec"]["schedule"], *span.some)) for span in spans)
        if made + skips < slots - len(spans) or made + skips - records_of_skips > most + len(spans):
            said = f"{slots} to {most} slots, {made} runs, {skips} skips ({records_of_skips} records)"
            found.wrong.append(f"{name}: {said}")
        totals += Counter(slots=slots, runs=made, skips=skips, records_of_skips=records_of_skips)
    found.figures = {"slots": dict(totals)}
    return found


def skipped(site: Site) -> dict[str, int]:
    """What was skipped so far, by job."""
    return {one["metadata"]["name"]: one["status"].get("skippedRuns", 0) for one in site.objects("wj")}


def check_slots(
    site: Site, jobs: dict[str, str], records: dict[str, list[Object]], *, away: list[Span], until: datetime
) -> Findings:
    """Each slot is one run or one recorded skip; those that pass while no operator is there may be one with another.

    By Kudu's rule a schedule goes on from the newest run: a later slot stands for earlier ones, and so does a run on
    demand. ``away``: when there was no operator that had caught up. ``until``: when the schedules were suspended.
    """
    found = Findings()
    totals: Counter[str] = Counter()
    for webjob in site.objects("wj"):
        name = webjob["metadata"]["name"]
        if jobs.get(name) not in SCHEDULED:
            continue
        made = Counter(run["spec"]["scheduleTime"] for run in records[name] if "scheduleTime" in run["spec"])
        found.wrong += [f"{name}: the slot {slot} ran {count} times" for slot, count in made.items() if count > 1]
        records_of_skips = sum(run["status"]["state"] == "Skipped" for run in records[name])
        counted = webjob["status"].get("skippedRuns", 0)
        slots = _slots(webjob["spec"]["schedule"], parse_time(webjob["metadata"]["creationTimestamp"]), until)
        starts = [*slots, *(start_time(WebJobRun.parse(run)) for run in records[name])]
        together = sum(
            any(slot < start <= end for start in starts)
            for begin, end in away
            for slot in slots
            if begin <= slot <= end
        )
        # The count has skipped runs of kubectl, too. The first slot and the last may be on either side of the edge.
        least, most = len(made) + counted - records_of_skips, len(made) + counted
        if most < len(slots) - together - 2 or least > len(slots) + 1:
            text = f"{len(slots)} slots ({together} may be one with another), {len(made)} runs"
            found.wrong.append(f"{name}: {text}, {counted} skips ({records_of_skips} records)")
        totals += Counter(
            slots=len(slots), runs=len(made), skips=counted, records_of_skips=records_of_skips, together=together
        )
    found.figures = {"slots": dict(totals), "no operator, s": [round((b - a).total_seconds()) for a, b in away]}
    return found


def _slots(text: str, begin: datetime, until: datetime) -> list[datetime]:
    timetable, found = Zoned(parse(text), load_zone(None)), []
    at = timetable.next_after(begin)
    while at and at <= until:
        found.append(at)
        at = timetable.next_after(at)
    return found


def merged(spans: list[Span]) -> list[Span]:
    """Spans that touch as one."""
    found: list[Span] = []
    for begin, end in sorted(spans):
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((begin, end))
    return found


def check_values(site: Site, book: Book) -> Findings:
    """What was written last with success is there: files of uploads and VFS, and the switches of workers."""
    found = Findings()
    for name, writes in book.files.items():
        path = f"/api/vfs/site/wwwroot/App_Data/jobs/triggered/{name}/run.sh"
        version = version_of(site.http.get(path).text)
        if writes and version not in possible(writes) | (set() if any(w.accepted for w in writes) else {"0"}):
            found.wrong.append(f"{name}: the script is of version {version}, which was replaced: {writes}")
    stopped = {one["metadata"]["name"]: one["spec"].get("stopped", False) for one in site.objects("wj")}
    for name, writes in book.switches.items():
        state = "stopped" if stopped[name] else "running"
        if any(write.accepted for write in writes) and state not in possible(writes):
            found.wrong.append(f"{name} is {state}, which was changed later: {writes}")
    found.figures = {
        "scripts changed": sum(write.accepted for writes in book.files.values() for write in writes),
        "workers switched": sum(write.accepted for writes in book.switches.values() for write in writes),
    }
    return found


def check_ledger(book: Book, ledger: Ledger) -> Findings:
    """Every accepted run came to an end, if it is there any more or not."""
    found = Findings(wrong=list(ledger.wrong))
    names = {f"{job}-{run_id}" for job, ids in book.accepted.items() for run_id in ids} | book.created
    for name in sorted(names):
        entry = ledger.entries.get(name)
        if entry is None:
            found.wrong.append(f"run {name} was accepted, and nobody has seen it")
        elif entry.state not in ENDED:
            found.wrong.append(f"run {name} was {entry.state} when it was last seen")
    found.figures = {"runs seen": len(ledger.entries), "trimmed": sum(e.deleted for e in ledger.entries.values())}
    return found
