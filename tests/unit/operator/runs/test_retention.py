"""Runs on their way into the store: which, in what order, and what dying in between leaves behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import obstore
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.cluster import KEY, World
from tests.fakes.kube import Call, Died
from tests.fakes.objects import job, run, run_async, run_body, webjob, webjob_body
from webjobs.model import StoredRuns as Said
from webjobs.model import WebJobRun
from webjobs.runs import runs
from webjobs.runs.runs import run_id
from webjobs.store import run_logs as stored_logs
from webjobs.store import run_records as stored_history
from webjobs.store import stored_run
from webjobs_kube.errors import ApiError, NotFound
from webjobs_operator.runs import offload, retention
from webjobs_operator.runs.retention import Places, Trimmed
from webjobs_operator.watching import handlers

END = {"endTime": "2026-01-01T00:00:00Z", "exitCode": 0}


def _id(number: int) -> str:
    return f"2025010100000000{number:02d}"


def _name(number: int) -> str:
    return f"job-{_id(number)}"


def ended(number: int, state: str = "Success", **status: Any) -> dict[str, Any]:
    key = stored_logs.run_log_key(namespace="site", webjob="job", run_id=_id(number))
    owner = {"kind": "WebJob", "name": "job", "uid": "uid-job"}
    return run_body(_name(number), state=state, status=END | {"logPath": key} | status, ownerReferences=[owner])


@pytest.mark.parametrize(
    ("states", "limit", "objects", "store", "gone", "room"),
    [
        ("", None, 100, [], [], 50),
        ("SSS", None, 100, [], [], 47),
        ("SSSSS", 10, 3, [0, 1], [], 7),
        ("SSSSS", 4, 3, [1], [0], 1),
        ("SSSSS", 3, 3, [], [0, 1], 0),
        ("SSSSS", 2, 3, [], [0, 1, 2], 0),
        ("SRSSI", 10, 1, [0, 2], [], 9),
        ("RRR", 1, 1, [], [], 1),
        ("SFASS", 10, 3, [0, 1], [], 7),
        ("kkSSk", 10, 2, [], [0], 8),  # skipped ones take no other run's place, and are not stored
        ("Skkk", 1, 1, [], [1, 2], 0),
        ("S-S--", 10, 1, [0], [], 9),  # being deleted
    ],
)
def test_places(states: str, limit: int | None, objects: int, store: list[int], gone: list[int], room: int) -> None:
    words = {"S": "Success", "F": "Failed", "A": "Aborted", "R": "Running", "I": "Initializing", "k": "Skipped"}
    known = {}
    for number, letter in enumerate(states):
        deleting = {"deletionTimestamp": "2026-01-01T00:00:00Z"} if letter == "-" else {}
        known[_name(number)] = run(_name(number), state=words.get(letter, "Success"), **deleting)
    found = retention.places(webjob({"historyLimit": limit}), known, objects=objects)
    assert ([run_id(one) for one in found.store], [run_id(one) for one in found.gone], found.room) == (
        [_id(number) for number in store],
        [_id(number) for number in gone],
        room,
    )


STATES = st.sampled_from(["Initializing", "Running", "Success", "Failed", "Aborted", "Skipped", None])


@given(st.lists(STATES, max_size=30), st.integers(1, 20), st.integers(1, 20), st.randoms())
def test_every_ended_run_has_one_place(states: list[str | None], limit: int, objects: int, random: Any) -> None:
    all_runs = [run(_name(number), state=state) for number, state in enumerate(states)]
    random.shuffle(all_runs)
    found = retention.places(
        webjob({"historyLimit": limit}), {one.metadata.name: one for one in all_runs}, objects=objects
    )
    moved, gone = {run_id(one) for one in found.store}, {run_id(one) for one in found.gone}
    assert not moved & gone
    assert all(one.ended for one in (*found.store, *found.gone))
    real = sorted((run_id(one) for one in all_runs if one.ended and one.status.state != "Skipped"), reverse=True)
    kept = [one for one in real if one not in gone]
    assert kept == real[:limit]
    assert [one for one in kept if one not in moved] == real[: min(limit, objects)]
    assert len(moved) <= found.room <= limit


@pytest.mark.parametrize(
    ("before", "moving", "trimmed", "after"),
    [
        (None, [], None, None),
        (None, [3, 4], None, Said(newest=_id(4))),
        (Said(newest=_id(4), limit=10), [5], None, Said(newest=_id(5), limit=10)),
        (Said(newest=_id(4), limit=10), [2], None, Said(newest=_id(4), limit=10)),
        (Said(newest=_id(4), limit=10), [], Trimmed(limit=7, empty=False), Said(newest=_id(4), limit=7)),
        (Said(newest=_id(4), limit=10), [], Trimmed(limit=7, empty=True), None),
        (Said(newest=_id(4), limit=10), [5], Trimmed(limit=7, empty=True), Said(newest=_id(5), limit=7)),
    ],
)
def test_what_the_status_says(
    before: Said | None, moving: list[int], trimmed: Trimmed | None, after: Said | None
) -> None:
    there = Places(store=[run(_name(number), state="Success") for number in moving])
    assert retention.stored_status(before, there, trimmed) == after


class Store:
    """Counts and breaks what is done to the store."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.calls: list[str] = []
        self.die_after: int | None = None
        self.error: Exception | None = None
        for name in ("write", "replace", "read", "run_ids", "delete"):
            monkeypatch.setattr(stored_history, name, self._wrapped(name, getattr(stored_history, name)))

    def _wrapped(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        async def call(*arguments: Any, **more: Any) -> Any:
            self.calls.append(name)
            if self.error:
                raise self.error
            result = await real(*arguments, **more)
            if self.die_after is not None and len(self.calls) >= self.die_after:
                raise Died
            return result

        return call


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(offload, "_RETRY_SECONDS", 0.001)
    return Store(monkeypatch)


def world_of(count: int, *more: dict[str, Any], limit: int = 6, objects: int = 3) -> World:
    """A WebJob with so many ended runs and their logs."""
    world = World(
        webjob_body({"historyLimit": limit, "concurrencyPolicy": "Allow"}),
        *(ended(number) for number in range(count)),
        *more,
        objects=objects,
    )
    for number in range(count):
        add_log(world, number)
    return world


def add_log(world: World, number: int) -> None:
    obstore.put(world.store, stored_logs.run_log_key(namespace="site", webjob="job", run_id=_id(number)), b"log")


def told(world: World) -> None:
    """The watch tells of every WebJobRun that is gone."""
    gone = [call.name or "" for call in world.kube.calls if call.verb == "delete" and call.kind == "WebJobRun"]
    for name in dict.fromkeys(gone):
        if ("WebJobRun", "site", name) not in world.kube.objects:
            forget_logs(world, ended(int(name[-2:])))


def forget_logs(world: World, body: dict[str, Any]) -> None:
    run_async(handlers._drop_logs(world.store, world.followers, world.stored_runs, body))


def files(world: World) -> list[str]:
    found = [one["path"] for batch in obstore.list(world.store, "site/data/jobs/triggered/job") for one in batch]
    return sorted(path.split("/", 5)[5] for path in found if "scheduler" not in path)


def both(*numbers: int) -> list[str]:
    return [f"{_id(number)}/{name}" for number in numbers for name in ("output_log.txt", "status")]


def logs(*numbers: int) -> list[str]:
    return [f"{_id(number)}/output_log.txt" for number in numbers]


def objects(world: World) -> list[str]:
    return [one["metadata"]["name"] for one in world.kube.of_kind("WebJobRun")]


def said(world: World) -> Any:
    return world.one("WebJob")["status"].get("storedRuns")


def test_older_runs_move_and_the_oldest_go(store: Store) -> None:
    world = world_of(8, run_body("job-active"))
    world.settle()
    told(world)
    assert objects(world) == [_name(5), _name(6), _name(7), "job-active"]
    assert files(world) == both(2, 3, 4) + logs(5, 6, 7)
    assert said(world) == {"newest": _id(4), "limit": 6}
    store.calls.clear()
    assert world.settle() == []
    assert store.calls == [], "at rest the store is not asked"
    world.restart()
    assert world.settle() == []
    assert store.calls == [], "nor after a restart"
    world.kube.add(ended(8))
    add_log(world, 8)
    assert world.settle() == ["patch WebJob/status", "delete WebJobRun"]
    assert objects(world)[:3] == [_name(6), _name(7), _name(8)]
    assert files(world) == both(3, 4, 5) + logs(6, 7, 8)
    assert store.calls == ["run_ids", "write", "delete"]
    store.calls.clear()
    world.kube.add(ended(9))
    world.settle()
    assert store.calls == ["write", "delete"], "listed once"


def test_a_usual_job_needs_no_store(store: Store) -> None:
    world = world_of(8, limit=5, objects=100)
    world.settle()
    told(world)
    assert objects(world) == [_name(number) for number in range(3, 8)]
    assert files(world) == logs(3, 4, 5, 6, 7)
    assert said(world) is None
    assert store.calls == []


def test_what_is_stored_says_all(store: Store) -> None:
    more = {"message": "It was bad.", "processStartTime": "2025-01-01T00:00:01Z", "errorLogPath": "x"}
    body = ended(0, "Failed", **more)
    body["spec"] |= {"trigger": "External - me", "arguments": "a b", "scheduleName": "s"}
    world = World(webjob_body({"historyLimit": 6}), body, ended(1), objects=1)
    world.settle()
    key = stored_history.key(namespace="site", webjob="job", run_id=_id(0))
    content = bytes(obstore.get(world.store, key).bytes())
    assert content.decode() == (
        '{"Trigger":"External - me","Status":"Failed","StartTime":"2025-01-01T00:00:00Z",'
        '"EndTime":"2026-01-01T00:00:00Z","ProcessStartTime":"2025-01-01T00:00:01Z","ExitCode":0,'
        '"Message":"It was bad.","Arguments":"a b","ScheduleName":"s","Log":true,"ErrorLog":true,'
        f'"Name":"{_name(0)}","Uid":"uid-{_name(0)}","WebJobUid":"uid-job"}}'
    )
    again, owner = stored_run.of_json(content, namespace="site", webjob="job", run_id=_id(0))
    before = WebJobRun.parse(body)
    assert owner == "uid-job"
    assert again.spec == before.spec
    assert (runs.run_id(again), runs.start_time(again), runs.trigger(again)) == (
        _id(0),
        runs.start_time(before),
        "External - me",
    )
    paths = {"log_path": before.status.log_path, "error_log_path": key.replace("status", "error_log.txt")}
    same = {"run_id": _id(0), "start_time": "2025-01-01T00:00:00Z", **paths}
    assert again.status == before.status.model_copy(update=same)


@pytest.mark.parametrize("what", ["kube", "lost", "store"])
def test_dying_at_any_point_loses_nothing(store: Store, what: str) -> None:
    """And leaves nothing behind, once a new operator had its turn and the next run has ended."""
    for number in range(1, 20):
        world = world_of(8)
        store.calls.clear()
        if what == "store":
            store.die_after = number
        else:
            world.crash_at(number, lost_answer=what == "lost")
        try:
            world.settle()
            died = False
        except (Died, ApiError):
            died = True
        store.die_after, world.kube.before_call = None, None
        world.kube._failures.clear()
        if died:
            world.restart()
            world.watch()
        told(world)  # it may be the new operator that hears of what the old one deleted
        in_store = {one.partition("/")[0] for one in files(world) if one.endswith("status")}
        for kept in range(2, 8):
            assert _id(kept) in in_store or _name(kept) in objects(world), f"after {what} {number}"
            assert f"{_id(kept)}/output_log.txt" in files(world)
        world.restart()
        world.settle()
        world.kube.add(ended(8))
        add_log(world, 8)
        world.settle()
        told(world)
        assert objects(world) == [_name(6), _name(7), _name(8)]
        assert files(world) == both(3, 4, 5) + logs(6, 7, 8), f"after {what} {number}"
        if not died and what != "lost":
            assert number > 4, "it ended before anything could die"
            return
    assert what == "lost"


def test_a_store_that_fails_loses_nothing_and_holds_no_pass_up(store: Store) -> None:
    world = world_of(8)
    store.error = OSError("no")

    async def one_pass() -> None:
        await world.reconciler(KEY)
        while len(store.calls) < 3:  # noqa: ASYNC110  it is tried again
            await asyncio.sleep(0.001)
        assert len(objects(world)) == 6, "those beyond the limit go without the store"
        await world.reconciler(KEY)
        store.error = None
        await world.stored_runs.idle()

    world.watch()
    run_async(one_pass())
    world.settle()
    assert objects(world) == [_name(5), _name(6), _name(7)]
    assert files(world)[-9:] == both(2, 3, 4) + logs(5, 6, 7)


def test_somebody_deletes_the_run_just_before(store: Store) -> None:
    world = world_of(4)

    async def kubectl(call: Call) -> None:
        if (call.verb, call.kind) == ("get", "WebJobRun"):
            world.kube.objects.pop(("WebJobRun", "site", call.name or ""), None)

    world.kube.before_call = kubectl
    world.settle()
    assert files(world) == logs(1, 2, 3)


def test_a_deletion_that_the_client_repeats(store: Store) -> None:
    """It finds nothing the second time, as the answer was lost: the run was moved all the same."""
    world = world_of(4)
    world.kube.fail(NotFound(404, "NotFound", "gone"), verb="delete", kind="WebJobRun", after=True)
    world.settle()
    assert files(world) == both(0) + logs(1, 2, 3)


def test_a_deleted_run_takes_its_log_along_unless_it_has_moved(store: Store) -> None:
    world = world_of(6)
    world.settle()
    world.restart()  # whose memory says nothing
    world.watch()
    run_async(world.kube.delete("WebJobRun", "site", _name(5)))
    for number in (0, 5):
        forget_logs(world, ended(number))
    assert files(world) == both(0, 1, 2) + logs(3, 4)
    store.calls.clear()
    forget_logs(world, ended(4))
    assert store.calls == [], "newer than all that is stored"
    store.error = OSError("no")
    forget_logs(world, ended(1))
    store.error = None
    assert files(world) == both(0, 1, 2) + logs(3)


def test_a_lower_limit_trims_once(store: Store) -> None:
    world = world_of(8)
    world.settle()
    told(world)
    for limit, left, status in [(5, both(3, 4), {"newest": _id(4), "limit": 5}), (3, [], None)]:
        body = world.one("WebJob")
        body["spec"]["historyLimit"] = limit
        run_async(world.kube.replace(body))
        world.settle()
        assert files(world) == left + logs(5, 6, 7)
        assert said(world) == status
        store.calls.clear()
        assert world.settle() == []
        assert store.calls == []


def test_many_at_once_go_in_parts(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offload, "BATCH", 2)
    world = world_of(12, limit=20)
    world.settle()
    told(world)
    assert files(world) == both(*range(9)) + logs(9, 10, 11)
    body = world.one("WebJob")
    body["spec"]["historyLimit"] = 4
    run_async(world.kube.replace(body))
    world.settle()
    assert files(world) == both(8) + logs(9, 10, 11)


def test_a_deleted_webjob_takes_all_along(store: Store) -> None:
    world = world_of(8)
    world.settle()
    told(world)
    newer = runs.run_id_at(world.now)[:-4] + "9999"  # of a WebJob that was made anew under the name
    obstore.put(world.store, f"site/data/jobs/triggered/job/{newer}/status", b"{}")

    async def drop() -> None:
        world.stored_runs.drop(KEY)
        await world.stored_runs.idle()

    world.cache.forget("WebJob", world.one("WebJob"))
    run_async(drop())
    assert files(world) == [*logs(5, 6, 7), f"{newer}/status"]
    for number in (5, 6, 7):
        forget_logs(world, ended(number))
    assert files(world) == [f"{newer}/status"]
    assert not world.stored_runs._known


def test_what_another_webjob_of_the_name_has_left_is_replaced(store: Store) -> None:
    world = world_of(4)
    key = stored_history.key(namespace="site", webjob="job", run_id=_id(0))
    for left in (b"{}", stored_run.to_json(run(_name(0), uid="other", state="Success"), owner="other")):
        obstore.put(world.store, key, left)
    world.settle()
    _, owner = stored_run.of_json(
        bytes(obstore.get(world.store, key).bytes()), namespace="site", webjob="job", run_id=""
    )
    assert owner == "uid-job"


def test_a_log_is_deleted_where_it_is_and_not_where_a_status_says(store: Store) -> None:
    """Who may write the status of a run of one site must not delete what another site has stored."""
    world = world_of(0)
    add_log(world, 1)
    other = "shop/data/jobs/triggered/job/202501010000000001/output_log.txt"
    obstore.put(world.store, other, b"theirs")
    forget_logs(world, run_body(_name(1), state="Success", status=END | {"logPath": other, "errorLogPath": other}))
    assert files(world) == []
    assert bytes(obstore.get(world.store, other).bytes()) == b"theirs"


@pytest.mark.parametrize(
    ("name", "webjob", "run_id"),
    [
        ("mine", "job", "202501010000000001"),
        ("mine-202501010000000001", "job", None),
        ("job-202501010000000002", "job", "202501010000000001"),
    ],
)
def test_a_run_that_says_it_is_another_takes_no_log_along(
    store: Store, name: str, webjob: str, run_id: str | None
) -> None:
    world = world_of(0)
    add_log(world, 1)
    status = END | {"logPath": "x"} | ({"runId": run_id} if run_id else {})
    if not run_id:
        status.pop("runId", None)
    forget_logs(world, run_body(name, state="Success", spec={"webJobName": webjob}, status=status))
    assert files(world) == logs(1)


def test_a_job_with_attempts_left_goes_soon_after_its_success() -> None:
    """A sidecar that fails later would make it start the script again."""
    ended = run(_name(1), state="Success", status={"endTime": "2026-01-01T00:00:00Z"})
    owners = [{"kind": "WebJobRun", "name": _name(1), "uid": "x"}]
    of = {
        "attempts left": job(name=_name(1), spec={"backoffLimit": 1}, owners=owners),
        "complete": job(
            name=_name(1),
            spec={"backoffLimit": 1},
            owners=owners,
            conditions=[{"type": "Complete", "status": "True"}],
        ),
        "one attempt": job(name=_name(1), owners=owners),
    }
    now = datetime(2026, 1, 1, 0, 0, 10, tzinfo=UTC)
    gone = {
        what: bool(
            retention.finished_jobs({_name(1): one}, {_name(1): ended}, retention=timedelta(minutes=5), now=now)[0]
        )
        for what, one in of.items()
    }
    assert gone == {"attempts left": True, "complete": False, "one attempt": False}
