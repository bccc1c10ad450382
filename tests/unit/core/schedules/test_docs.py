"""docs/schedules.md can't go stale: each row of each of its tables is what the code does."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice
from typing import get_args

import pytest

from tests.cluster.paths import repo_root
from tests.fakes.cluster import World
from tests.fakes.objects import run, webjob, webjob_body
from webjobs.model import DEFAULT_STARTING_DEADLINE_SECONDS, ConcurrencyPolicy
from webjobs.runs.runs import object_name, run_id_at
from webjobs.schedules import ScheduleError, due, iana_name, load_zone, parse
from webjobs.schedules.plan import plan

PAGE = repo_root() / "docs/schedules.md"
YEAR = 2026
"""The year that the page speaks of."""


def cells(line: str) -> tuple[str, ...]:
    return tuple(cell.strip() for cell in line.strip().strip("|").split("|"))


def tables(text: str) -> list[tuple[tuple[str, ...], list[tuple[str, ...]]]]:
    """Header and rows of each table."""
    found = re.findall(r"^(\|.*)\n\|[-| ]+\|\n((?:\|.*\n)+)", text, re.MULTILINE)
    return [(cells(header), [cells(row) for row in rows.splitlines()]) for header, rows in found]


def code(cell: str) -> list[str]:
    """The texts in backquotes."""
    return re.findall(r"`([^`]*)`", cell)


def moment(text: str, zone: tzinfo = UTC) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def written(at: datetime, zone: tzinfo, *, offset: bool) -> str:
    """A time as the page writes it: seconds only where there are some."""
    local = at.astimezone(zone)
    text = f"{local:%Y-%m-%d %H:%M:%S}".removesuffix(":00")
    return f"{text} {local.isoformat()[-6:]}" if offset else text


def check_grammar(_: str, expression: str, normal: str, words: str) -> None:
    schedule = parse(*code(expression))
    assert [schedule.normalised] == code(normal)
    assert schedule.description == words


def check_error(expression: str, field: str, message: str) -> None:
    with pytest.raises(ScheduleError) as caught:
        parse(*code(expression))
    assert (caught.value.field or "all") == field
    assert message in str(caught.value)


def check_next(expression: str, after: str, fires: str, zone: tzinfo = UTC, *, offset: bool = False) -> None:
    (text,), (start,), expected = code(expression), code(after), code(fires)
    found = islice(parse(text).occurrences(moment(start, zone), zone=zone), len(expected))
    assert [written(at, zone, offset=offset) for at in found] == expected
    assert len(expected) >= 2


def check_cron(expression: str, zone: str, answer: str) -> None:
    mapping = parse(*code(expression)).as_cron(zone_name=zone, from_year=YEAR)
    if mapping.expression:
        assert [mapping.expression] == code(answer)
    else:
        assert answer in mapping.reason


def check_zone(name: str, iana: str) -> None:
    assert [iana_name(*code(name))] == code(iana)


def check_change(zone: str, expression: str, after: str, fires: str, what: str) -> None:
    check_next(expression, after, fires, load_zone(zone), offset=True)
    assert what


def check_catch_up(expression: str, newest: str, now: str, what: str) -> None:
    """By Kudu's rule itself, and by the operator's plan where a schedule is the operator's."""
    (text,), (last,), (at,), (slot,) = code(expression), code(newest), code(now), code(what)
    deadline = timedelta(seconds=DEFAULT_STARTING_DEADLINE_SECONDS)
    decision = due(parse(text), moment(last), moment(at), deadline=deadline)
    assert decision.slot == moment(slot)
    said = "runs" if decision.fire else f"missed {decision.missed.count}, waits for"
    assert what == f"{said} `{slot}`"
    # Ten seconds later than the page says: a schedule with seconds is the operator's.
    shift = timedelta(seconds=10)
    newest_run = run(object_name(webjob="job", run_id=run_id_at(moment(last) + shift)))
    made = plan(webjob({"schedule": f"10{text[1:]}"}), known=[newest_run], now=moment(at) + shift)
    assert made.fire == (moment(slot) + shift if decision.fire else None)
    assert made.missed.count == decision.missed.count


def check_overlap(policy: str, slot_run: str, event: str, counter: str) -> None:
    """A slot of the operator's timer comes while a run goes on."""
    (name,) = code(policy)
    world = World(webjob_body({"schedule": "30 * * * * *", "concurrencyPolicy": name}))
    world.now = datetime(YEAR, 1, 1, 0, 1, 30, tzinfo=UTC)
    world.settle()
    world.start_processes()
    world.settle()
    (active,) = world.kube.of_kind("WebJobRun")
    assert active["status"]["state"] == "Running"
    assert ("default" in policy) is (webjob({}).concurrency == name)

    world.now += timedelta(minutes=1)
    world.settle()
    states = {one["metadata"]["name"]: one.get("status", {}).get("state") for one in world.kube.of_kind("WebJobRun")}
    of_active = states.pop(active["metadata"]["name"])
    assert len(states) <= 1
    outcome = {
        ((), "Running"): "is not made",
        ((None,), "Running"): "waits",
        (("Initializing",), "Running"): "starts",
        (("Initializing",), "Aborted"): "starts once the active one, which is ended for it, is gone",
    }
    assert outcome[tuple(states.values()), of_active] == slot_run
    assert world.events() == code(event)
    assert world.one("WebJob")["status"].get("skippedRuns", 0) == (1 if counter == "+ 1" else 0)


CHECKS: dict[tuple[str, ...], Callable[..., None]] = {
    ("element", "expression", "normal form", "in words"): check_grammar,
    ("trap", "expression", "normal form", "in words"): check_grammar,
    ("expression", "field", "what the message says"): check_error,
    ("expression", "after", "fires at"): check_next,
    ("expression", "zone", "CronJob, or why not"): check_cron,
    ("name", "is"): check_zone,
    ("zone", "expression", "after", "fires at", "what happens"): check_change,
    ("expression", "newest run", "now", "what happens"): check_catch_up,
    ("policy", "the slot's run", "Event", "`status.skippedRuns`"): check_overlap,
}
TABLES = tables(PAGE.read_text())


def test_each_table_of_the_page_has_its_check() -> None:
    assert [header for header, _ in TABLES] == list(CHECKS)


@pytest.mark.parametrize(
    ("header", "row"),
    [pytest.param(header, row, id=" ".join(row[:2])) for header, rows in TABLES for row in rows],
)
def test_row(header: tuple[str, ...], row: tuple[str, ...]) -> None:
    CHECKS[header](*row)


def test_the_page_names_what_is_there() -> None:
    """Numbers, names and zones that stand outside of tables or have to be complete in one."""
    text = " ".join(PAGE.read_text().split())
    assert f"`startingDeadlineSeconds` (default {DEFAULT_STARTING_DEADLINE_SECONDS})" in text
    policies = [code(row[0])[0] for header, rows in TABLES if header[0] == "policy" for row in rows]
    assert sorted(policies) == sorted(get_args(ConcurrencyPolicy))
    zones = {row[0] for header, rows in TABLES if header[0] == "zone" for row in rows}
    assert len(zones) == 3
    assert f"Schedule - {parse('0 */15 * * * *').normalised}" in text
    for unknown in ("Kamchatka Standard Time", "Mid-Atlantic Standard Time"):
        assert f"`{unknown}`" in text
        with pytest.raises(ScheduleError):
            load_zone(unknown)
