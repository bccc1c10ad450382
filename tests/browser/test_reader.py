"""Who may only read: a read-only account, and a user of Kubernetes with few rights."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests import stack as stacks
from tests.browser.conftest import OpenWindow
from tests.faults import start_anew
from tests.site import Site

NAME, PASSWORD = "looker", "a password that only reads"
PAGES = (
    "/ui/",
    "/ui/jobs",
    "/ui/calendar",
    "/ui/deployments",
    "/ui/jobs/triggered/report",
    "/ui/jobs/continuous/worker",
)


@pytest.fixture(scope="module")
def readable(site: Site) -> Iterator[None]:
    """A site with a read-only account and two jobs."""
    stacks.upgrade(site.stack, {"credentials": {"readonlyUsername": NAME, "readonlyPassword": PASSWORD}})
    # A pod that is there already sees a new Secret up to two minutes later.
    start_anew(site, "apiserver")
    site.put_script("report", "echo for everybody\n")
    site.put_script("worker", "exec sleep 1000\n", kind="continuous")
    site.ended(site.run("report").headers["Location"])
    yield
    site.kubectl("delete", "wj", "--all")
    stacks.upgrade(site.stack, {"credentials": {"readonlyUsername": "", "readonlyPassword": ""}})


def test_a_read_only_account(readable: None, open_window: OpenWindow, site: Site) -> None:
    """It sees jobs, runs and logs, no button but that of the logout, and no settings."""
    there = open_window(log_in=False, refusals=frozenset({403}))
    there.log_in(NAME, PASSWORD)
    for path in PAGES:
        page = there.open(path)
        buttons = page.get_by_role("main").get_by_role("button").all_inner_texts()
        assert set(buttons) <= {"Show", "Follow", "Search"}, (path, buttons)
    page = there.open("/ui/jobs/triggered/report")
    page.locator("#runs a").first.click()
    expect(page.get_by_text("for everybody")).to_be_visible()
    page = there.open("/ui/settings")
    expect(page.get_by_role("heading", name="Not allowed")).to_be_visible()


def test_a_token_of_kubernetes(readable: None, open_window: OpenWindow, site: Site) -> None:
    """What its user may do with kubectl, and no more."""
    site.kubectl("create", "serviceaccount", "dashboard")
    site.kubectl(
        "create", "role", "dashboard", "--verb=get,list", "--resource=webjobs.webjobs.dev,webjobruns.webjobs.dev"
    )
    site.kubectl("create", "rolebinding", "dashboard", "--role=dashboard", f"--serviceaccount={stacks.SITE}:dashboard")
    try:
        token = site.kubectl("create", "token", "dashboard").strip()
        there = open_window(log_in=False, refusals=frozenset({401, 403}))
        page = there.open("/ui/login")
        page.get_by_text("With a token of Kubernetes").click()
        page.get_by_label("Token").fill(token)
        page.get_by_role("button", name="Log in").last.click()
        expect(page.get_by_text(f"system:serviceaccount:{stacks.SITE}:dashboard")).to_be_visible()
        page = there.open("/ui/jobs/triggered/report")
        expect(page.get_by_role("button", name="Run now")).to_have_count(0)
        page.locator("#runs a").first.click()
        expect(page.get_by_text("for everybody")).to_be_visible()
    finally:
        site.kubectl("delete", "rolebinding/dashboard", "role/dashboard", "serviceaccount/dashboard")
