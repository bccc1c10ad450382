"""Clients that deploy by a publish profile, against a real site: GitHub's azure/webapps-deploy and Azure Pipelines.

Their libraries are unmodified; the order of the calls is in ``deploy_clients/client.js``.
"""

from __future__ import annotations

import json
import os
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import stack as stacks
from tests.conformance.node import NODE, install
from tests.conformance.tls import TlsFront, certificate
from tests.site import Site, eventually, zip_of

SOURCE = Path(__file__).parent / "deploy_clients"
HOST = "shop.scm.example.com"
TLS = "webjobs-test-deploy"
WHERE = ("--namespace", stacks.SYSTEM)
CLIENTS = ("webapps-deploy-v3", "webapps-deploy-v2", "azure-web-app")


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """A pipeline with a publish profile, and the site that it deploys to."""

    folder: Path
    profile: str
    environment: Mapping[str, str]
    owner: httpx.Client

    def deploy(
        self, client: str, files: Mapping[str, str], *, profile: str | None = None
    ) -> tuple[dict[str, Any], str]:
        """What the client reports of the deployment of a zip, and all that it prints."""
        (self.folder / "site.zip").write_bytes(zip_of(files))
        done = subprocess.run(
            [NODE, "--no-deprecation", "client.js", client, "site.zip"],
            cwd=self.folder,
            env={**self.environment, "PUBLISH_PROFILE": profile or self.profile},
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
        )
        before, found, result = done.stdout.rpartition("RESULT ")
        assert found, done.stdout + done.stderr
        return json.loads(result), before

    def get(self, path: str) -> Any:
        """What the owner of the site sees."""
        answer = self.ask("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ask(self, method: str, path: str) -> httpx.Response:
        """A request of the owner."""
        return self.owner.request(method, path, extensions={"sni_hostname": HOST})


@pytest.fixture(scope="module")
def pipeline(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """With https by the shim itself, as the addresses that it gives to clients must be https, too."""
    folder = tmp_path_factory.mktemp("deploy-clients")
    install(SOURCE, folder)
    cert, key = certificate(folder, HOST)
    stacks.kubectl(site.stack.kubeconfig, *WHERE, "create", "secret", "tls", TLS, f"--cert={cert}", f"--key={key}")
    stacks.upgrade(site.stack, {"apiserver": {"tls": {"secretName": TLS}}, "credentials": {"deploy": True}})
    front = TlsFront(site.stack.url)
    owner = httpx.Client(
        base_url=site.stack.url.replace("http://", "https://"),
        auth=(site.stack.user, site.stack.password),
        headers={"Host": HOST},
        verify=ssl.create_default_context(cafile=str(cert)),
        timeout=30,
    )
    environment = os.environ | {
        "GITHUB_SHA": "d6ee4b6",
        "GITHUB_REPOSITORY": "shop/reports",
        "GITHUB_ACTOR": "somebody",
        "RUNNER_TEMP": str(folder),
        "AGENT_TEMPDIRECTORY": str(folder),
        "HTTPS_PROXY": f"http://127.0.0.1:{front.port}",
        "NO_PROXY": "",
        "NODE_EXTRA_CA_CERTS": str(cert),
    }
    made = Pipeline(folder=folder, profile="", environment=environment, owner=owner)
    profile = made.ask("GET", "/api/publishprofile")
    assert profile.status_code == 200, profile.text
    yield Pipeline(folder=folder, profile=profile.text, environment=environment, owner=owner)
    owner.close()
    front.close()
    stacks.upgrade(site.stack, {"apiserver": {"tls": {"secretName": ""}}, "credentials": {"deploy": False}})
    stacks.kubectl(site.stack.kubeconfig, *WHERE, "delete", "secret", TLS)


@pytest.mark.parametrize("client", CLIENTS)
def test_a_zip_becomes_jobs(pipeline: Pipeline, client: str) -> None:
    job = f"by-{client}"
    files = {f"App_Data/jobs/triggered/{job}/run.sh": f"echo deployed by {client}\n", "index.html": "<p>Shop</p>"}
    result, printed = pipeline.deploy(client, files)
    assert result["error"] is None, printed
    deployment = pipeline.get(f"/api/deployments/{result['id']}")
    assert (deployment["status"], deployment["complete"]) == (4, True)
    assert pipeline.get(f"/api/triggeredwebjobs/{job}")["run_command"] == "run.sh"
    if client != "webapps-deploy-v3":  # these record it once more
        assert pipeline.get(f"/api/deployments/{result['active']}")["status"] == 4
    accepted = pipeline.ask("POST", f"/api/triggeredwebjobs/{job}/run")
    assert accepted.status_code == 202
    path = httpx.URL(accepted.headers["location"]).path
    eventually(lambda: pipeline.get(path)["status"] == "Success", seconds=60, what="the run")
    output = httpx.URL(pipeline.get(path)["output_url"]).path
    assert f"deployed by {client}" in pipeline.ask("GET", output).text


@pytest.mark.parametrize("client", CLIENTS)
def test_a_deployment_that_fails_tells_why(pipeline: Pipeline, client: str) -> None:
    result, printed = pipeline.deploy(client, {"index.html": "<p>no job at all</p>"})
    assert "deployment" in result["error"].lower()
    latest = pipeline.get("/api/deployments")
    failed = next(one for one in latest if one["status"] == 3 and one["deployer"].endswith("_DEPLOY"))
    told = pipeline.get(httpx.URL(failed["log_url"]).path)
    assert any(line["message"] in printed for line in told), printed


@pytest.mark.parametrize("client", CLIENTS)
def test_a_wrong_password_deploys_nothing(pipeline: Pipeline, client: str) -> None:
    wrong = pipeline.profile.replace('userPWD="', 'userPWD="x')
    files = {"App_Data/jobs/triggered/of-a-stranger/run.sh": "echo\n"}
    result, _ = pipeline.deploy(client, files, profile=wrong)
    assert result["error"]
    assert pipeline.ask("GET", "/api/triggeredwebjobs/of-a-stranger").status_code == 404
