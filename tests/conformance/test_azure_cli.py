"""The real Azure CLI against a real site: a cloud of its own, a login with the site's account, ``az webapp webjob``."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests import azurecli
from tests import stack as stacks
from tests.conformance.tls import certificate
from tests.site import Site, eventually, shell, zip_of
from webjobs_apiserver.arm.login import NO_ID

TLS = "webjobs-test-az"
WHERE = ("--namespace", stacks.SYSTEM)


@dataclass(frozen=True, kw_only=True)
class Az:
    """The CLI with a configuration of its own."""

    program: Path
    environment: Mapping[str, str]

    def __call__(self, *words: str) -> Any:
        """What a command prints; AssertionError when it fails."""
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """The same with its end."""
        command = [str(self.program), *words, "--output", "json"]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False, timeout=120)

    def webjob(self, kind: str, verb: str, name: str = "") -> Any:
        """A command on WebJobs of the site."""
        return self(*words(kind, verb, name))


def words(kind: str, verb: str, name: str = "", *, site: str = stacks.SITE) -> list[str]:
    """A command line."""
    job = ["--webjob-name", name] if name else []
    return ["webapp", "webjob", kind, verb, "--resource-group", "any-group", "--name", site, *job]


@pytest.fixture(scope="module")
def az(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Az]:
    """Logged in. The CLI speaks nothing but https, and trusts the certificate that the shim shows."""
    folder = tmp_path_factory.mktemp("az")
    parts = urlsplit(site.stack.url)
    cert, key = certificate(folder, parts.hostname or "")
    secret: dict[str, Any] = {"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls"}
    secret["metadata"] = {"name": TLS, "namespace": stacks.SYSTEM}
    secret["stringData"] = {"tls.crt": cert.read_text(), "tls.key": key.read_text()}
    stacks.apply(site.stack.kubeconfig, secret)
    stacks.upgrade(site.stack, {"apiserver": {"tls": {"secretName": TLS}}, "credentials": {"deploy": True}})
    unwanted = {"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"}
    environment = {name: value for name, value in os.environ.items() if name not in unwanted}
    environment |= {
        "AZURE_CONFIG_DIR": str(folder / "config"),
        "AZURE_CORE_COLLECT_TELEMETRY": "no",
        "REQUESTS_CA_BUNDLE": str(cert),
    }
    made = Az(program=azurecli.install(), environment=environment)
    made("cloud", "register", "--name", "webjobs", "--endpoint-resource-manager", f"https://{parts.netloc}")
    made("cloud", "set", "--name", "webjobs")
    login = ["--username", site.stack.user, "--password", site.stack.password]
    (account,) = made("login", "--service-principal", "--tenant", NO_ID, *login)
    assert (account["state"], account["name"]) == ("Enabled", stacks.SITE)
    yield made
    stacks.upgrade(site.stack, {"apiserver": {"tls": {"secretName": ""}}, "credentials": {"deploy": False}})
    site.kubectl("delete", "secret", TLS, namespace=stacks.SYSTEM)


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
    where = ["--resource-group", "any-group", "--name", stacks.SITE]
    first, second = az("webapp", "deployment", "list-publishing-profiles", *where)
    assert (first["publishMethod"], second["publishMethod"]) == ("ZipDeploy", "MSDeploy")
    assert first["userName"] == second["userName"] == f"${stacks.SITE}"
    assert len(first["userPWD"]) == 40
    printed = az.run("webapp", "deployment", "list-publishing-profiles", *where, "--xml").stdout
    assert f'userPWD="{first["userPWD"]}"' in printed


WHERE_SITE = ("--resource-group", "any-group", "--name", stacks.SITE)


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


def test_logs_need_more_than_the_deploy_password(az: Az, tmp_path: Path) -> None:
    done = az.run("webapp", "log", "download", *WHERE_SITE, "--log-file", str(tmp_path / "logs.zip"))
    assert (done.returncode, "403" in done.stderr) == (1, True)


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
