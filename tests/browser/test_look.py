"""Each page as people see it: wide and narrow, light and dark, with scripts and without.

``WEBJOBS_SCREENSHOTS=FOLDER`` keeps what was seen. ``make screenshots`` puts some of it into docs/dashboard.md.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenWindow
from tests.site import Site, eventually, zip_of

JOBS = "App_Data/jobs"
SCHEDULED = '{"schedule": "0 */15 * * * *"}'
PAGES = {
    "overview": "/ui/",
    "jobs": "/ui/jobs",
    "calendar": "/ui/calendar",
    "deployments": "/ui/deployments",
    "deployment": "/ui/deployments/latest",
    "sites": "/ui/sites",
    "settings": "/ui/settings",
    "setting": "/ui/settings/SHOP_KEY",
    "new-job": "/ui/upload",
    "job": "/ui/jobs/triggered/report",
    "worker": "/ui/jobs/continuous/orders",
    "edit": "/ui/jobs/triggered/report/edit",
    "run": "/ui/jobs/triggered/invoices/runs/RUN",
    "log": "/ui/jobs/triggered/invoices/runs/RUN/log",
    "files": "/ui/jobs/triggered/report/files",
}
"""Pages by name; RUN stands for the id of a run."""
WIDTHS = (320, 1440)


@pytest.fixture(scope="module")
def shop(site: Site) -> Iterator[str]:
    """A site with jobs of all kinds, with runs, a deployment and settings; the id of a run that failed."""
    content = {
        f"{JOBS}/triggered/report/run.sh": "echo report of the day; echo careful >&2\n",
        f"{JOBS}/triggered/report/settings.job": SCHEDULED,
        f"{JOBS}/triggered/invoices/run.sh": "echo no connection >&2; exit 3\n",
        f"{JOBS}/continuous/orders/run.sh": "echo waiting for orders; exec sleep 1000\n",
    }
    answer = site.http.post("/api/zipdeploy?message=Release 12", content=zip_of(content))
    assert answer.status_code == 200, answer.text
    assert site.http.post("/api/settings", json={"SHOP_KEY": "secret", "SHOP_URL": "https://shop.example"}).is_success
    failed = site.ended(site.run("invoices", '--month "may 2026"').headers["Location"])
    for _ in range(2):
        site.ended(site.run("report").headers["Location"])
    eventually(lambda: site.object("wj", "orders")["status"]["state"] == "Running", seconds=60, what="the worker")
    yield failed["id"]
    site.kubectl("delete", "wj", "--all")
    site.kubectl("patch", "configmap/webjobs-deployments", "--type=merge", "-p", '{"data": null}')
    site.empty_secrets()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_every_page(shop: str, open_window: OpenWindow, width: int, dark: bool) -> None:
    """axe finds nothing, and nothing is wider than the window."""
    there = open_window(width=width, dark=dark)
    folder = os.environ.get("WEBJOBS_SCREENSHOTS")
    for name, path in PAGES.items():
        page = there.open(path.replace("RUN", shop))
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        there.check_width()
        there.check_access()
        if folder:
            style = "dark" if dark else "light"
            page.screenshot(path=Path(folder) / f"{name}-{width}-{style}.png", full_page=True)


def test_every_page_without_scripts(shop: str, open_window: OpenWindow) -> None:
    """All that can be read can be read, and times are there in UTC."""
    there = open_window(scripts=False)
    for path in PAGES.values():
        page = there.open(path.replace("RUN", shop))
        expect(page.get_by_role("heading", level=1)).to_be_visible()
    page = there.open("/ui/jobs")
    expect(page.get_by_role("row").filter(has_text="report").locator("time").first).to_contain_text("UTC")


def test_the_login_page(open_window: OpenWindow) -> None:
    for dark in (False, True):
        there = open_window(log_in=False, dark=dark, width=320)
        there.open("/ui/login")
        there.check_width()
        there.check_access()
