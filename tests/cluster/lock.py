"""Locks between processes, by ``flock`` on a file in the cache: the kernel drops them when their holder dies."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.errors import ClusterError


@contextmanager
def locked(
    path: Path, *, what: str, log: Callable[[str], None], timeout: float = 3600.0, poll: float = 0.2
) -> Iterator[None]:
    """Hold the lock ``path`` for the block; say so once if another process has it.

    Args:
        what: what the other process is doing, for the message ("a build").
        timeout: seconds to wait at most.

    Raises:
        ClusterError: the lock was not free in time.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + timeout
        told = False
        while not _try_lock(descriptor):
            if time.monotonic() > deadline:
                raise ClusterError(f"waited {timeout:.0f} s for {what} in another process (lock {path})")
            if not told:
                log(f"waiting for {what} in another process ...")
                told = True
            time.sleep(poll)
        yield
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
