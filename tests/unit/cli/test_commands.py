"""Commands against an API server in memory: what they write, what they print, their exit codes."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import looptime
import pytest

from tests.fakes.kube import FakeKube
from tests.fakes.objects import pod, run_body, webjob_body
from webjobs.model import LABEL_RUN
from webjobs.runs.runs import run_id_of_object
from webjobs_cli import parser
from webjobs_cli.__main__ import _command, explain
from webjobs_cli.errors import CliError, UsageError
from webjobs_cli.session import Session
from webjobs_kube.errors import ApiError, NotFound, Unreachable
from webjobs_kube.logs.rotation import Rotated

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
Object = dict[str, Any]


class Desk(Session):
    """A session whose cluster is in memory."""

    fake: FakeKube

    @asynccontextmanager
    async def kube(self) -> AsyncIterator[FakeKube]:
        yield self.fake


class Called:
    """What calls of commands did."""

    def __init__(self, kube: FakeKube) -> None:
        self.kube = kube
        self.now = NOW
        self.out, self.err = io.StringIO(), io.StringIO()

    async def run(self, *words: str, environ: dict[str, str] | None = None) -> int:
        options = parser.parse(["-n", "site", *words])
        desk = Desk(options=options, environ=environ or {}, out=self.out, err=self.err, clock=lambda: self.now)
        desk.fake = self.kube
        return await _command(options.command)(desk)

    def __call__(self, *words: str, **more: Any) -> int:
        """In virtual time."""
        with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:
            return runner.run(self.run(*words, **more))


@pytest.fixture
def called() -> Called:
    kube = FakeKube(clock=lambda: NOW)
    kube.add(webjob_body())
    kube.add(webjob_body({"type": "continuous"}, name="worker"))
    return Called(kube)


def states(kube: FakeKube, *following: Object) -> Callable[[Any], Any]:
    """An operator that gives a run these states, one after each look at it."""
    left = list(following)

    async def step(call: Any) -> None:
        if (call.verb, call.kind) == ("get", "WebJobRun") and left:
            run = kube.objects[call.kind, call.namespace, call.name]
            run["status"] = (run.get("status") or {}) | left.pop(0)

    return step


def runs(called: Called) -> Sequence[Object]:
    return called.kube.of_kind("WebJobRun")


def test_a_run_is_what_the_operator_expects(called: Called) -> None:
    called.kube.before_call = states(called.kube, {}, {"state": "Initializing"})
    assert called("run", "job", "--", "a b", "c") == 0
    (run,) = runs(called)
    assert run["spec"] == {"webJobName": "job", "trigger": "External - kubectl-webjob", "arguments": '"a b" c'}
    assert run["metadata"]["generateName"] == "job-"
    assert run["metadata"]["labels"] == {"webjobs.dev/webjob": "job"}
    assert called.out.getvalue().startswith(f"webjobrun.webjobs.dev/{run['metadata']['name']} created (run 20260101")


ENDS: list[tuple[Object, int | str]] = [
    ({"state": "Success", "exitCode": 0}, 0),
    ({"state": "Failed", "exitCode": 42}, 42),
    ({"state": "Failed"}, 1),
    ({"state": "Aborted", "exitCode": 143}, 143),
    ({"state": "Skipped", "message": "Busy."}, "The run was refused. Busy."),
]


@pytest.mark.parametrize(("end", "code"), ENDS)
def test_wait_gives_the_code_of_the_run(called: Called, end: Object, code: int | str) -> None:
    called.kube.before_call = states(called.kube, {"state": "Running"}, {}, {}, end)
    if isinstance(code, str):
        with pytest.raises(CliError, match=code):
            called("run", "job", "--wait")
    else:
        assert called("run", "job", "--wait") == code


def test_a_refused_run_is_told_without_wait(called: Called) -> None:
    called.kube.before_call = states(called.kube, {"state": "Skipped"})
    with pytest.raises(CliError, match="Another run of the job was active"):
        called("run", "job")


def test_no_operator_is_told(called: Called) -> None:
    async def tick(call: Any) -> None:
        called.now += timedelta(seconds=1)

    called.kube.before_call = tick
    assert called("run", "job") == 0
    assert "the operator has not taken the run up yet" in called.err.getvalue()


def test_waiting_has_an_end(called: Called) -> None:
    called.kube.before_call = states(called.kube, {"state": "Running"})
    with pytest.raises(CliError, match="has not ended within 0:01:00"):
        called("run", "job", "--wait", "--timeout", "1m")
    assert len(runs(called)) == 1


def test_an_api_server_that_is_away_for_a_moment_ends_no_wait(called: Called) -> None:
    called.kube.before_call = states(called.kube, {"state": "Running"}, {}, {"state": "Success"})
    called.kube.fail(Unreachable("x"), verb="get", kind="WebJobRun", times=20)
    assert called("run", "job", "--wait") == 0


def test_one_that_stays_away_is_told(called: Called) -> None:
    called.kube.fail(Unreachable("x"), verb="get", kind="WebJobRun", times=1000)
    with pytest.raises(Unreachable):
        called("run", "job", "--wait")


def test_a_run_that_is_deleted_is_not_waited_for(called: Called) -> None:
    called.kube.fail(NotFound(404, "NotFound", ""), verb="get", kind="WebJobRun")
    with pytest.raises(CliError, match="was deleted while"):
        called("run", "job", "--wait")


def test_follow_reads_all_attempts_in_order(called: Called) -> None:
    """Two attempts; the second begins only after the first has ended, and the end comes last."""
    kube, looks = called.kube, 0

    async def act(call: Any) -> None:
        nonlocal looks
        if (call.verb, call.kind) != ("get", "WebJobRun"):
            return
        looks += 1
        run = kube.objects[call.kind, call.namespace, call.name]
        run["status"] = {"state": "Running"}
        labels = {LABEL_RUN: run_id_of_object(run)}
        if looks == 2:
            kube.add(pod(name="one", labels=labels, state={"waiting": {}}))
        if looks == 4:
            kube.logs["site", "one", False] = ["2026-01-01T12:00:00.1Z a", "2026-01-01T12:00:00.2Z b"]
            kube.objects["Pod", "site", "one"]["status"]["containerStatuses"][0]["state"] = {"terminated": {}}
            asyncio.get_running_loop().call_later(5, lambda: kube.logs.pop(("site", "one", False)))
        if looks == 6:
            kube.add(pod(name="two", labels=labels, state={"running": {}}, creationTimestamp="2026-01-01T12:00:09Z"))
            kube.logs["site", "two", False] = ["2026-01-01T12:00:10Z c"]
            asyncio.get_running_loop().call_later(5, lambda: kube.logs.pop(("site", "two", False)))
        if looks > 8:
            run["status"] |= {"state": "Failed", "exitCode": 9}

    kube.before_call = act
    assert called("run", "job", "--follow") == 9
    assert called.out.getvalue() == "a\nb\nc\n"


def test_a_log_that_breaks_is_read_on_without_doubles(called: Called) -> None:
    kube, pieces = called.kube, 0
    kube.add(run_body(state="Running", labels={"webjobs.dev/webjob": "job"}))
    kube.add(pod(name="one", labels={LABEL_RUN: "202601010000000000"}, state={"running": {}}))
    lines = ["2026-01-01T00:00:00.1Z a", "2026-01-01T00:00:00.2Z b", "2026-01-01T00:00:01Z c"]

    async def log_lines(*_: Any, stream: str | None = None, **__: Any) -> AsyncIterator[str]:
        nonlocal pieces
        if stream == "Stderr":
            return
        pieces += 1
        for line in lines[: pieces + 1]:
            yield line
        if pieces < 3:
            raise Unreachable("gone")
        kube.objects["WebJobRun", "site", "job-202601010000000000"]["status"]["state"] = "Success"

    kube.log_lines = log_lines  # type: ignore[method-assign]
    assert called("logs", "job", "-f") == 0
    assert called.out.getvalue() == "a\nb\nc\n"


def test_a_log_that_is_rotated_is_followed_on(called: Called) -> None:
    """Lines may be missing from a request after a rotation: the next one has them, and the run's end is waited for."""
    kube, tries = called.kube, 0
    kube.add(run_body(state="Running", labels={"webjobs.dev/webjob": "job"}))
    kube.add(pod(name="one", labels={LABEL_RUN: "202601010000000000"}, state={"running": {}}))

    async def log_lines(*_: Any, stream: str | None = None, **how: Any) -> AsyncIterator[str]:
        nonlocal tries
        if stream == "Stderr":
            return
        if how.get("limit_bytes"):  # which file is it by now
            yield "2026-01-01T00:00:00.00Z"
            return
        tries += 1
        for number in range(2 * tries):
            yield f"2026-01-01T00:00:00.{number:02d}Z {number}"
        if tries < 8:  # more often than connections may break in a row
            raise Rotated("site/one")
        kube.objects["WebJobRun", "site", "job-202601010000000000"]["status"]["state"] = "Success"

    kube.log_lines = log_lines  # type: ignore[method-assign]
    assert called("logs", "job", "-f") == 0
    assert called.out.getvalue().split() == [str(number) for number in range(16)]


