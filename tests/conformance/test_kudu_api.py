"""The npm client kudu-api 1.4.1 against a real site: it keeps its host name and knows nothing of Kubernetes.

What it calls is in docs/kudu-contract.md, section 12.1.
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import stack as stacks
from tests.conformance.node import NODE, install
from tests.conformance.tls import TlsFront, certificate
from tests.site import Site, eventually, zip_of

HERE = Path(__file__).parent / "kudu_api"
WEBSITE = "shop"
HOST = f"{WEBSITE}.scm.azurewebsites.net"  # hard-wired in the client


class Client:
    """One Node process that makes one call at a time."""

    def __init__(self, folder: Path, *, site: Site, front: TlsFront, ca: Path) -> None:
        self._process = subprocess.Popen(
            [NODE, "--no-deprecation", "client.js"],
            cwd=folder,
            env=os.environ
            | {
                "WEBSITE": WEBSITE,
                "SITE_USER": site.stack.user,
                "SITE_PASSWORD": site.stack.password,
                "HTTPS_PROXY": f"http://127.0.0.1:{front.port}",
                "NO_PROXY": "",
                "NODE_EXTRA_CA_CERTS": str(ca),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __call__(self, call: str, *arguments: Any) -> dict[str, Any]:
        """Status, data and error of one call, for example ``webjobs.listAll``."""
        name, _, method = call.partition(".")
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"object": name, "method": method, "args": arguments}) + "\n")
        self._process.stdin.flush()
        watchdog = threading.Timer(60, self._process.kill)
        watchdog.start()
        line = self._process.stdout.readline()
        watchdog.cancel()
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """Ends the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait(10)


