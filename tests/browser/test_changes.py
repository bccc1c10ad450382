"""What is changed by forms: schedules, settings, files, workers."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenWindow
from tests.browser.window import Window
from tests.site import Site, eventually, zip_of

REPORT = "/ui/jobs/triggered/report"


@pytest.fixture
def report(site: Site) -> Iterator[None]:
    """A triggered job and a continuous one."""
    site.put_script("report", "echo one\n")
    site.put_script("worker", "exec sleep 1000\n", kind="continuous")
    yield
    site.kubectl("delete", "wj", "--all")
    site.empty_secrets()


def open_deployments(there: Window) -> Page:
    """The page of deployments with the form for a new one unfolded."""
    page = there.open("/ui/deployments")
    if not page.get_by_label("Zip of the site").is_visible():
        page.get_by_text("Deploy a zip").click()
    return page


def drop(page: Page, files: dict[str, str]) -> None:
    """Drop a zip on the form that takes one."""
    content = base64.b64encode(zip_of(files)).decode()
    transfer = page.evaluate_handle(
        """(text) => {
          const bytes = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
          const transfer = new DataTransfer();
          transfer.items.add(new File([bytes], "files.zip", { type: "application/zip" }));
          return transfer;
        }""",
        content,
    )
    page.locator("form[data-upload]").dispatch_event("drop", {"dataTransfer": transfer})


def schedule_of(site: Site) -> str:
    spec = site.object("wj", "report")["spec"]
    return str(spec.get("schedule") or spec.get("settings", {}).get("schedule", ""))


def test_a_schedule(report: None, open_window: OpenWindow, site: Site) -> None:
    """Its next times are shown before it is saved; what can't be read is told by the server's own parser."""
    there = open_window(refusals=frozenset({400}))
    page = there.open(f"{REPORT}/edit")
    field = page.get_by_label("NCRONTAB")
    field.fill("0 30 2 * * 1-5")
    expect(page.locator("#ahead")).to_contain_text("at 02:30 on Monday through Friday")
    page.get_by_label("Time zone").fill("Europe/Berln")
    expect(page.locator("#ahead")).to_contain_text("Europe/Berlin")
    page.get_by_label("Time zone").fill("Europe/Berlin")
    field.fill("0 61 * * * *")
    expect(page.locator("#ahead")).to_contain_text("61")
    page.get_by_role("button", name="Save the schedule").click()
    expect(page.get_by_role("alert").first).to_contain_text("61")
    assert schedule_of(site) == ""
    page.get_by_label("NCRONTAB").fill("0 30 2 * * 1-5")
    page.get_by_role("button", name="Save the schedule").click()
    page.wait_for_url(f"**{REPORT}")
    assert schedule_of(site) == "0 30 2 * * 1-5"
    expect(page.get_by_role("main")).to_contain_text("Europe/Berlin")
    page.get_by_role("button", name="Suspend the schedule").click()
    expect(page.get_by_text("Suspended").first).to_be_visible()
    page.get_by_role("button", name="Resume the schedule").click()
    expect(page.get_by_role("button", name="Suspend the schedule")).to_be_visible()


def test_a_conflict(report: None, open_window: OpenWindow, site: Site) -> None:
    """Who saves what somebody else has changed meanwhile sees both, and nothing is lost."""
    there = open_window(refusals=frozenset({409}))
    page = there.open(f"{REPORT}/edit")
    assert site.http.put("/api/triggeredwebjobs/report/settings", json={"schedule": "0 0 1 * * *"}).is_success
    page.get_by_label("NCRONTAB").fill("0 0 3 * * *")
    page.get_by_role("button", name="Save the schedule").click()
    expect(page.get_by_role("alert")).to_contain_text("changed by somebody else")
    expect(page.get_by_label("As it is now")).to_contain_text("0 0 1 * * *")
    assert schedule_of(site) == "0 0 1 * * *"
    page.get_by_role("button", name="Save the schedule").click()
    page.wait_for_url(f"**{REPORT}")
    assert schedule_of(site) == "0 0 3 * * *"


def test_upload_and_back(report: None, open_window: OpenWindow, site: Site, tmp_path: Path) -> None:
    """A zip that can't be used keeps what is there; an earlier package comes back."""
    good, bad = tmp_path / "good.zip", tmp_path / "bad.zip"
    good.write_bytes(zip_of({"run.sh": "echo two\n"}))
    bad.write_bytes(b"no zip at all")
    there = open_window(refusals=frozenset({400}))
    page = there.open(f"{REPORT}/files")
    page.get_by_label("Zip with").set_input_files(bad)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("Zip with").set_input_files(good)
    page.get_by_role("button", name="Upload").click()
    page.wait_for_url(f"**{REPORT}")
    assert "two" in site.log(site.ended(site.run("report").headers["Location"]))
    page = there.open(f"{REPORT}/files")
    page.get_by_text("Go back to it").click()
    page.get_by_role("button", name="Go back").click()
    page.wait_for_url(f"**{REPORT}")
    assert "one" in site.log(site.ended(site.run("report").headers["Location"]))


