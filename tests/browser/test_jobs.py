"""The list of jobs: live, filtered by its address, and used by keyboard."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenWindow
from tests.site import Site


@pytest.fixture
def jobs(site: Site) -> Iterator[None]:
    """Two triggered jobs and a continuous one."""
    site.put_script("report", "echo done\n")
    site.put_script("mail", "echo sent >&2; exit 3\n")
    site.put_script("worker", "exec sleep 1000\n", kind="continuous")
    yield
    site.kubectl("delete", "wj", "--all")


def test_a_run_is_seen_at_once(jobs: None, open_window: OpenWindow, site: Site) -> None:
    """A run that somebody else starts shows in the list without a reload, and so does its end."""
    there = open_window()
    page = there.open("/ui/jobs")
    page.evaluate("window.same = true")
    row = page.get_by_role("row").filter(has_text="mail")
    expect(row.get_by_text("Failed")).to_have_count(0)
    site.ended(site.run("mail").headers["Location"])
    expect(row.get_by_text("Failed")).to_be_visible()
    site.put_script("new", "echo\n")
    expect(page.get_by_role("link", name="new", exact=True)).to_be_visible()
    assert page.evaluate("window.same"), "it was not loaded again"


def test_filter(jobs: None, open_window: OpenWindow) -> None:
    """The address has the filter, so that it can be sent to others."""
    there = open_window()
    page = there.open("/ui/jobs")
    page.get_by_role("searchbox").fill("MAI")
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(1)
    assert "q=MAI" in page.url
    page.reload()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("searchbox").fill("")
    page.get_by_label("Type").select_option("continuous")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("tbody th")).to_have_text(re.compile("worker"))


def test_times(jobs: None, open_window: OpenWindow) -> None:
    """In UTC or as the reader's clock has it, and the choice stays."""
    there = open_window()
    page = there.open("/ui/jobs")
    page.get_by_role("button", name="UTC").click()
    page.reload()
    expect(page.get_by_role("button", name="Local time")).to_be_visible()
