"""Runs by the form of a job: with arguments, once for two clicks, told why not."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenWindow
from tests.site import Site, eventually

PATH = "/ui/jobs/triggered/echo"
SCRIPT = 'for one in "$@"; do echo "got [$one]"; done\nif [ "$1" = wait ]; then sleep 600; fi\n'


@pytest.fixture
def echo(site: Site) -> Iterator[None]:
    """A job that tells its arguments, and waits when it is told to; without runs of an earlier one of its name."""
    eventually(lambda: not site.objects("wjr"), what="the end of earlier runs")
    site.put_script("echo", SCRIPT)
    yield
    site.kubectl("delete", "wj", "--all")


def test_run_with_arguments(echo: None, open_window: OpenWindow, site: Site) -> None:
    """How they are split is shown while they are typed, and is what the job gets."""
    there = open_window()
    page = there.open(PATH)
    page.get_by_label("Arguments").press_sequentially('one "two three" ""')
    expect(page.locator("#split li")).to_have_text(["one", "two three", "empty"])
    page.get_by_role("button", name="Run now").click()
    page.wait_for_url(re.compile(r"/runs/\d{18}$"))
    expect(page.get_by_text("Success").first).to_be_visible()
    (run,) = site.objects("wjr", "webjobs.dev/webjob=echo")
    assert run["spec"]["arguments"] == 'one "two three" ""'
    assert run["metadata"]["annotations"]["webjobs.dev/requested-by"] == f"account:{site.stack.user}"
    expect(page.get_by_text("got [two three]")).to_be_visible()


def test_two_clicks_are_one_run(echo: None, open_window: OpenWindow, site: Site) -> None:
    there = open_window()
    page = there.open(PATH)
    page.get_by_role("button", name="Run now").dblclick()
    page.wait_for_url(re.compile(r"/runs/\d{18}$"))
    assert len(site.objects("wjr", "webjobs.dev/webjob=echo")) == 1


def test_busy_is_told_and_cancel_ends_it(echo: None, open_window: OpenWindow, site: Site) -> None:
    there = open_window(refusals=frozenset({409}))
    page = there.open(PATH)
    page.get_by_label("Arguments").fill("wait")
    page.get_by_role("button", name="Run now").click()
    page.wait_for_url(re.compile(r"/runs/\d{18}$"))
    expect(page.get_by_text("got [wait]")).to_be_visible()
    address = page.url
    page = there.open(PATH)
    page.get_by_role("button", name="Run now").click()
    expect(page.get_by_role("main")).to_contain_text("goes on")
    page.get_by_role("link", name=re.compile("goes on|run", re.IGNORECASE)).first.click()
    page.wait_for_url(address)
    page.get_by_text("Cancel", exact=False).first.click()
    page.get_by_role("button", name=re.compile("cancel|end", re.IGNORECASE)).click()
    expect(page.get_by_text("Aborted").first).to_be_visible()
    (run,) = site.objects("wjr", "webjobs.dev/webjob=echo")
    assert run["metadata"]["annotations"]["webjobs.dev/cancelled-by"] == f"account:{site.stack.user}"


def test_run_again(echo: None, open_window: OpenWindow, site: Site) -> None:
    """With the same arguments, from the page of a run."""
    run = site.ended(site.run("echo", '"a b" c').headers["Location"])
    there = open_window()
    page = there.open(f"{PATH}/runs/{run['id']}")
    page.get_by_role("button", name=re.compile("again", re.IGNORECASE)).click()
    page.wait_for_url(lambda url: re.search(r"/runs/\d{18}$", url) is not None and not url.endswith(run["id"]))
    expect(page.get_by_text("got [a b]")).to_be_visible()


def test_history(echo: None, open_window: OpenWindow, site: Site) -> None:
    """The newest first, narrowed by the result; the page hears of a run that somebody else starts."""
    site.put_script("fails", "exit 7\n")
    for _ in range(2):
        site.ended(site.run("fails").headers["Location"])
    there = open_window()
    page = there.open("/ui/jobs/triggered/fails")
    expect(page.locator("#runs tr")).to_have_count(2)
    site.ended(site.run("fails").headers["Location"])
    expect(page.locator("#runs tr")).to_have_count(3)
    page.get_by_role("navigation", name="Results").get_by_role("link", name="Success").click()
    expect(page.locator("#runs tr")).to_have_count(0)
    page.get_by_role("navigation", name="Results").get_by_role("link", name="Failed").click()
    expect(page.locator("#runs tr").first).to_contain_text("7")


def test_delete_by_the_name(echo: None, open_window: OpenWindow, site: Site) -> None:
    there = open_window(refusals=frozenset({400}))
    page = there.open(PATH)
    page.get_by_text("Delete this job").click()
    page.get_by_label("Type its name").fill("ech")
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was deleted")
    page = there.open(PATH)
    page.get_by_text("Delete this job").click()
    page.get_by_label("Type its name").fill("echo")
    page.get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_role("heading", name="Jobs")).to_be_visible()
    eventually(lambda: not site.objects("wj"), what="the end of the job")
