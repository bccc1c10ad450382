"""The soak in five minutes: see ``tests.soak``."""

from __future__ import annotations

from tests import stack as stacks
from tests.site import Site
from tests.soak.soak import VALUES, Soak


def test_the_soak_in_short(site: Site) -> None:
    site.kubectl("delete", "wj,wjr", "--all")
    stacks.upgrade(site.stack, VALUES)
    soak = Soak(site, count=60, kill_period=40, seed=2)
    soak.create()
    soak.storm(120)
    soak.steady(120)
    assert soak.wrong == []
    site.kubectl("delete", "wj", "--all")
