"""The Chromium of this machine, which its own packages bring: Playwright's own can't be had everywhere."""

from __future__ import annotations

import os
import shutil

from tests.cluster.built.compile import preflight
from tests.cluster.errors import ClusterError

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find() -> str:
    """Return the path of the program, which is installed where that can be done.

    ``WEBJOBS_CHROMIUM`` names another one. Raises ClusterError when there is none.
    """
    if named := os.environ.get("WEBJOBS_CHROMIUM"):
        return named
    if found := _there():
        return found
    if preflight.can_install():
        preflight.install(["chromium"], log=print)
    if found := _there():
        return found
    raise ClusterError(
        "the dashboard's tests need Chromium: apt-get install chromium, or set WEBJOBS_CHROMIUM to the path of one"
    )


def _there() -> str | None:
    return next((path for name in _NAMES if (path := shutil.which(name))), None)