def test_a_log_as_it_is_now_is_read_to_its_end(called: Called) -> None:
    """A connection that breaks in between is taken up where it broke."""
    kube, tries = called.kube, 0
    kube.add(run_body(state="Running", labels={"webjobs.dev/webjob": "job"}))
    kube.add(pod(name="one", labels={LABEL_RUN: "202601010000000000"}, state={"running": {}}))

    async def log_lines(*_: Any, stream: str | None = None, **__: Any) -> AsyncIterator[str]:
        nonlocal tries
        if stream == "Stderr":
            return
        tries += 1
        for number in range(5):
            if tries == 1 and number == 2:
                raise Unreachable("gone")
            yield f"2026-01-01T00:00:00.{number}Z {number}"

    kube.log_lines = log_lines  # type: ignore[method-assign]
    assert called("logs", "job") == 0
    assert called.out.getvalue().split() == ["0", "1", "2", "3", "4"]


def test_an_ended_run_without_pods_needs_the_store(called: Called) -> None:
    called.kube.add(run_body(state="Success", labels={"webjobs.dev/webjob": "job"}))
    with pytest.raises(UsageError, match="--url or WEBJOBS_URL"):
        called("logs", "job")


@pytest.mark.parametrize(
    ("words", "written"),
    [
        (["stop", "worker"], {"spec": {"stopped": True}}),
        (["start", "worker"], None),
        (["suspend", "job"], {"spec": {"suspend": True}}),
        (["resume", "job"], None),
    ],
)
def test_switches_are_written_when_they_differ(called: Called, words: list[str], written: Object | None) -> None:
    assert called(*words) == 0
    assert [call.body for call in called.kube.writes] == ([written] if written else [])
    assert ("already" in called.out.getvalue()) is (written is None)


