"""What users, jobs and files can say does nothing to a page but be shown."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenWindow
from tests.site import Site, shell, zip_of

EVIL = "<script>document.title='evil'</script><img src=x onerror=\"document.title='evil'\">"
BIDI = "safe\u202egnp.exe"
NAME = "a&b'c{{7*7}}"
SCRIPT = f"""printf '%s\\n' "{EVIL.replace('"', chr(92) + '"')}"
printf '\\033[31mred\\033[0m \\033]0;evil\\007 \\033[2Jgone \\342\\200\\256back\\n'
printf 'nul:\\000:end\\r over\\n'
head -c 1000000 /dev/zero | tr '\\0' x; echo
for one in "$@"; do echo "argument [$one]"; done
"""


@pytest.fixture(scope="module")
def hostile(site: Site) -> Iterator[dict[str, str]]:
    """Jobs, runs, settings and deployments with texts of an attacker."""
    site.upload(NAME, zip_of({"run.sh": SCRIPT, f"{BIDI}.txt": "x"}))
    run = site.ended(site.run(NAME, f'{EVIL} "{BIDI}"').headers["Location"])
    assert site.http.post("/api/settings", json={"EVIL": f"{EVIL}{BIDI}"}).is_success
    site.apply("evil", {"type": "triggered", "jobName": "x onmouseover=alert(1) x"} | shell("echo\n"))
    site.create_run("evil", arguments=EVIL, trigger=f"{EVIL}{BIDI}")
    assert site.http.post(f"/api/zipdeploy?message={EVIL}", content=zip_of({"index.html": EVIL})).status_code >= 200
    yield run
    site.kubectl("delete", "wj", "--all")
    site.kubectl("patch", "configmap/webjobs-deployments", "--type=merge", "-p", '{"data": null}')
    site.empty_secrets()


def unharmed(page: Page) -> None:
    """No script of a text has run, and no element was made of one."""
    page.wait_for_timeout(200)
    assert page.title() != "evil"
    assert page.locator("img").count() == 0
    assert page.locator("main script").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), page.url


def test_every_page(hostile: dict[str, str], open_window: OpenWindow) -> None:
    there = open_window()
    job = "/ui/jobs/triggered/a%26b%27c%7B%7B7*7%7D%7D"
    pages = ["/ui/", "/ui/jobs", "/ui/settings/EVIL", "/ui/deployments", "/ui/deployments/latest", "/ui/calendar"]
    pages += [job, f"{job}/files", f"{job}/edit", f"{job}/runs/{hostile['id']}", f"{job}/runs/{hostile['id']}/log"]
    pages += [f"{job}?arguments={EVIL}", "/ui/jobs/triggered/x%20onmouseover%3Dalert(1)%20x"]
    for path in pages:
        page = there.open(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        unharmed(page)


def test_the_log(hostile: dict[str, str], open_window: OpenWindow) -> None:
    """Scripts are text, colours are colours, other signs of control are shown and do nothing."""
    there = open_window()
    page = there.open(f"/ui/jobs/triggered/a%26b%27c%7B%7B7*7%7D%7D/runs/{hostile['id']}/log")
    main = page.get_by_role("main")
    expect(main).to_contain_text("<script>document.title='evil'</script>")
    expect(main).to_contain_text("red")
    assert "\u202e" not in main.inner_text()
    assert "\x1b" not in main.inner_text()
    unharmed(page)