def test_a_new_job(report: None, open_window: OpenWindow, site: Site, tmp_path: Path) -> None:
    script = tmp_path / "run.sh"
    script.write_text("echo new\n")
    there = open_window()
    page = there.open("/ui/jobs")
    page.get_by_role("link", name="New job").click()
    page.get_by_label("Name").fill("made here")
    page.get_by_label("Zip with").set_input_files(script)
    page.get_by_role("button", name="Upload").click()
    page.wait_for_url("**/ui/jobs/triggered/made%20here")
    assert "new" in site.log(site.ended(site.run("made here").headers["Location"]))


def test_a_new_job_with_a_schedule(report: None, open_window: OpenWindow, site: Site, tmp_path: Path) -> None:
    """Its next ten times are shown while it is written, and what may surprise."""
    there = open_window(refusals=frozenset({400}))
    page = there.open("/ui/upload")
    page.get_by_label("Name").fill("night")
    page.get_by_label("NCRONTAB").fill("0 */50 * * * *")
    expect(page.locator("#ahead")).to_contain_text("the last step is 10")
    page.get_by_label("NCRONTAB").fill("0 30 2 * * *")
    page.get_by_label("Time zone").fill("Europe/Berlin")
    expect(page.locator("#ahead tbody tr")).to_have_count(10)
    expect(page.locator("#ahead")).to_contain_text("02:30:00 does not exist, and runs at 03:30:00 instead")
    there.check_access()
    drop(page, {"run.sh": "echo night\n"})
    page.get_by_role("button", name="Upload").click()
    page.wait_for_url("**/ui/jobs/triggered/night")
    spec = site.object("wj", "night")["spec"]
    assert (spec["settings"]["schedule"], spec["timeZone"]) == ("0 30 2 * * *", "Europe/Berlin")


def test_what_a_zip_holds(report: None, open_window: OpenWindow, site: Site) -> None:
    """A look into a zip says what runs here, and changes nothing; the file stays chosen for the deployment."""
    there = open_window()
    page = open_deployments(there)
    jobs = {"triggered/report/run.sh": "echo two\n", "triggered/odd/run.cmd": "tasklist\r\n"}
    drop(page, {f"App_Data/jobs/{path}": text for path, text in jobs.items()})
    page.get_by_role("button", name="Only look into it").click()
    told = page.locator("#told")
    expect(told.get_by_role("row", name="odd")).to_contain_text("Windows only")
    expect(told.get_by_role("row", name="report")).to_contain_text("there is one")
    there.check_access()
    assert "one" in site.log(site.ended(site.run("report").headers["Location"]))
    page.get_by_role("button", name="Deploy", exact=True).click()
    page.wait_for_url("**/ui/deployments/*")
    eventually(lambda: site.http.get("/api/deployments/latest").json()["status"] == 4, what="the deployment")
    assert "two" in site.log(site.ended(site.run("report").headers["Location"]))