@pytest.fixture(scope="module")
def client(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    folder = tmp_path_factory.mktemp("kudu-api")
    install(HERE, folder)
    cert, key = certificate(folder, HOST)
    front = TlsFront(site.stack.url, cert=cert, key=key)
    process = Client(folder, site=site, front=front, ca=cert)
    yield process
    process.close()
    front.close()


def test_a_triggered_job_from_upload_to_delete(client: Client, tmp_path: Path) -> None:
    package = tmp_path / "job.zip"
    package.write_bytes(zip_of({"run.sh": 'echo "$@"\n'}))
    uploaded = client("webjobs.uploadTriggered", "api-job", str(package))
    assert (uploaded["status"], uploaded["data"]["type"]) == (200, "triggered")
    for call in ("webjobs.listAll", "webjobs.listTriggered"):
        assert "api-job" in [job["name"] for job in client(call)["data"]]
    assert client("webjobs.getTriggered", "api-job")["data"]["name"] == "api-job"
    assert client("webjobs.listTriggeredAsSwagger")["data"]["swagger"] == "2.0"
    assert client("webjobs.runTriggered", "api-job", '--message "Kudu\'s API"')["status"] == 202
    history = eventually(
        lambda: [
            run
            for run in client("webjobs.listTriggeredHistory", "api-job")["data"]["runs"]
            if run["status"] == "Success"
        ],
        what="the end of the run",
    )
    run = client("webjobs.getTriggeredHistory", "api-job", history[0]["id"])["data"]
    assert run["output_url"].endswith(".txt")
    assert run["trigger"].startswith("External - ")
    for _ in range(2):  # its own tests delete twice
        assert client("webjobs.deleteTriggered", "api-job")["status"] == 200
    gone = client("webjobs.getTriggered", "api-job")
    assert "404" in gone["error"]


def test_a_job_can_be_started_twice_within_a_moment(client: Client, site: Site, tmp_path: Path) -> None:
    """As the client's own tests do: a site for such clients sets WEBJOBS_CONCURRENCY_POLICY to Queue."""
    setting = "/api/settings/WEBJOBS_CONCURRENCY_POLICY"
    assert client("settings.set", {"WEBJOBS_CONCURRENCY_POLICY": "Queue"})["error"] is None
    try:
        package = tmp_path / "job.zip"
        package.write_bytes(zip_of({"run.sh": "echo hello world\n"}))
        client("webjobs.uploadTriggered", "twice", str(package))
        assert [client("webjobs.runTriggered", "twice")["status"] for _ in range(2)] == [202, 202]
        runs = client("webjobs.listTriggeredHistory", "twice")["data"]["runs"]
        assert len(runs) == 2
        assert runs[0]["output_url"].endswith(".txt")
        eventually(
            lambda: (
                [run["status"] for run in client("webjobs.listTriggeredHistory", "twice")["data"]["runs"]]
                == ["Success", "Success"]
            ),
            what="the end of both",
        )
    finally:
        site.http.delete(setting)
        client("webjobs.deleteTriggered", "twice")


def test_files_and_zips(client: Client, tmp_path: Path) -> None:
    script, target = tmp_path / "run.sh", tmp_path / "back.sh"
    script.write_text("echo by vfs\n")
    path = "site/wwwroot/App_Data/jobs/triggered/by-vfs/run.sh"
    assert client("vfs.uploadFile", str(script), path)["error"] is None
    assert client("webjobs.getTriggered", "by-vfs")["data"]["run_command"] == "run.sh"
    assert client("vfs.getFile", path)["data"] == "echo by vfs\n"
    listed = client("vfs.listFiles", "site/wwwroot/App_Data/jobs/triggered/by-vfs")["data"]
    assert [file["name"] for file in listed] == ["run.sh"]
    assert client("vfs.deleteFile", path)["error"] is None
    assert "404" in client("webjobs.getTriggered", "by-vfs")["error"]
    package = tmp_path / "two.zip"
    package.write_bytes(zip_of({"one/run.sh": "echo 1\n", "two/run.sh": "echo 2\n"}))
    assert client("zip.upload", str(package), "site/wwwroot/App_Data/jobs/triggered/")["error"] is None
    names = [job["name"] for job in client("webjobs.listTriggered")["data"]]
    assert {"one", "two"} <= set(names)
    assert not target.exists()
    assert client("zip.download", "site/wwwroot/App_Data/jobs/triggered/one/", str(target))["error"] is None
    assert eventually(target.read_bytes, what="the file").startswith(b"PK")  # the client answers before it has written
    for name in ("one", "two", "by-vfs"):
        client("webjobs.deleteTriggered", name)


def test_a_zip_of_a_site_without_jobs(client: Client, tmp_path: Path) -> None:
    """As the client's own tests have it: the folder without its slash, and no job in the zip."""
    package, target = tmp_path / "site.zip", tmp_path / "back.zip"
    package.write_bytes(zip_of({"package.json": "{}\n"}))
    assert client("zip.upload", str(package), "site/wwwroot")["error"] is None
    downloaded = client("zip.download", "site/wwwroot", str(target))
    assert (downloaded["error"], downloaded["status"]) == (None, 200)
    assert eventually(target.read_bytes, what="the file").startswith(b"PK")


def test_deployments(client: Client, site: Site) -> None:
    """What its own tests ask of deployments. Theirs come from a git repository, which nobody fetches here."""
    job = "App_Data/jobs/triggered/deployed/run.sh"
    assert client("deployment.deploy", "https://git.example/site.git")["status"] == 404
    site.kubectl("patch", "configmap/webjobs-deployments", "--type=merge", "-p", '{"data": null}')
    for text in ("first", "second"):
        deployed = site.http.post("/api/zipdeploy", content=zip_of({job: f"echo {text}\n"}))
        assert deployed.status_code == 200, deployed.text
    listed = client("deployment.list")["data"]
    newest, older = listed
    assert (newest["active"], older["active"]) == (True, False)
    assert client("deployment.get", newest["id"])["data"] == newest
    assert client("deployment.redeploy", older["id"])["data"]["id"] == older["id"]
    assert client("deployment.get", older["id"])["data"]["active"] is True
    assert client("vfs.getFile", f"site/wwwroot/{job}")["data"] == "echo first\n"
    lines = client("deployment.log", older["id"])["data"]
    assert any("deployed" in line["message"] for line in lines)
    assert client("deployment.logDetails", older["id"], lines[0]["id"])["data"] == []
    assert client("deployment.del", older["id"])["status"] == 409
    assert client("deployment.del", newest["id"])["status"] == 204
    assert [one["id"] for one in client("deployment.list")["data"]] == [older["id"]]
    assert client("deployment.get", newest["id"])["status"] == 404
    client("webjobs.deleteTriggered", "deployed")


def test_what_it_asks_of_the_site(client: Client, tmp_path: Path) -> None:
    assert client("environment.get")["data"]["version"] == "100.0.0"
    info = client("scm.info")["data"]
    assert (info["Type"], info["GitUrl"]) == ("None", f"http://{HOST}/{stacks.SITE}.git")
    target = tmp_path / "dump.zip"
    assert client("dump.download", str(target))["status"] == 200
    assert eventually(target.read_bytes, what="the file").startswith(b"PK")
    for arguments in ([], [{"top": 500}]):
        assert isinstance(client("logs.recent", *arguments)["data"], list)


@pytest.mark.parametrize(
    ("call", "arguments"),
    [
        ("command.exec", ["echo hello", "site"]),
        ("diagnostics.list", []),
        ("diagnostics.set", [{"AzureDriveEnabled": True}]),
        ("scm.clean", []),
        ("scm.del", []),
        ("sshkey.get", [False]),
    ],
)
def test_what_there_is_not(client: Client, call: str, arguments: list[Any]) -> None:
    """Nothing looks done that is not: some methods of the client give the status, others stumble over its answer."""
    answer = client(call, *arguments)
    assert answer["status"] == 404 or "JSON" in answer["error"]


def test_a_continuous_job(client: Client, tmp_path: Path) -> None:
    script = tmp_path / "run.sh"
    script.write_text("sleep 1000\n")
    assert client("webjobs.uploadContinuous", "api-worker", str(script))["data"]["type"] == "continuous"
    assert "api-worker" in [job["name"] for job in client("webjobs.listContinuous")["data"]]
    for call in ("webjobs.stopContinuous", "webjobs.startContinuous"):
        assert client(call, "api-worker")["status"] == 200
    assert client("webjobs.setContinuousSettings", "api-worker", {"is_singleton": True})["status"] == 200
    assert client("webjobs.getContinuousSettings", "api-worker")["data"] == {"is_singleton": True}
    assert client("webjobs.deleteContinuous", "api-worker")["status"] == 200


def test_unknown_jobs(client: Client) -> None:
    for call in ("webjobs.getTriggered", "webjobs.runTriggered", "webjobs.getContinuous", "webjobs.stopContinuous"):
        assert "404" in client(call, "unknown-job")["error"], call
