"""The log of a run in the browser: as it comes, over a connection that breaks, long, and after its pod is gone."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenWindow
from tests.site import Site

COUNTS = "for n in $(seq 300); do echo line $n; sleep 0.1; done\n"
LONG = "seq -f 'row %.0f' 100000\nexit 3\n"


@pytest.fixture(scope="module")
def jobs(site: Site) -> Iterator[None]:
    """A job that writes for thirty seconds, and one that writes much at once."""
    site.put_script("counts", COUNTS)
    site.put_script("long", LONG)
    yield
    site.kubectl("delete", "wj", "--all")


def texts(page: Page) -> list[str]:
    """The lines of output that are in the page."""
    found: list[str] = page.locator(".log-line .text").all_inner_texts()
    return [one for one in found if re.fullmatch(r"line \d+", one)]


def test_a_log_as_it_comes(jobs: None, open_window: OpenWindow, site: Site) -> None:
    """It is followed, and stays where somebody has scrolled to; a broken connection loses and doubles no line."""
    # Chromium tells of each request that can't be sent.
    there = open_window(ignored=re.compile("ERR_INTERNET_DISCONNECTED|ERR_NETWORK_CHANGED|ERR_ABORTED"))
    run = site.run("counts").headers["Location"].rpartition("/")[2]
    page = there.open(f"/ui/jobs/triggered/counts/runs/{run}/log")
    box = page.locator("#log")
    expect(page.get_by_text("line 40", exact=True)).to_be_attached()
    follow = page.get_by_role("button", name="Follow")
    expect(follow).to_have_attribute("aria-pressed", "true")
    box.hover()
    page.mouse.wheel(0, -10_000)
    expect(follow).to_have_attribute("aria-pressed", "false")
    there.context.set_offline(True)
    page.wait_for_timeout(2000)
    there.context.set_offline(False)
    expect(page.get_by_text("line 120", exact=True)).to_be_attached(timeout=30_000)
    assert box.evaluate("box => box.scrollTop") == 0, "who has scrolled up is left alone"
    follow.click()
    expect(page.get_by_text("The run has ended.")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("line 300", exact=True)).to_be_in_viewport()
    assert texts(page) == [f"line {number}" for number in range(1, 301)]


def test_a_long_log(jobs: None, open_window: OpenWindow, site: Site) -> None:
    """A log of 100,000 lines shows its end at once; earlier lines, one by its number and a text are found."""
    run = site.ended(site.run("long").headers["Location"], seconds=120)
    there = open_window()
    page = there.open(f"/ui/jobs/triggered/long/runs/{run['id']}/log")
    expect(page.get_by_text("row 100000", exact=True)).to_be_in_viewport()
    before = page.locator(".log-line").count()
    assert before <= 2100
    page.locator("#earlier").scroll_into_view_if_needed()
    page.locator("#earlier").click()
    expect(page.locator(".log-line").nth(before + 100)).to_be_attached()
    page = there.open(f"/ui/jobs/triggered/long/runs/{run['id']}/log?q=row 5000")
    expect(page.locator(".log-line")).to_have_count(11)
    number = page.locator(".number").first.inner_text()
    page = there.open(f"/ui/jobs/triggered/long/runs/{run['id']}/log#L{number}")
    expect(page.locator(f"#L{number}")).to_be_in_viewport()
    expect(page.locator(f"#L{number}")).to_contain_text("row 5000")
    page = there.open(f"/ui/jobs/triggered/long/runs/{run['id']}/log")
    page.get_by_role("link", name="First error").click()
    expect(page.locator(".log-line.err").last).to_contain_text("exit code 3")


def test_a_run_whose_pod_is_gone(jobs: None, open_window: OpenWindow, site: Site) -> None:
    """Its log is there, and comes as a file too."""
    run = site.ended(site.run("long").headers["Location"], seconds=120)
    site.kubectl("delete", "jobs", "--all")
    there = open_window()
    page = there.open(f"/ui/jobs/triggered/long/runs/{run['id']}")
    expect(page.get_by_text("row 100000", exact=True)).to_be_attached()
    with page.expect_download() as download:
        page.get_by_role("link", name="Log", exact=True).click()
    content = download.value.path().read_text()
    assert content.count("row ") == 100_000