def test_a_look_without_scripts(report: None, open_window: OpenWindow, tmp_path: Path) -> None:
    content = tmp_path / "site.zip"
    content.write_bytes(zip_of({"App_Data/jobs/triggered/report/run.sh": "echo two\n"}))
    there = open_window(scripts=False)
    page = open_deployments(there)
    page.get_by_label("Zip of the site").set_input_files(content)
    page.get_by_role("button", name="Only look into it").click()
    expect(page.get_by_role("heading", name="1 job, 1 of them runs here as it is")).to_be_visible()
    page = there.open("/ui/upload")
    page.get_by_label("NCRONTAB").fill("0 0 3 * * *")
    page.get_by_role("button", name="Show the next times").click()
    expect(page.locator("#ahead tbody tr")).to_have_count(10)


def test_a_worker(report: None, open_window: OpenWindow, site: Site) -> None:
    """Its instances are shown as they come and go."""
    there = open_window()
    page = there.open("/ui/jobs/continuous/worker")
    expect(page.locator("#job-instances tbody tr")).to_have_count(1)
    page.get_by_role("spinbutton", name="Instances").fill("2")
    page.get_by_role("button", name="Scale").click()
    expect(page.locator("#job-instances").get_by_text("Running")).to_have_count(2)
    page.get_by_role("button", name="Stop").click()
    expect(page.locator("#job-instances")).to_contain_text("None now")
    page.get_by_role("button", name="Start", exact=True).click()
    expect(page.locator("#job-instances").get_by_text("Running")).to_have_count(2)


def test_settings(report: None, open_window: OpenWindow, site: Site) -> None:
    """A value is hidden until somebody asks for it; the switch of the whole site has a banner."""
    there = open_window()
    page = there.open("/ui/settings")
    page.get_by_label("Name").fill("SHOP_KEY")
    page.get_by_label("Value").fill("very secret")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("link", name="Show the value of SHOP_KEY")).to_be_visible()
    expect(page.get_by_text("very secret")).to_have_count(0)
    page.get_by_role("link", name="Show the value of SHOP_KEY").click()
    expect(page.locator("pre")).to_have_text("very secret")
    assert site.http.get("/api/settings/SHOP_KEY").json() == "very secret"
    page.get_by_role("button", name="Stop the whole site").click()
    for path in ("/ui/", "/ui/jobs", REPORT, "/ui/calendar"):
        page = there.open(path)
        expect(page.get_by_text("The whole site is stopped")).to_be_visible()
    page = there.open("/ui/settings")
    page.get_by_role("button", name="Undo: Stop the whole site").click()
    expect(page.get_by_role("button", name="Stop the whole site")).to_be_visible()


def test_a_deployment(report: None, open_window: OpenWindow, site: Site, tmp_path: Path) -> None:
    release = tmp_path / "site.zip"
    release.write_bytes(zip_of({"App_Data/jobs/triggered/deployed/run.sh": "echo\n"}))
    there = open_window()
    page = there.open("/ui/deployments")
    if not page.get_by_label("Zip of the site").is_visible():
        page.get_by_text("Deploy a zip").click()
    page.get_by_label("Zip of the site").set_input_files(release)
    page.get_by_label("Message").fill("Release 7")
    page.get_by_role("button", name="Deploy").click()
    expect(page.get_by_role("heading", name="Release 7")).to_be_visible()
    eventually(lambda: site.objects("wj", "webjobs.dev/name=deployed") or len(site.objects("wj")) > 2, what="its job")
    page.wait_for_url(re.compile(r"/ui/deployments/[0-9a-f]{32}$"))
    site.kubectl("patch", "configmap/webjobs-deployments", "--type=merge", "-p", '{"data": null}')
