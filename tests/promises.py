"""What must hold whatever happens, as one function over plain facts: unit tests, full tests and the soak share it.

1. At most one active run of a job that forbids more. 2. A 202 means that the run is there and can be read. 3. No run
without a record, no record that never ends. 4. A slot of a schedule gives one run or one recorded skip. 5. The log of
a run that ended can be read. 6. Restarting the operator writes nothing. 7. What has run before a restore does not run
again. 8. What is refused has changed nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from webjobs.model import LABEL_RUN, WebJobRun
from webjobs.runs import runs as run_rules

Object = Mapping[str, Any]
ENDED = frozenset({"Success", "Failed", "Aborted", "Skipped"})
_SLOT = "batch.kubernetes.io/cronjob-scheduled-timestamp"


@dataclass(kw_only=True)
class Facts:
    """What was found once everything had come to rest; what a test can't observe stays empty.

    Attributes:
        begun: how often a process of a run began, by the run's name.
        most_active: the largest number of runs of a job that were active at once, by the job's name.
        accepted: names of the runs that a client was promised (202), without those that were deleted since.
        unreadable: names of accepted runs whose Location did not answer.
        log: gives the archived log of a run, None when there is none.
        history: names of the runs that were restored; each has run, or was given up, before.
        slots: slots that have passed, by WebJob or WebJobSchedule; each was to become a run or a skip.
        written_at_rest: writes after a restart with nothing to do.
        changed_by_refusals: what was different after a request that was refused.
    """

    webjobs: Sequence[Object]
    runs: Sequence[Object]
    schedules: Sequence[Object] = ()
    jobs: Sequence[Object] = ()
    begun: Mapping[str, int] = field(default_factory=dict)
    most_active: Mapping[str, int] = field(default_factory=dict)
    accepted: Iterable[str] = ()
    unreadable: Iterable[str] = ()
    log: Callable[[Object], str | None] | None = None
    history: Iterable[str] = ()
    slots: Mapping[str, int] = field(default_factory=dict)
    written_at_rest: Sequence[str] = ()
    changed_by_refusals: Sequence[str] = ()


def broken(facts: Facts) -> list[str]:
    """Every promise that does not hold, in words; empty when all do."""
    return [
        *_one_at_a_time(facts),
        *_accepted_runs(facts),
        *_records(facts),
        *_slots(facts),
        *_logs(facts),
        *(f"6: at rest a new operator wrote {call}" for call in facts.written_at_rest),
        *(f"7: {name} was restored, and ran again" for name in facts.history if facts.begun.get(name)),
        *(f"8: a refused request changed {what}" for what in facts.changed_by_refusals),
    ]


def _state(run: Object) -> str | None:
    found: str | None = run.get("status", {}).get("state")
    return found


def _name(body: Object) -> str:
    return str(body["metadata"]["name"])


def _one_at_a_time(facts: Facts) -> Iterator[str]:
    for webjob in facts.webjobs:
        if webjob["spec"].get("concurrencyPolicy", "Forbid") != "Allow":
            most = facts.most_active.get(_name(webjob), 0)
            if most > 1:
                yield f"1: {most} runs of {_name(webjob)} were active at once"
        lock = webjob.get("status", {}).get("activeRun")
        if lock and not any(_name(run) == lock["name"] and _state(run) not in ENDED for run in facts.runs):
            yield f"1: {_name(webjob)} is locked by {lock['name']}, which is over"


def _accepted_runs(facts: Facts) -> Iterator[str]:
    there = {_name(run): run for run in facts.runs}
    for name in facts.accepted:
        if name not in there:
            yield f"2: {name} was accepted, and has no record"
        elif _state(there[name]) == "Skipped":
            yield f"2: {name} was accepted, and then skipped"
    for name in facts.unreadable:
        yield f"2: {name} was accepted, and its Location can't be read"


def _records(facts: Facts) -> Iterator[str]:
    known = {run_rules.run_id(WebJobRun.parse(dict(run))) for run in facts.runs}
    for run in facts.runs:
        if _state(run) not in ENDED:
            yield f"3: {_name(run)} never ends ({_state(run)})"
        elif "endTime" not in run["status"]:
            yield f"3: {_name(run)} ended at no time"
    for job in facts.jobs:
        run_id = job["metadata"].get("labels", {}).get(LABEL_RUN)
        if run_id and run_id not in known:
            yield f"3: Job {_name(job)} has no record"
    for name, count in facts.begun.items():
        if count > 1:
            yield f"3: {name} ran {count} times"
        if not any(_name(run) == name for run in facts.runs):
            yield f"3: {name} ran, and has no record"


def _slots(facts: Facts) -> Iterator[str]:
    made = Counter(
        (run["spec"].get("scheduleName") or run["spec"]["webJobName"], run["spec"]["scheduleTime"])
        for run in facts.runs
        if "scheduleTime" in run["spec"]
    )
    for (name, slot), count in made.items():
        if count > 1:
            yield f"4: slot {slot} of {name} has {count} runs"
    for owner in (*facts.webjobs, *facts.schedules):
        name, skips = _name(owner), owner.get("status", {}).get("skippedRuns", 0)
        ran = sum(count for (other, _), count in made.items() if other == name)
        if name in facts.slots and ran + skips != facts.slots[name]:
            yield f"4: {facts.slots[name]} slots of {name} gave {ran} runs and {skips} skips"


def _logs(facts: Facts) -> Iterator[str]:
    for run in facts.runs if facts.log else ():
        status = run.get("status", {})
        if _state(run) in ENDED and facts.begun.get(_name(run)):
            text = facts.log(run) if facts.log else None
            if not text:
                yield f"5: {_name(run)} ended as {status['state']}, and its log can't be read"
