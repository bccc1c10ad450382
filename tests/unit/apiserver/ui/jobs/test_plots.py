"""The plot of durations, to the character, and its numbers."""

from __future__ import annotations

from datetime import timedelta

import pytest

from webjobs_apiserver.ui import words
from webjobs_apiserver.ui.jobs import plots
from webjobs_apiserver.ui.jobs.plots import Bar

GOLDEN = (
    '<svg class="plot" viewBox="0 0 600 90" role="group" aria-label="Durations of ended runs, oldest first: '
    '1 of 2 succeeded, median 5.0 s, longest 10 s">'
    '<a href="/ui/1" tabindex="-1" aria-label="Failed, 10 s, 1 &lt;b&gt;"><title>Failed, 10 s, 1 &lt;b&gt;</title>'
    '<rect class="room" x="0" y="0" width="12" height="90"/>'
    '<rect class="bad" x="1.5" y="0" width="9" height="90"/></a>'
    '<a href="/ui/2?&#34;" tabindex="-1" aria-label="Success, 5.0 s, 2"><title>Success, 5.0 s, 2</title>'
    '<rect class="room" x="12" y="0" width="12" height="90"/>'
    '<rect class="good" x="13.5" y="45" width="9" height="45"/></a>'
    '<path class="median" d="M0 45H24"/><path class="high" d="M0 0H24"/></svg>'
)


def bar(seconds: float, state: str = "Success", *, url: str = "/ui/", start: str = "now") -> Bar:
    return Bar(url=url, start=start, took=timedelta(seconds=seconds), word=words.of(state))


def test_the_plot() -> None:
    newest_first = [bar(5, url='/ui/2?"', start="2"), bar(10, "Failed", url="/ui/1", start="1 <b>")]
    assert plots.durations(newest_first) == GOLDEN


def test_nothing_is_no_plot() -> None:
    assert (plots.durations([]), plots.numbers([])) == ("", None)


@pytest.mark.parametrize("seconds", [0, -3])
def test_runs_without_duration_can_be_seen(seconds: float) -> None:
    assert 'y="88" width="9" height="2"' in plots.durations([bar(seconds)])


@pytest.mark.parametrize(
    ("seconds", "median", "high"),
    [([7], 7, 7), ([1, 2], 1, 2), ([3, 1, 2], 2, 3), (list(range(1, 21)), 10, 19), (list(range(1, 51)), 25, 48)],
)
def test_numbers(seconds: list[int], median: int, high: int) -> None:
    found = plots.numbers([bar(one) for one in seconds])
    assert found
    assert (found.median, found.high) == (timedelta(seconds=median), timedelta(seconds=high))


@pytest.mark.parametrize(("good", "all_of", "percent"), [(3, 3, 100), (199, 200, 99), (0, 2, 0)])
def test_all_is_only_all(good: int, all_of: int, percent: int) -> None:
    found = plots.numbers([bar(1, "Success" if place < good else "Aborted") for place in range(all_of)])
    assert found
    assert (found.percent, found.succeeded) == (percent, good)