@pytest.mark.parametrize(
    "words", [["start", "job"], ["run", "worker"], ["suspend", "worker"], ["cancel", "worker"], ["history", "worker"]]
)
def test_the_other_type_is_refused(called: Called, words: list[str]) -> None:
    with pytest.raises(CliError, match="and this is for"):
        called(*words)
    assert called.kube.writes == []


def test_cancel_all(called: Called) -> None:
    for number in range(3):
        state = "Success" if number == 1 else "Running"
        called.kube.add(run_body(f"job-20260101000000000{number}", state=state, labels={"webjobs.dev/webjob": "job"}))
    with pytest.raises(CliError, match="2 runs of 'job' go on"):
        called("cancel", "job")
    assert called("cancel", "job", "--all") == 0
    assert [one["spec"].get("cancel") for one in runs(called)] == [True, None, True]


def test_rollback_decides_anew_when_the_job_was_changed(called: Called) -> None:
    digests = [f"sha256:{letter * 64}" for letter in "ab"]
    old, new = ({"digest": digest, "entrypoint": "run.sh", "size": 1, "files": 1} for digest in digests)
    note = json.dumps([{"package": old, "settings": {"v": 1}, "replaced": "2026-01-01T00:00:00Z"}])
    raw = webjob_body({"script": None, "package": new}, name="packed")
    raw["metadata"]["annotations"] = {"webjobs.dev/earlier-packages": note}
    called.kube.add(raw)
    times = 0

    async def meddle(call: Any) -> None:
        nonlocal times
        if call.verb == "replace" and times < 2:
            times += 1
            await called.kube.patch("WebJob", "site", "packed", {"spec": {"retries": times}})

    called.kube.before_call = meddle
    assert called("rollback", "packed") == 0
    spec = called.kube.objects["WebJob", "site", "packed"]["spec"]
    assert (spec["package"], spec["settings"], spec["retries"]) == (old, {"v": 1}, 2)


