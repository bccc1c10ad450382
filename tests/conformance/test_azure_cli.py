"""The real Azure CLI against a real site: a cloud of its own, a login with the site's account, ``az webapp webjob``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import stack as stacks
from tests.conformance.azure_cloud import WHERE_SITE, Az, cloud, words
from tests.conformance.zip_host import zip_host
from tests.site import Site, eventually, shell, zip_of
from webjobs_apiserver.arm.login import NO_ID


@pytest.fixture(scope="module")
def az(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Az]:
    """Logged in as the owner."""
    folder = tmp_path_factory.mktemp("az")
    with cloud(site, folder, credentials={"deploy": True}, after={"deploy": False}) as there:
        yield there.login(folder / "config", site.stack.user, site.stack.password)


def test_triggered_jobs(site: Site, az: Az) -> None:
    site.apply("az-report", {"type": "triggered", **shell("echo by az\n")})
    eventually(lambda: site.object("wj", "az-report").get("status"), what="the operator")
    names = [job["name"] for job in az.webjob("triggered", "list")]
    assert f"{stacks.SITE}/az-report" in names
    run = az.webjob("triggered", "run", "az-report")
    assert run["name"] == f"{stacks.SITE}/az-report"

    def logged() -> Any:
        (entry,) = az.webjob("triggered", "log", "az-report")
        return entry if entry["runs"][0]["status"] == "Success" else None

    entry = eventually(logged, seconds=60, what="the end of the run")
    assert entry["runs"][0]["trigger"].startswith("External - ")
    (made,) = site.objects("wjr", "webjobs.dev/webjob=az-report")
    assert made["status"]["state"] == "Success"
    az.webjob("triggered", "remove", "az-report")
    assert site.objects("wj", "webjobs.dev/name=az-report") == []
    assert f"{stacks.SITE}/az-report" not in [job["name"] for job in az.webjob("triggered", "list")]


def test_the_publish_profile(az: Az) -> None:
    first, second = az("webapp", "deployment", "list-publishing-profiles", *WHERE_SITE)
    assert (first["publishMethod"], second["publishMethod"]) == ("ZipDeploy", "MSDeploy")
    assert first["userName"] == second["userName"] == f"${stacks.SITE}"
    assert len(first["userPWD"]) == 40
    printed = az.run("webapp", "deployment", "list-publishing-profiles", *WHERE_SITE, "--xml").stdout
    assert f'userPWD="{first["userPWD"]}"' in printed


def test_deployments(az: Az, tmp_path: Path) -> None:
    """The commands of pipelines that log in with ``az``."""
    shown = az("webapp", "show", *WHERE_SITE)
    assert shown["name"] == stacks.SITE
    assert stacks.SITE in [one["name"] for one in az("webapp", "list")]
    first, second = tmp_path / "first.zip", tmp_path / "second.zip"
    first.write_bytes(zip_of({"App_Data/jobs/triggered/az-zip/run.sh": "echo by config-zip\n"}))
    second.write_bytes(zip_of({"App_Data/jobs/triggered/az-deploy/run.sh": "echo by deploy\n"}))
    ended = az("webapp", "deployment", "source", "config-zip", *WHERE_SITE, "--src", str(first))
    assert (ended["status"], ended["active"]) == (4, True)
    assert f"{stacks.SITE}/az-zip" in [job["name"] for job in az.webjob("triggered", "list")]
    az("webapp", "deploy", *WHERE_SITE, "--src-path", str(second), "--type", "zip")
    names = [job["name"] for job in az.webjob("triggered", "list")]
    assert (f"{stacks.SITE}/az-deploy" in names, f"{stacks.SITE}/az-zip" in names) == (True, False)
    known = az("webapp", "log", "deployment", "list", *WHERE_SITE)
    assert len(known) >= 2
    log = az("webapp", "log", "deployment", "show", *WHERE_SITE)
    assert any("az-deploy" in line["message"] for line in log)
    nothing = tmp_path / "nothing.zip"
    nothing.write_bytes(zip_of({"index.html": "<p>"}))
    failed = az.run("webapp", "deployment", "source", "config-zip", *WHERE_SITE, "--src", str(nothing))
    assert failed.returncode != 0
    assert "az webapp log deployment show" in failed.stderr, failed.stderr
    told = az("webapp", "log", "deployment", "show", *WHERE_SITE)
    assert any("App_Data/jobs" in line["message"] for line in told)


def test_a_zip_that_lies_elsewhere(site: Site, az: Az) -> None:
    with zip_host(site, {"App_Data/jobs/triggered/az-url/run.sh": "echo by address\n"}) as address:
        told = az("webapp", "deploy", *WHERE_SITE, "--src-url", address, "--type", "zip")
        assert told["provisioningState"] in ("InProgress", "Succeeded")
        eventually(
            lambda: f"{stacks.SITE}/az-url" in [job["name"] for job in az.webjob("triggered", "list")],
            seconds=60,
            what="the job of the zip",
        )
    refused = az.run("webapp", "deploy", *WHERE_SITE, "--src-url", "https://elsewhere.example/x.zip", "--type", "zip")
    assert refused.returncode != 0
    assert "apiserver.packageUri.allow" in refused.stderr


def test_continuous_jobs(site: Site, az: Az) -> None:
    site.apply("az-worker", {"type": "continuous", **shell("while sleep 1; do echo; done\n")})
    eventually(lambda: site.object("wj", "az-worker").get("status", {}).get("state") == "Running", what="a process")
    (worker,) = [job for job in az.webjob("continuous", "list") if job["name"] == f"{stacks.SITE}/az-worker"]
    assert worker["status"] == "Running"
    az.webjob("continuous", "stop", "az-worker")
    assert site.object("wj", "az-worker")["spec"]["stopped"] is True
    az.webjob("continuous", "start", "az-worker")
    assert not site.object("wj", "az-worker")["spec"].get("stopped")
    az.webjob("continuous", "remove", "az-worker")
    assert "az-worker" not in [one["metadata"]["name"] for one in site.objects("wj")]


@pytest.mark.parametrize(
    ("kind", "verb", "name", "where"),
    [("triggered", "run", "nothing", stacks.SITE), ("continuous", "list", "", "another-site")],
)
def test_bad_input(az: Az, kind: str, verb: str, name: str, where: str) -> None:
    done = az.run(*words(kind, verb, name, site=where))
    assert done.returncode == 1
    assert "was not found" in done.stderr


def test_a_wrong_account(az: Az) -> None:
    login = ["--username", "nobody", "--password", "wrong"]  # for one that it knows the CLI has a token
    done = az.run("login", "--service-principal", "--tenant", NO_ID, *login)
    assert done.returncode != 0
    assert "client_id or client_secret is wrong" in done.stderr
