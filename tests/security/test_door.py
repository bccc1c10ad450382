"""Crowds at the door: half requests, wrong passwords and false tokens keep nobody out who was let in."""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests import faults
from tests import stack as stacks
from tests.security.attacker import connect, restarts
from tests.site import Site, eventually


@pytest.fixture(scope="module", autouse=True)
def _a_new_door(site: Site) -> Iterator[None]:
    """Bad tries are counted for minutes, in the shim's memory: the tests of other modules log in from here, too."""
    yield
    site.kubectl("rollout", "restart", f"deploy/{stacks.RELEASE}-apiserver", namespace=stacks.SYSTEM)
    faults.ready(site)


def ask(site: Site, auth: tuple[str, str] | None, **headers: str) -> int:
    """Status of a list, on a connection of its own."""
    return httpx.get(f"{site.stack.url}/api/webjobs", auth=auth, headers=headers, timeout=30).status_code


def test_half_heads_keep_nobody_out_and_are_closed(site: Site) -> None:
    held = [connect(site) for _ in range(300)]
    begun = time.monotonic()
    try:
        for number, one in enumerate(held):
            with contextlib.suppress(OSError):  # the oldest go, when there are too many
                one.sendall(b"GET /api/webjobs HTTP/1.1\r\nHost: x\r\nX-A: " if number % 2 else b"GE")
        for _ in range(5):
            assert httpx.get(f"{site.stack.url}/healthz", timeout=10).status_code == 200
            assert ask(site, (site.stack.user, site.stack.password)) == 200

        def closed() -> bool:
            return all(_is_closed(one) for one in held)

        eventually(closed, seconds=60, what="the end of all of them")
        assert time.monotonic() - begun < 60
    finally:
        for one in held:
            one.close()


def _is_closed(one: socket.socket) -> bool:
    one.setblocking(False)
    try:
        while one.recv(65536):
            pass
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


def test_slow_heads_are_closed_too(site: Site) -> None:
    """A byte now and then is no head."""
    with connect(site) as slow:
        begun = time.monotonic()
        with contextlib.suppress(OSError):
            slow.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
            while time.monotonic() - begun < 40:
                slow.sendall(b"X-A: b\r\n")
                time.sleep(0.5)
        assert time.monotonic() - begun < 40
    assert ask(site, (site.stack.user, site.stack.password)) == 200


def test_wrong_passwords_do_not_keep_out_who_was_in(site: Site) -> None:
    right = (site.stack.user, site.stack.password)
    assert ask(site, right) == 200
    with ThreadPoolExecutor(16) as crowd:
        codes = list(crowd.map(lambda number: ask(site, (site.stack.user, f"wrong-{number}")), range(300)))
    assert set(codes) <= {401, 429}
    assert 429 in codes, "guesses are slowed down"
    begun = time.monotonic()
    for _ in range(20):
        assert ask(site, right) == 200
    assert time.monotonic() - begun < 10
    assert ask(site, (site.stack.user, "")) in (401, 429)


def test_false_tokens_are_bad_tries(site: Site) -> None:
    with ThreadPoolExecutor(16) as crowd:
        codes = list(crowd.map(lambda number: ask(site, None, Authorization=f"Bearer a.b.{number}"), range(100)))
        packages = list(crowd.map(lambda number: _package(site, number), range(100)))
    assert set(codes) <= {401, 429}
    assert set(packages) <= {401, 403, 429}
    assert 429 in codes + packages
    assert ask(site, (site.stack.user, site.stack.password)) == 200
    token = site.kubectl("create", "token", "default").strip()
    # A true token without rights is 403: it was looked at, and did not wait behind the false ones.
    assert eventually(lambda: ask(site, None, Authorization=f"Bearer {token}") == 403, seconds=30)


def _package(site: Site, number: int) -> int:
    url = f"{site.stack.url}/internal/packages/shop/sha256:{number:064d}"
    return httpx.get(url, headers={"Authorization": f"Bearer x.y.{number}"}, timeout=30).status_code


def test_nothing_fell_over(site: Site) -> None:
    assert set(restarts(site)) == {0}