def test_next_times_of_all_schedules(called: Called) -> None:
    kube = called.kube
    kube.add(webjob_body({"schedule": "0 0 3 * * *"}, name="timed"))
    kube.add(
        {
            "kind": "ConfigMap",
            "metadata": {"name": "webjobs-settings", "namespace": "site"},
            "data": {"WEBSITE_TIME_ZONE": "W. Europe Standard Time"},
        }
    )
    further: dict[str, Object] = {
        "each-six-hours": {"periodSeconds": 6 * 3600, "startTime": "2026-01-01T01:00:00Z"},
        "once": {"at": "2026-01-02T00:00:00Z"},
        "rests": {"cron": "* * * * * *", "suspend": True},
    }
    for name, spec in further.items():
        kube.add(
            {
                "apiVersion": "webjobs.dev/v1",
                "kind": "WebJobSchedule",
                "metadata": {"name": name, "namespace": "site"},
                "spec": {"webJobName": "timed"} | spec,
            }
        )
    assert called("schedule", "next", "timed", "-c", "5", "-o", "json") == 0
    assert [(one["time"], one["schedule"]) for one in json.loads(called.out.getvalue())] == [
        ("2026-01-01T13:00:00Z", "each-six-hours"),
        ("2026-01-01T19:00:00Z", "each-six-hours"),
        ("2026-01-02T00:00:00Z", "once"),
        ("2026-01-02T01:00:00Z", "each-six-hours"),
        ("2026-01-02T02:00:00Z", "timed"),
    ]
    assert "'rests' is suspended" in called.err.getvalue()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Unreachable("Timeout"), "can't be reached (Timeout)"),
        (NotFound(404, "NotFound", "the server could not find the requested resource"), "knows no WebJobs"),
        (ApiError(401, "Unauthorized", "Unauthorized"), "log in again"),
        (ApiError(403, "Forbidden", "webjobs is forbidden"), "docs/cli.md has a Role"),
        (ApiError(500, "Internal", ""), "500 Internal"),
    ],
)
def test_errors_of_the_cluster_say_what_to_do(error: ApiError, said: str) -> None:
    assert said in explain(error)


def worker_pod(name: str, uid: str) -> Object:
    made = pod(name=name, state={"running": {}}, uid=uid)
    made["metadata"]["labels"] = {"webjobs.dev/webjob": "worker"}
    return made


def test_a_continuous_job_is_followed_over_its_instances_and_restarts(called: Called) -> None:
    kube = called.kube
    kube.add(worker_pod("w1", "aaaaaa-1"))
    first = ["2026-01-01T00:00:01Z old"]
    kube.logs["site", "w1", False] = first

    async def story() -> None:
        await asyncio.sleep(3)
        first.append("2026-01-01T00:00:05Z new")
        await asyncio.sleep(3)
        kube.logs["site", "w1", False] = [*first, "2026-01-01T00:00:08Z after a restart"]
        await asyncio.sleep(3)
        kube.logs["site", "w2", False] = ["2026-01-01T00:00:09Z another"]
        kube.add(worker_pod("w2", "bbbbbb-2"))

    async def watch() -> None:
        teller = asyncio.create_task(story())
        with suppress(TimeoutError):
            await asyncio.wait_for(called.run("logs", "worker", "-f"), 20)
        await teller

    with asyncio.Runner(loop_factory=looptime.new_event_loop) as runner:
        runner.run(watch())
    assert called.out.getvalue().splitlines() == [
        "[aaaaaa] old",
        "[aaaaaa] new",
        "[aaaaaa] after a restart",
        "[bbbbbb] another",
    ]


def test_lines_of_instances_are_told_in_the_order_of_time(called: Called) -> None:
    for name, uid in (("w1", "aaaaaa-1"), ("w2", "bbbbbb-2")):
        called.kube.add(worker_pod(name, uid))
    called.kube.logs["site", "w1", False] = ["2026-01-01T00:00:01Z a", "2026-01-01T00:00:03Z c"]
    called.kube.logs["site", "w2", False] = ["2026-01-01T00:00:02Z b"]
    assert called("logs", "worker") == 0
    assert called.out.getvalue() == "[aaaaaa] a\n[bbbbbb] b\n[aaaaaa] c\n"
    with pytest.raises(UsageError, match="has one log and no runs"):
        called("logs", "worker", "--run", "x")
