"""The history on the page of a job: WebJobRuns and stored runs as one list, in pages, narrowed to a result."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import obstore
import pytest

from tests.fakes.objects import run, run_body, webjob_body
from tests.fakes.shim import START, Shim, shim
from tests.fakes.visitor import Browser, browser
from webjobs.runs.runs import run_id_at
from webjobs.store import run_records, stored_run
from webjobs_apiserver.ui.jobs.job_runs import Choice

JOB = "/ui/jobs/triggered/hello"
STORED = 70
LIVE = 40


def _id(number: int) -> str:
    """The id of a run by its number; 0 is the oldest."""
    return run_id_at(START - timedelta(days=2) + timedelta(minutes=number))


def _body(number: int, *, state: Any = None) -> dict[str, Any]:
    when = START - timedelta(days=2) + timedelta(minutes=number)
    failed = number % 10 == 0
    status = {"endTime": (when + timedelta(seconds=1 + number)).isoformat(), "exitCode": 3 if failed else 0}
    return run_body(
        f"hello-{_id(number)}",
        state=state or ("Failed" if failed else "Success"),
        spec={"webJobName": "hello", "trigger": "Schedule - 0 * * * * *"},
        status=status if state is None else {},
        labels={"webjobs.dev/webjob": "hello"},
    )


def _store(one: Shim, number: int) -> None:
    body = _body(number)
    model = run(body["metadata"]["name"], spec=body["spec"], status=body["status"])
    key = run_records.key(namespace="site", webjob="hello", run_id=_id(number))
    obstore.put(one.store, key, stored_run.to_json(model, owner="uid-hello"))


@pytest.fixture
def one() -> Iterator[Shim]:
    with shim() as made:
        made.kube.add(webjob_body(name="hello", status={"storedRuns": {"newest": _id(STORED - 1), "limit": 500}}))
        for number in range(STORED):
            _store(made, number)
        for number in range(STORED, STORED + LIVE):
            made.kube.add(_body(number))
        yield made


@pytest.fixture
async def visitor(one: Shim) -> AsyncIterator[Browser]:
    async with one.running():
        there = browser(one)
        assert (await there.log_in()).status_code == 303
        yield there


async def listed(visitor: Browser, query: str = "") -> tuple[list[str], list[str]]:
    """Ids of the runs in the list, and the queries of the pages before and after it."""
    page = await visitor.client.get(f"{JOB}{query}")
    assert page.status_code == 200
    more = re.search(r'aria-label="More runs">(.*?)</nav>', page.text, re.DOTALL)
    links = re.findall(r'href="[^"?]*(\??[^"#]*)#runs"', more[1]) if more else []
    return re.findall(r'<tr id="run-(\d{18})">', page.text), [link.replace("&amp;", "&") for link in links]


def ids(*numbers: int) -> list[str]:
    return [_id(number) for number in numbers]


async def test_pages_go_on_into_the_store(one: Shim, visitor: Browser) -> None:
    assert await listed(visitor) == (ids(*range(109, 59, -1)), ["?page=2"])
    assert await listed(visitor, "?page=2") == (ids(*range(59, 9, -1)), ["", "?page=3"])
    assert await listed(visitor, "?page=3") == (ids(*range(9, -1, -1)), ["?page=2"])
    assert await listed(visitor, "?page=4") == ([], ["?page=3"])


async def test_only_failed_ones(one: Shim, visitor: Browser) -> None:
    assert await listed(visitor, "?result=Failed") == (ids(*range(100, -1, -10)), [])
    found, more = await listed(visitor, "?result=Success&page=2")
    assert (len(found), more) == (49, ["?result=Success"])
    assert await listed(visitor, "?result=Aborted") == ([], [])


async def test_what_is_in_memory_costs_no_call_of_the_store(
    one: Shim, visitor: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(STORED + LIVE, STORED + LIVE + 11):
        one.kube.add(_body(number))
    await one.caught_up()

    async def candidates(*arguments: Any, **more: Any) -> Any:
        raise AssertionError("the store was asked")

    monkeypatch.setattr(run_records, "candidates", candidates)
    found, more = await listed(visitor)
    assert (len(found), more) == (50, ["?page=2"])


async def test_a_store_that_does_not_answer_keeps_no_run_back(
    one: Shim, visitor: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def candidates(*arguments: Any, **more: Any) -> Any:
        raise OSError("gone")

    monkeypatch.setattr(run_records, "candidates", candidates)
    page = (await visitor.client.get(JOB)).text
    assert "Older runs can't be shown. The store for packages and logs does not answer" in page
    assert page.count('<tr id="run-') == LIVE


async def test_a_run_in_both_places_is_listed_once(one: Shim, visitor: Browser) -> None:
    _store(one, STORED)
    found, _ = await listed(visitor)
    assert found.count(_id(STORED)) == 1


async def test_a_line(one: Shim, visitor: Browser) -> None:
    page = re.sub(r"\s+", " ", (await visitor.client.get(JOB)).text)
    row = page[page.index(f'<tr id="run-{_id(100)}">') :].partition("</tr>")[0]
    for part in (
        "Failed</span>",
        f'href="{JOB}/runs/{_id(100)}"',
        '<time datetime="2025-12-30T13:40:00.123Z">2025-12-30 13:40:00 UTC</time>',
        "1 min 41 s",
        '<td data-name="Exit code">3</td>',
        "Schedule - 0 * * * * *",
    ):
        assert part in row, part


async def test_the_plot_is_of_the_newest_fifty(one: Shim, visitor: Browser) -> None:
    page = (await visitor.client.get(JOB)).text
    assert "Durations of ended runs, oldest first: 45 of 50 succeeded" in page
    assert "45 of 50 (90 %)" in page
    assert page.count('class="room"') == 50
    for query in ("?page=2", "?result=Failed"):
        assert '<h2 id="plot-title">' not in (await visitor.client.get(f"{JOB}{query}")).text


async def test_a_run_that_waits_is_a_line_and_no_bar(one: Shim, visitor: Browser) -> None:
    one.kube.add(_body(STORED + LIVE, state="Running"))
    await one.caught_up()
    page = (await visitor.client.get(JOB)).text
    assert f'<tr id="run-{_id(STORED + LIVE)}">' in page
    assert "45 of 49 (91 %)" in page


@pytest.mark.parametrize(
    ("query", "result", "page"),
    [
        ({}, "", 1),
        ({"result": "Failed", "page": "3"}, "Failed", 3),
        ({"result": "<b>", "page": "0"}, "", 1),
        ({"page": "-1"}, "", 1),
        ({"page": "\u0661"}, "", 1),
        ({"page": "9" * 5000}, "", 1),
        ({"page": "999999"}, "", 999999),
    ],
)
def test_what_is_asked_for(query: dict[str, str], result: str, page: int) -> None:
    assert Choice.of(query) == Choice(result=result, page=page)
