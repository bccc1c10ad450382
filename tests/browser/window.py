"""A window of a real Chromium that looks at the dashboard, and notes all that a page must not do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect

from tests import stack as stacks

expect.set_options(timeout=20_000)

_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


class Window:
    """A window, logged in or not.

    ``refusals``: statuses of answers that the test expects, beside good ones. ``ignored``: messages of the browser that
    it expects. ``issuer``: address at which people may log in as well.
    """

    def __init__(
        self,
        context: BrowserContext,
        stack: stacks.Stack,
        *,
        refusals: frozenset[int],
        ignored: re.Pattern[str] | None,
        issuer: str = "",
    ) -> None:
        self.stack = stack
        self.context = context
        self.page: Page = context.new_page()
        self.problems: list[str] = []
        self._refusals = refusals
        self._ignored = ignored
        self._hosts = {urlsplit(stack.url).netloc, urlsplit(issuer).netloc} - {""}
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.problems.append(f"error: {error}"))
        context.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type not in ("error", "warning"):
            return
        if self._ignored and self._ignored.search(message.text):
            return
        if "status of" in message.text and any(f"status of {one}" in message.text for one in self._refusals):
            return
        self.problems.append(f"console: {message.text}")

    def _request(self, request: Request) -> None:
        if urlsplit(request.url).scheme != "data" and urlsplit(request.url).netloc not in self._hosts:
            self.problems.append(f"foreign request: {request.url}")

    def open(self, path: str) -> Page:
        """Load a page of the dashboard."""
        self.page.goto(f"{self.stack.url}{path}")
        return self.page

    def log_in(self, username: str = "", password: str = "") -> None:
        """Log in by the form: as the owner when no name is given."""
        self.open("/ui/login")
        self.page.get_by_label("User name").fill(username or self.stack.user)
        self.page.get_by_label("Password").fill(password or self.stack.password)
        self.page.get_by_role("button", name="Log in", exact=True).first.click()
        expect(self.page.get_by_role("button", name="Log out")).to_be_visible()

    def check_access(self) -> None:
        """AssertionError when axe finds anything that keeps people from the page that is open."""
        found = Axe().run(self.page, options={"runOnly": {"type": "tag", "values": _RULES}}).response["violations"]
        assert not found, json.dumps(_told(found), indent=1)

    def check_width(self) -> None:
        """AssertionError when the page that is open is wider than the window."""
        wide = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide == 0, f"{self.page.url}: {wide} px too wide"


def _told(violations: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"rule": one["id"], "nodes": [(node["html"][:300], node["failureSummary"]) for node in one["nodes"]]}
        for one in violations
    ]


@contextmanager
def window(
    chromium: Browser,
    stack: stacks.Stack,
    *,
    width: int = 1440,
    dark: bool = False,
    scripts: bool = True,
    refusals: frozenset[int] = frozenset(),
    ignored: re.Pattern[str] | None = None,
    issuer: str = "",
) -> Iterator[Window]:
    """Open a window of its own, without cookies; at its end no page has done what it must not."""
    context = chromium.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if dark else "light",
        java_script_enabled=scripts,
        reduced_motion="reduce",
        ignore_https_errors=bool(issuer),
    )
    try:
        made = Window(context, stack, refusals=refusals, ignored=ignored, issuer=issuer)
        yield made
        assert made.problems == [], made.problems
    finally:
        context.close()
