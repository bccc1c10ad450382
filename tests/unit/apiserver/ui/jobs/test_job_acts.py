"""What is done with a job by the forms of its page, and what is refused."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.fakes.objects import run_body
from tests.fakes.shim import RUN_ID, Shim
from tests.fakes.visitor import Browser, browser
from webjobs_apiserver.service.runs import Runs

JOB, WORKER = "/ui/jobs/triggered/hello", "/ui/jobs/continuous/worker"
HOSTILE = '<script>alert(1)</script> "two words" \u202eevil\''


def spec(one: Shim, name: str) -> dict[str, Any]:
    found: dict[str, Any] = one.kube.objects["WebJob", "site", name]["spec"]
    return found


def started(one: Shim) -> list[dict[str, Any]]:
    return [made["spec"] for made in one.kube.of_kind("WebJobRun")]


async def test_run(one: Shim, visitor: Browser) -> None:
    answer = await visitor.send(f"{JOB}/run", arguments=HOSTILE, once="1")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{JOB}/runs/{RUN_ID}")
    (made,) = one.kube.of_kind("WebJobRun")
    assert made["spec"]["arguments"] == HOSTILE
    assert made["spec"]["trigger"] == "External - dashboard"
    assert made["metadata"]["annotations"]["webjobs.dev/requested-by"] == "account:user"


async def test_run_without_arguments(one: Shim, visitor: Browser) -> None:
    assert (await visitor.send(f"{JOB}/run")).status_code == 303
    assert "arguments" not in started(one)[0]


async def test_a_double_click_is_one_run(one: Shim, visitor: Browser) -> None:
    await visitor.client.get(JOB)
    answers = await asyncio.gather(*(visitor.send(f"{JOB}/run", once="a") for _ in range(3)))
    assert [answer.headers["location"] for answer in answers] == [f"{JOB}/runs/{RUN_ID}"] * 3
    assert len(started(one)) == 1


@pytest.mark.parametrize(
    "second",
    [
        pytest.param({"once": "b"}, id="another page"),
        pytest.param({"once": "a", "arguments": "x"}, id="the same page, with arguments that were changed"),
        pytest.param({}, id="no page of ours"),
    ],
)
async def test_two_acts_are_two(one: Shim, visitor: Browser, second: dict[str, str]) -> None:
    """The second run is refused, as by the REST API, and its page leads to the first."""
    await visitor.send(f"{JOB}/run", once="a")
    answer = await visitor.send(f"{JOB}/run", **second)
    assert answer.status_code == 409
    assert f'href="{JOB}/runs/{RUN_ID}"' in answer.text
    assert "one run at a time" in answer.text
    assert len(started(one)) == 1


async def test_another_session_is_another_act(one: Shim, visitor: Browser) -> None:
    await visitor.send(f"{JOB}/run", once="a")
    one.pass_time(seconds=1)  # tickets of one second are alike
    other = browser(one)
    await other.log_in()
    assert (await other.send(f"{JOB}/run", once="a")).status_code == 409


async def test_busy_with_a_run_that_is_not_known(one: Shim, visitor: Browser) -> None:
    """Its lock stands, and the run is not there yet."""
    status = {"activeRun": {"name": f"hello-{RUN_ID}", "since": "2026-01-01T12:00:00Z"}}
    await one.kube.patch("WebJob", "site", "hello", {"status": status}, subresource="status")
    await one.caught_up()
    answer = await visitor.send(f"{JOB}/run")
    assert (answer.status_code, "/runs/" in answer.text) == (409, False)


@pytest.mark.parametrize(("arguments", "status"), [("a\0b", 400), ("a" * 65537, 400)])
async def test_arguments_that_no_run_can_have(one: Shim, visitor: Browser, arguments: str, status: int) -> None:
    assert (await visitor.send(f"{JOB}/run", arguments=arguments, once="a")).status_code == status
    assert (await visitor.send(f"{JOB}/run", once="a")).status_code == 303, "a form that failed may be sent again"


async def test_a_site_that_is_stopped(one: Shim, visitor: Browser) -> None:
    await one.client().post("/api/settings", json={"WEBJOBS_STOPPED": "1"})
    answer = await visitor.send(f"{JOB}/run")
    assert (answer.status_code, "stopped" in answer.text) == (409, True)
    assert "keep its schedules from running" in (await visitor.client.get(JOB)).text


async def test_a_job_that_is_not_there(one: Shim, visitor: Browser) -> None:
    for path in ("triggered/other/run", "triggered/other/suspend", "continuous/hello/stop", "continuous/hello/scale"):
        assert (await visitor.send(f"/ui/jobs/{path}", replicas="1")).status_code == 404, path
    assert (await visitor.client.get("/ui/jobs/triggered/other")).status_code == 404
    assert (await visitor.client.get("/ui/jobs/scheduled/hello")).status_code == 404


async def test_split(one: Shim, visitor: Browser) -> None:
    fragment = await visitor.client.get(f"{JOB}/split", params={"arguments": HOSTILE})
    assert fragment.status_code == 200
    assert "<html" not in fragment.text
    assert "<script" not in fragment.text
    for word in ("&lt;script&gt;alert(1)&lt;/script&gt;", "two words", "⌈U+202E⌉evil&#39;"):
        assert f"<code>{word}</code>" in fragment.text
    without = await visitor.send(f"{JOB}/split", arguments=HOSTILE)
    assert (without.status_code, without.headers["location"].endswith("#run")) == (303, True)
    assert "csrf" not in without.headers["location"]
    page = (await visitor.client.get(without.headers["location"])).text
    assert "<code>two words</code>" in page
    assert 'value="&lt;script&gt;alert(1)&lt;/script&gt; &#34;two words&#34; \u202eevil&#39;"' in page
    assert (await visitor.send(f"{JOB}/split", arguments="a" * 5000)).status_code == 400
    assert not started(one)


async def test_many_arguments_are_counted(one: Shim, visitor: Browser) -> None:
    text = (await visitor.client.get(f"{JOB}/split", params={"arguments": 'a "" ' * 60})).text
    assert (text.count("<li>"), "120 arguments" in text, "and 20 more" in text, ">empty<" in text) == (
        100,
        True,
        True,
        True,
    )


async def test_stop_and_start(one: Shim, visitor: Browser) -> None:
    for verb, stopped, shown in (("stop", True, "Start"), ("start", False, "Stop")):
        answer = await visitor.send(f"{WORKER}/{verb}")
        assert (answer.status_code, answer.headers["location"]) == (303, WORKER)
        assert bool(spec(one, "worker").get("stopped")) == stopped
        assert f">{shown}</button>" in (await visitor.client.get(WORKER)).text


async def test_suspend_and_resume(one: Shim, visitor: Browser) -> None:
    assert "schedule</button>" not in (await visitor.client.get(JOB)).text, "it has none"
    await one.client().put("/api/triggeredwebjobs/hello/settings", json={"schedule": "0 */5 * * * *"})
    assert ">Suspend the schedule</button>" in (await visitor.client.get(JOB)).text
    for verb, suspended, shown in (("suspend", True, "Resume"), ("resume", False, "Suspend")):
        answer = await visitor.send(f"{JOB}/{verb}")
        assert (answer.status_code, answer.headers["location"]) == (303, JOB)
        assert spec(one, "hello")["suspend"] is suspended
        assert f">{shown} the schedule</button>" in (await visitor.client.get(JOB)).text


@pytest.mark.parametrize("given", ["0", "3", "200"])
async def test_scale(one: Shim, visitor: Browser, given: str) -> None:
    assert (await visitor.send(f"{WORKER}/scale", replicas=given)).status_code == 303
    assert spec(one, "worker")["replicas"] == int(given)
    assert f'value="{given}"' in (await visitor.client.get(WORKER)).text


@pytest.mark.parametrize("given", ["", "-1", "201", "99999", "1.5", "\u0661", "many"])
async def test_scale_to_what_is_no_number(one: Shim, visitor: Browser, given: str) -> None:
    assert (await visitor.send(f"{WORKER}/scale", replicas=given)).status_code == 400
    assert "replicas" not in spec(one, "worker")


async def test_a_singleton_is_not_scaled(one: Shim, visitor: Browser) -> None:
    await one.client().put("/api/continuouswebjobs/worker/settings", json={"is_singleton": True})
    page = (await visitor.client.get(WORKER)).text
    assert ("/scale" in page, "It is a singleton" in page) == (False, True)
    assert (await visitor.send(f"{WORKER}/scale", replicas="2")).status_code == 400
    assert "replicas" not in spec(one, "worker")


@pytest.mark.parametrize("typed", ["", "Hello", "hello2", "worker", "h\u0435llo"])
async def test_delete_with_another_name(one: Shim, visitor: Browser, typed: str) -> None:
    answer = await visitor.send(f"{JOB}/delete", name=typed)
    assert (answer.status_code, "Nothing was deleted" in answer.text) == (400, True)
    assert ("WebJob", "site", "hello") in one.kube.objects


@pytest.mark.parametrize(("kind", "name"), [("triggered", "hello"), ("continuous", "worker")])
async def test_delete(one: Shim, visitor: Browser, kind: str, name: str) -> None:
    answer = await visitor.send(f"/ui/jobs/{kind}/{name}/delete", name=f" {name} ")
    assert (answer.status_code, answer.headers["location"]) == (303, "/ui/jobs")
    assert ("WebJob", "site", name) not in one.kube.objects


async def test_who_may_only_run(one: Shim, visitor: Browser) -> None:
    """A user of Kubernetes sees the buttons of what the user may do, and is refused the rest."""
    one.kube.users["good"] = "ann"
    one.kube.rights |= {("ann", "site", "get", "webjobs"), ("ann", "site", "list", "webjobs")}
    one.kube.rights |= {("ann", "site", "create", "webjobruns")}
    ann = browser(one)
    await ann.client.post("/ui/login", data={"token": "good"})
    page = (await ann.client.get(JOB)).text
    for part, there in (('id="run"', True), ("/delete", False), ("/edit", False), ('id="runs"', False)):
        assert (part in page) == there, part
    assert (await ann.send(f"{JOB}/run")).status_code == 303
    for path in (f"{JOB}/suspend", f"{JOB}/delete", f"{JOB}/edit", f"{WORKER}/stop", f"{WORKER}/scale"):
        assert (await ann.send(path, name="hello", replicas="2")).status_code == 403, path
    worker = (await ann.client.get(WORKER)).text
    assert "may not see logs" in worker


async def test_the_run_of_a_job_that_runs_beside_others(one: Shim, visitor: Browser) -> None:
    """A double click is one run for jobs, too, of which the API server would take two."""
    await one.kube.patch("WebJob", "site", "hello", {"spec": {"concurrencyPolicy": "Allow"}})
    await one.caught_up()
    one.kube.add(run_body("hello-202601011100000000", spec={"webJobName": "hello"}))
    await asyncio.gather(*(visitor.send(f"{JOB}/run", once="a") for _ in range(2)))
    assert len(started(one)) == 2


async def test_an_error_that_nobody_knows_is_no_run(
    one: Shim, visitor: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def start(*arguments: Any, **more: Any) -> Any:
        raise RuntimeError("odd")

    monkeypatch.setattr(Runs, "start", start)
    with pytest.raises(RuntimeError, match="odd"):
        await visitor.send(f"{JOB}/run", once="a")
