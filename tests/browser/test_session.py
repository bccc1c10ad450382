"""Log in, log out, and who is kept out."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenWindow
from tests.faults import start_anew
from tests.site import Site


def test_in_and_out(open_window: OpenWindow) -> None:
    """A link leads to its page after the login; after the logout the back button shows nothing."""
    there = open_window(log_in=False)
    page = there.open("/ui/jobs?q=nothing")
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    page.get_by_label("User name").fill(there.stack.user)
    page.get_by_label("Password").fill(there.stack.password)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    assert page.url.endswith("/ui/jobs?q=nothing")
    cookie = next(one for one in there.context.cookies() if one["name"] == "webjobs_session")
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (True, "Strict", "/ui")
    assert page.evaluate("document.cookie") == ""
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


def test_a_wrong_password(open_window: OpenWindow) -> None:
    there = open_window(log_in=False, refusals=frozenset({401}))
    page = there.open("/ui/login")
    page.get_by_label("User name").fill(there.stack.user)
    page.get_by_label("Password").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("don't belong together")
    assert not there.context.cookies()


@pytest.fixture
def forgetful(site: Site) -> Iterator[None]:
    """The shim is started anew afterwards, as wrong passwords of this address are remembered."""
    yield
    start_anew(site, "apiserver")


def test_guesses_are_slowed_down(forgetful: None, open_window: OpenWindow) -> None:
    """The page says for how long; who has logged in at this address before still gets in."""
    known = open_window()
    known.page.get_by_role("button", name="Log out").click()
    there = open_window(log_in=False, refusals=frozenset({429}))
    page = there.open("/ui/login")
    guess: dict[str, str | float | bool] = {"username": there.stack.user, "password": "wrong"}
    codes = [there.context.request.post(page.url, form=guess).status for _ in range(30)]
    assert (codes[0], codes[-1]) == (401, 429)
    page.get_by_label("User name").fill(there.stack.user)
    page.get_by_label("Password").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Try again in")
    there.log_in()


def test_the_address_of_the_old_dashboard(open_window: OpenWindow) -> None:
    """``extra_info_url`` of a job leads to its page."""
    there = open_window(refusals=frozenset({404}))
    page = there.open("/azurejobs/#/jobs/triggered/no such job")
    page.wait_for_url("**/ui/jobs/triggered/no%20such%20job")
