"""The story of a pod: which lines come when, and that each is told once wherever one takes over."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.objects import webjob
from webjobs.logs import continuous_lines, continuous_story, processes
from webjobs.logs.continuous_lines import Entry
from webjobs.logs.continuous_story import About, Position, Tell, Wait
from webjobs.logs.kudu_lines import Output

NOW = datetime(2026, 1, 1, 1, tzinfo=UTC)
ABOUT = About(singleton=False, script="run.sh", host="BashScriptHost")
BEGUN = ["Status changed to Starting", "WebJob singleton setting is False"]
PROCESS = ["Run script 'run.sh' with script host - 'BashScriptHost'", "Status changed to Running"]


def time(second: int) -> str:
    return f"2026-01-01T00:{second // 60:02d}:{second % 60:02d}Z"


def ended(second: int, *, code: int = 0, of: str | None = None) -> dict[str, Any]:
    state: dict[str, Any] = {"startedAt": time(second - 1), "finishedAt": time(second), "exitCode": code}
    return {"terminated": state | ({"containerID": f"containerd://{of}"} if of else {})}


def running(second: int) -> dict[str, Any]:
    return {"running": {"startedAt": time(second)}}


BACK_OFF = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 2m40s restarting failed container"}}


def pod(
    state: dict[str, Any] | None = None,
    last: dict[str, Any] | None = None,
    *,
    count: int = 0,
    phase: str = "Running",
    of: str | None = None,
    deleted: int | None = None,
) -> dict[str, Any]:
    meta: dict[str, Any] = {"uid": "abcdef12", "creationTimestamp": time(0)}
    if deleted is not None:
        meta |= {"deletionTimestamp": time(deleted + 5), "deletionGracePeriodSeconds": 5}
    status: dict[str, Any] = {"name": "job", "state": state or {}, "lastState": last or {}, "restartCount": count}
    if of:
        status["containerID"] = f"containerd://{of}"
    return {"metadata": meta, "status": {"phase": phase, "containerStatuses": [status]}}


def story(
    position: Position, seen: dict[str, Any] | None, *, about: About = ABOUT, cap: int = 200, now: datetime = NOW
) -> tuple[list[str], Position]:
    """What is told until something has to be observed; reading is told as ``<process>``, and has no lines."""
    found, read = [], ""
    while step := continuous_story.next_step(position, seen, about=about, cap=cap, now=now, read=read):
        if isinstance(step, Tell):
            found += [line.text for line in step.lines]
            position = step.after
        elif isinstance(step, Wait):
            break
        else:
            previous = "previous " if step.process.previous else ""
            found.append(f"<{previous}{step.process.id}>")
            if step.process.ended is None:
                break
            read = step.process.id
    return found, position


FAILED, DONE = "Job failed due to exit code 3", "Status changed to Success"
STOPPING, STOPPED, PENDING = (f"Status changed to {word}" for word in ("Stopping", "Stopped", "PendingRestart"))


def down(seconds: int) -> list[str]:
    return [f"Process went down, waiting for {seconds} seconds", PENDING]


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        (pod(phase="Pending"), BEGUN),
        (pod({"waiting": {"reason": "ContainerCreating"}}, phase="Pending"), BEGUN),
        (pod(running(1)), [*BEGUN, *PROCESS, "<#0>"]),
        (pod(running(1), of="0123456789abcdef"), [*BEGUN, *PROCESS, "<0123456789ab>"]),
        (pod(ended(2, code=3)), [*BEGUN, *PROCESS, "<#0>", FAILED]),
        (pod(ended(2)), [*BEGUN, *PROCESS, "<#0>", DONE]),
        (pod(BACK_OFF, ended(2)), [*BEGUN, *PROCESS, "<previous #0>", DONE, *down(160)]),
        (
            pod(running(9), ended(2, code=3), count=1),
            [*BEGUN, *PROCESS, "<previous #0>", FAILED, *down(7), *PROCESS, "<#1>"],
        ),
        (
            pod(ended(9, code=3, of="b"), ended(2, of="a"), count=1),
            [*BEGUN, *PROCESS, "<previous a>", DONE, *down(6), *PROCESS, "<b>", FAILED],
        ),
        (pod(ended(9, code=3, of="b"), ended(9, code=3, of="b"), count=1), [*BEGUN, *PROCESS, "<b>", FAILED]),
        (pod(running(1), deleted=8), [*BEGUN, STOPPING, *PROCESS, "<#0>"]),
        (pod(ended(9), deleted=8), [*BEGUN, STOPPING, *PROCESS, "<#0>", DONE, STOPPED]),
        (pod(phase="Failed"), [*BEGUN, STOPPED]),
        (pod(ended(9, code=3), phase="Failed"), [*BEGUN, *PROCESS, "<#0>", FAILED, STOPPED]),
        (pod(phase="Pending", deleted=1), [*BEGUN, STOPPING]),
        (None, []),
    ],
)
def test_a_pod_that_is_new(seen: dict[str, Any] | None, expected: list[str]) -> None:
    assert story(Position(), seen)[0] == expected


FIRST = Position(stage="running", process="#0", lines=3, out=(("x", 1),))


WAITS = replace(ABOUT, restart_delay=60)


@pytest.mark.parametrize(
    ("seen", "at", "expected"),
    [
        (pod(BACK_OFF, ended(2)), 3, [DONE, *down(60)]),
        (pod(running(9), ended(2), count=1), 61, [DONE, *down(60)]),
        (pod(running(9), ended(2), count=1), 62, [DONE, *down(60), *PROCESS, "<#1>"]),
        (pod(running(80), ended(2), count=1), 80, [DONE, *down(60), *PROCESS, "<#1>"]),
    ],
)
def test_a_container_that_waits_before_its_process(seen: dict[str, Any], at: int, expected: list[str]) -> None:
    now = datetime.fromisoformat(time(at))
    told, _ = story(FIRST, seen, about=WAITS, now=now)
    assert [text for text in told if not text.startswith("<previous")] == expected


@pytest.mark.parametrize(
    ("position", "seen", "expected"),
    [
        (Position(stage="begun"), pod(running(1)), [*PROCESS, "<#0>"]),
        (FIRST, pod(running(1)), ["<#0>"]),
        (FIRST, pod(ended(2)), ["<#0>", DONE]),
        (replace(FIRST, lines=201), pod(running(1)), []),
        (replace(FIRST, lines=201), pod(ended(2)), [DONE]),
        (FIRST, pod(running(9), ended(2), count=1), ["<previous #0>", DONE, *down(7), *PROCESS, "<#1>"]),
        # Two lives have passed since: of the first nothing is known any more.
        (
            FIRST,
            pod(running(9), ended(5, code=3), count=2),
            [*down(0), *PROCESS, "<previous #1>", FAILED, *down(4), *PROCESS, "<#2>"],
        ),
        (FIRST, pod({}), []),
        (FIRST, pod({}, phase="Failed"), [STOPPED]),
        (FIRST, None, ["WebJob process was aborted", STOPPED]),
        (replace(FIRST, stopping=True), pod(ended(9), deleted=8), ["<#0>", DONE, STOPPED]),
        (replace(FIRST, stage="down"), pod(ended(2)), []),
        (replace(FIRST, stage="down"), pod(BACK_OFF, ended(2)), down(160)),
        (replace(FIRST, stage="down"), pod(ended(2), deleted=8), [STOPPING, STOPPED]),
        (replace(FIRST, stage="down"), None, [STOPPED]),
        (replace(FIRST, stage="waiting"), pod(BACK_OFF, ended(2)), []),
        (replace(FIRST, stage="waiting"), pod(running(9), ended(2), count=1), [*PROCESS, "<#1>"]),
        (replace(FIRST, stage="stopped"), pod(running(9)), []),
        (replace(FIRST, stage="stopped"), None, []),
    ],
)
def test_a_story_that_goes_on(position: Position, seen: dict[str, Any] | None, expected: list[str]) -> None:
    assert story(position, seen)[0] == expected


def test_no_cap() -> None:
    assert story(replace(FIRST, lines=10**6), pod(running(1)), cap=0)[0] == ["<#0>"]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"singleton": True}, ["WebJob singleton setting is True", *PROCESS]),
        ({"script": None, "image": "x"}, ["WebJob singleton setting is False", PROCESS[1]]),
    ],
)
def test_about_the_job(spec: dict[str, Any], expected: list[str]) -> None:
    about = About.of(webjob({"type": "continuous"} | spec))
    assert story(Position(), pod(running(1)), about=about)[0][1:-1] == expected


@pytest.mark.parametrize(
    ("message", "seconds"),
    [
        ("back-off 10s restarting failed container=job pod=x", 10),
        ("back-off 5m0s restarting failed container=job pod=x", 300),
        ("back-off 1h0m3s restarting", 3603),
        ("something else", 0),
        (None, 0),
    ],
)
def test_seconds_of_a_back_off(message: str | None, seconds: int) -> None:
    seen = pod({"waiting": {"message": message}})
    assert continuous_story.seconds_down(seen, ended=NOW, following=None) == seconds


def test_a_process_that_could_not_be_started_has_a_time() -> None:
    state = {"terminated": {"startedAt": None, "finishedAt": time(7), "exitCode": 128}}
    (process,) = processes.processes(pod(state))
    assert process.started == process.ended == datetime(2026, 1, 1, 0, 0, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seen", "previous", "expected"),
    [
        (pod(running(1)), False, "#0"),
        (pod(running(1)), True, None),
        (pod(running(9), ended(2), count=1), False, "#1"),
        (pod(running(9), ended(2), count=1), True, "#0"),
        (pod(BACK_OFF, ended(2)), False, "#0"),
        (pod(BACK_OFF, ended(2)), True, "#0"),
        (pod({}), False, None),
    ],
)
def test_whose_log_the_api_gives(seen: dict[str, Any], previous: bool, expected: str | None) -> None:
    assert processes.reads(seen, previous=previous) == expected


@pytest.mark.parametrize("cap", [0, 1, 3])
def test_the_cap(cap: int) -> None:
    position, texts = FIRST, []
    position = replace(position, lines=0)
    for number in range(6):
        if continuous_story.is_full(position, cap=cap):
            break
        output = Output(f"2026-01-01T00:00:0{number}.5Z {number}", "ERR" if number % 2 else "INFO")
        entry = continuous_lines.taken(position, output, instance="abcdef", cap=cap)
        position = entry.after
        texts.append(entry.text.decode().partition(": ")[2])
    all_lines = [f"{'ERR ' if number % 2 else 'INFO'}] {number}\r\n" for number in range(6)]
    assert texts == (all_lines if cap == 0 else [*all_lines[:cap], f"WARN] {continuous_lines.FULL}\r\n"])


def test_positions_as_json() -> None:
    for position in (Position(), FIRST, replace(FIRST, stage="stopped", err=(("y", 2),), stopping=True)):
        assert Position.of_wire(position.to_wire()) == position
    assert Position.of_wire({"stage": "unheard of", "lines": 3}) == Position()
    earlier = {"stage": "running", "process": "#0", "out": "2026-01-01T00:00:10.9Z"}
    assert Position.of_wire(earlier).log.since() == "2026-01-01T00:00:05Z", "written before positions had many stamps"


# A life of a pod as the kubelet tells it, and somebody who looks now and then


def _states(lives: list[int]) -> list[tuple[dict[str, Any], int]]:
    """What is observed, and how many lives have ended by then. Each life ends with its exit code."""
    seen: list[tuple[dict[str, Any], int]] = [(pod(phase="Pending"), 0)]
    last = None
    for number, code in enumerate(lives):
        begin = 10 * number + 1
        now, after = running(begin), ended(begin + 2, code=code, of=f"c{number}")
        name = f"c{number}"
        seen.append((pod(now, last, count=number, of=name), number))
        seen.append((pod(after, last, count=number, of=name), number + 1))
        seen.append((pod(BACK_OFF, after, count=number, of=name), number + 1))
        last = after
    seen.append((pod(BACK_OFF, last, count=len(lives), of=f"c{len(lives)}", deleted=900), len(lives)))
    return seen


@given(st.lists(st.sampled_from([0, 3]), min_size=1, max_size=4), st.data())
def test_whoever_looks_often_enough_tells_the_same_story(lives: list[int], data: st.DataObject) -> None:
    """No matter which observations are missed, and who goes on from a stored position."""
    seen = _states(lives)
    position, found, ended_before = Position(), list[str](), 0
    for number, (one, ended_now) in enumerate(seen):
        later = seen[number + 1][1] if number + 1 < len(seen) else 99
        # A pod knows two lives: who sees less than every second one can't tell them all.
        if later - ended_before < 2 and number + 1 < len(seen) and data.draw(st.booleans()):
            continue
        told, position = story(Position.of_wire(position.to_wire()), one)
        found += [line for line in told if not line.startswith("<")]
        ended_before = ended_now
    expected = list(BEGUN)
    for code in lives:
        expected += [*PROCESS, DONE if code == 0 else FAILED]
        expected += ["Process went down", PENDING]
    shown = [line.partition(",")[0] for line in found]
    stopped = shown.index(STOPPING)
    assert [line for line in shown if line not in (STOPPING, STOPPED)] in (expected, expected[:-2])
    assert (shown[-1], shown.count(STOPPING), shown.count(STOPPED)) == (STOPPED, 1, 1)
    assert stopped > 1


MOMENTS = st.integers(0, 20).map(lambda second: (datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC), ""))


@given(st.lists(st.lists(MOMENTS, max_size=6), max_size=4))
def test_lines_of_several_pods(moments: list[list[tuple[datetime, str]]]) -> None:
    stories = [
        [Entry(moment, f"{pod}.{number} ".encode(), Position()) for number, moment in enumerate(own)]
        for pod, own in enumerate(moments)
    ]
    found = continuous_lines.merged(stories).decode().split()
    for pod_number, own in enumerate(stories):
        mine = [one for one in found if one.startswith(f"{pod_number}.")]
        assert mine == [entry.text.decode().strip() for entry in own], "a pod's own order stays"
    if all(own == sorted(own) for own in moments):
        when = {f"{pod}.{number}": moment for pod, own in enumerate(moments) for number, moment in enumerate(own)}
        assert [when[one] for one in found] == sorted(when[one] for one in found)


def test_lines_of_two_streams_change_places_between_system_lines() -> None:
    def at(second: int, *, loose: bool) -> Entry:
        moment = (datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC), "")
        return Entry(moment, f"{second}{'' if loose else '!'} ".encode(), Position(), loose=loose)

    found = [at(5, loose=False), *(at(second, loose=True) for second in (7, 6, 8)), at(2, loose=False)]
    assert continuous_lines.merged([[*found, at(4, loose=True)]]) == b"5! 6 7 8 2! 4 "


def test_what_the_file_lacks() -> None:
    positions = [replace(FIRST, lines=number) for number in range(4)]
    entries = [Entry((NOW, ""), b"", position) for position in positions[1:]]
    for number, stored in enumerate(positions):
        assert continuous_lines.kept(stored, positions[0], entries) == entries[number:]
    assert continuous_lines.kept(Position(), positions[0], entries) is None
