"""One Chromium for all tests of a file; each test has windows of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests import stack as stacks
from tests.browser import chromium as programs
from tests.browser.window import Window, window
from tests.site import Site

OpenWindow = Callable[..., Window]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The browser, for a file: as long as Playwright is there, nothing else in the process can run an event loop."""
    with sync_playwright() as playwright:
        # Without its own sandbox: as root it has none.
        browser = playwright.chromium.launch(
            executable_path=programs.find(), args=["--headless=new", "--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


@pytest.fixture
def open_window(chromium: Browser, stack: stacks.Stack, site: Site) -> Iterator[OpenWindow]:
    """Opens windows that have logged in as the owner, unless ``log_in=False``."""
    with ExitStack() as opened:

        def make(*, log_in: bool = True, **options: Any) -> Window:
            made = opened.enter_context(window(chromium, stack, **options))
            if log_in:
                made.log_in()
            return made

        yield make
