"""A plot of the durations of runs as SVG, and what they are in numbers. Pure.

The style sheet has the colours, by classes: the policy of pages allows no styles within them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import ceil

from markupsafe import Markup

from webjobs_apiserver.ui import words
from webjobs_apiserver.ui.words import Word

BARS = 50
"""Most runs of a plot."""
_STEP, _BAR, _HEIGHT, _LEAST = 12, 9, 90, 2
"""Distance and width of bars, height of the plot and of its lowest bar, in units of the SVG."""


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A run that has ended."""

    url: str
    """Address of the run's page."""
    start: str
    """When it was accepted, as text."""
    took: timedelta
    """Duration of the run."""
    word: Word
    """Result of the run."""


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """The durations and results of runs in numbers."""

    runs: int
    """Number of runs."""
    succeeded: int
    """Number of those that succeeded."""
    median: timedelta
    """Duration that half of the runs don't exceed."""
    high: timedelta
    """Duration that 95 of 100 runs don't exceed."""

    @property
    def percent(self) -> int:
        """Succeeded runs of a hundred, rounded down: 100 means all."""
        return self.succeeded * 100 // self.runs


def numbers(bars: Sequence[Bar]) -> Numbers | None:
    """Return the numbers of runs; None when there is none."""
    if not bars:
        return None
    return Numbers(
        runs=len(bars),
        succeeded=sum(bar.word.tone == "good" for bar in bars),
        median=_rank(bars, 50),
        high=_rank(bars, 95),
    )


def durations(bars: Sequence[Bar]) -> Markup:
    """Return the plot of runs, newest first, as SVG with the newest at the right; empty when there is none."""
    told = numbers(bars)
    if told is None:
        return Markup("")
    longest = max(timedelta(), *(bar.took for bar in bars))  # a clock that was set back makes negative ones
    drawn = Markup("").join(_bar(bar, place, longest) for place, bar in enumerate(reversed(bars)))
    lines = Markup("").join(
        Markup('<path class="{}" d="M0 {}H{}"/>').format(name, _top(took, longest), len(bars) * _STEP)
        for name, took in (("median", told.median), ("high", told.high))
    )
    label = (
        f"Durations of ended runs, oldest first: {told.succeeded} of {told.runs} succeeded, median "
        f"{words.duration(told.median)}, longest {words.duration(longest)}"
    )
    return Markup('<svg class="plot" viewBox="0 0 {} {}" role="group" aria-label="{}">{}{}</svg>').format(
        max(len(bars), BARS) * _STEP, _HEIGHT, label, drawn, lines
    )


def _bar(bar: Bar, place: int, longest: timedelta) -> Markup:
    top, left = _top(bar.took, longest), place * _STEP
    title = f"{bar.word.text}, {words.duration(bar.took)}, {bar.start}"
    # The first rectangle can't be seen: a low bar can be hit with it. The table below has the same links.
    return Markup(
        '<a href="{url}" tabindex="-1" aria-label="{title}"><title>{title}</title>'
        '<rect class="room" x="{left}" y="0" width="{step}" height="{height}"/>'
        '<rect class="{tone}" x="{x}" y="{top}" width="{width}" height="{tall}"/></a>'
    ).format(
        url=bar.url,
        title=title,
        left=left,
        step=_STEP,
        height=_HEIGHT,
        tone=bar.word.tone,
        x=left + (_STEP - _BAR) / 2,
        top=top,
        width=_BAR,
        tall=_HEIGHT - top,
    )


def _top(took: timedelta, longest: timedelta) -> int:
    share = took / longest if longest else 0.0
    return _HEIGHT - max(round(share * _HEIGHT), _LEAST)


def _rank(bars: Sequence[Bar], percent: int) -> timedelta:
    """Return a percentile by the nearest rank: the duration of a run that was there."""
    ordered = sorted(bar.took for bar in bars)
    return ordered[ceil(len(ordered) * percent / 100) - 1]
