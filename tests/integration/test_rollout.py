"""Replacing the shim costs its clients nothing."""

from __future__ import annotations

import threading
import time

import httpx

from tests import stack as stacks
from tests.site import Site


def test_no_request_is_lost_while_the_shim_is_replaced(site: Site) -> None:
    answers: list[int | str] = []
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            try:  # a connection of its own each time: a kept one would stay with the old pod
                answers.append(httpx.get(f"{site.stack.url}/api/webjobs", auth=site.http.auth, timeout=10).status_code)
            except httpx.TransportError as error:
                answers.append(repr(error))
            time.sleep(0.02)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        site.kubectl("rollout", "restart", "deploy/webjobs-apiserver", namespace=stacks.SYSTEM)
        site.kubectl("rollout", "status", "deploy/webjobs-apiserver", "--timeout=60s", namespace=stacks.SYSTEM)
        stacks.wait_until_settled(site.stack.kubeconfig)
    finally:
        done.set()
        asking.join()
    assert len(answers) > 50
    assert set(answers) == {200}
