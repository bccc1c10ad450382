"""Pauses between tries: how they grow, begin anew, and spread."""

from __future__ import annotations

import pytest

from webjobs_kube.backoff import Backoff


@pytest.mark.parametrize(
    ("backoff", "pauses"),
    [
        (Backoff(1.0, 5.0), [1, 2, 4, 5, 5]),
        (Backoff(3.0, 7.0, factor=1.5), [3, 4.5, 6.75, 7, 7]),
        (Backoff(2.0, 2.0), [2, 2]),
        (Backoff(9.0, 2.0), [2, 2]),
    ],
)
def test_pauses_grow_up_to_the_longest(backoff: Backoff, pauses: list[float]) -> None:
    assert [backoff.next() for _ in pauses] == pauses


def test_a_success_begins_anew() -> None:
    backoff = Backoff(1.0, 60.0)
    assert [backoff.next() for _ in range(3)] == [1, 2, 4]
    assert backoff.failures == 3
    backoff.reset()
    assert backoff.failures == 0
    assert backoff.next() == 1


def test_an_outage_of_days_does_not_overflow() -> None:
    backoff = Backoff(0.2, 60.0)
    assert [backoff.next() for _ in range(5000)][-1] == 60


def test_chance_takes_away_its_share_at_most() -> None:
    backoff = Backoff(8.0, 8.0, spread=0.5)
    pauses = [backoff.next() for _ in range(500)]
    assert 4 <= min(pauses) < 5
    assert 7 < max(pauses) <= 8
