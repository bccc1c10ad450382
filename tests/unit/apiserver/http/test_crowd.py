"""Which connection goes when there are too many."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webjobs_apiserver.http.addresses import networks
from webjobs_apiserver.http.crowd import Crowd


@dataclass(eq=False)
class Guest:
    name: str = ""
    gone: bool = field(default=False)

    def evict(self) -> None:
        self.gone = True


def entered(crowd: Crowd, number: int, address: str = "1.1.1.1") -> list[Guest]:
    found = [Guest(str(one)) for one in range(number)]
    for one in found:
        crowd.enter(one, address)
    return found


def test_the_one_that_waits_longest_goes() -> None:
    crowd = Crowd(most=10, most_per_address=10)
    first = entered(crowd, 10)
    assert crowd.stays(first[0])
    assert crowd.stays(first[1])
    crowd.waits(first[1])  # its answer is done: it waits anew, behind the others
    entered(crowd, 8)
    assert [one.gone for one in first] == [False, False] + [True] * 8
    entered(crowd, 1)
    assert first[1].gone


def test_an_address_that_is_full_loses_its_own() -> None:
    crowd = Crowd(most=100, most_per_address=10)
    other, many = entered(crowd, 5, "2.2.2.2"), entered(crowd, 20)
    assert [one.gone for one in many] == [True] * 10 + [False] * 10
    assert not any(one.gone for one in other)
    assert len(crowd) == 15
    same = entered(crowd, 20, "2001:db8::1") + entered(crowd, 20, "2001:db8::2")
    assert sum(not one.gone for one in same) == 10, "a /64 is one address"


def test_a_trusted_proxy_is_no_address() -> None:
    crowd = Crowd(most=100, most_per_address=10, trusted=networks(["10.0.0.0/8"]))
    many = entered(crowd, 60, "10.1.1.1")
    assert all(crowd.stays(one) for one in many)


@pytest.mark.parametrize(("most", "most_per_address", "may"), [(10, 100, 9), (100, 10, 9), (1000, 200, 180)])
def test_some_places_are_never_for_clients(most: int, most_per_address: int, may: int) -> None:
    crowd = Crowd(most=most, most_per_address=most_per_address)
    assert sum(crowd.stays(one) for one in entered(crowd, min(most, most_per_address))) == may


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ewsl"), st.integers(0, 30), st.sampled_from(["1.1.1.1", "2.2.2.2"]))))
def test_whatever_happens_it_is_bounded_and_the_newest_is_in(steps: list[tuple[str, int, str]]) -> None:
    crowd = Crowd(most=14, most_per_address=10)
    guests: dict[int, Guest] = {}
    for step, number, address in steps:
        guest = guests.setdefault(number, Guest())
        if step == "e":
            guests[number] = guest = Guest()
            crowd.enter(guest, address)
            assert not guest.gone
        elif step == "w":
            crowd.waits(guest)
        elif step == "s":
            crowd.stays(guest)
        else:
            crowd.leave(guest)
        assert len(crowd) <= 14
    for one in list(crowd._address):
        crowd.leave(one)
    assert (len(crowd), crowd._count, crowd._waiting, crowd._all_waiting) == (0, {}, {}, {})
