"""The pod of ``helm test``: what it may do, and its program against the shim, with the operator played by the test."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.charts import CHART, Manifest, render
from tests.conformance.tls import certificate
from tests.fakes.shim import Shim, shim
from tests.fakes.wire import wire
from webjobs.store import run_logs as stored_logs

PROGRAM = CHART / "files/helm_test.py"
IMAGE = "registry.example.com/webjobs:1"


@dataclass
class Done:
    """What became of the program."""

    code: int
    out: str
    err: str


@asynccontextmanager
async def operator(one: Shim, *, state: str = "Success", says: str | None = None) -> AsyncIterator[list[Manifest]]:
    """Ends each run with a log, as the operator does; gives the jobs. ``says``: in place of what the job prints."""
    jobs: list[Manifest] = []

    async def play() -> None:
        while True:
            for run in one.kube.of_kind("WebJobRun"):
                name, run_id = run["spec"]["webJobName"], run["metadata"]["name"].rpartition("-")[2]
                if not run.get("status", {}).get("state"):
                    jobs.extend(one.kube.of_kind("WebJob"))
                    key = stored_logs.run_log_key(namespace="site", webjob=name, run_id=run_id)
                    said = says or f"{run['spec']['arguments']} from {name}"

                    async def line(said: str = said) -> AsyncIterator[bytes]:
                        yield f"[stamp > pod: INFO] {said}\r\n".encode()

                    await stored_logs.write(one.store, key, line())
                    end = {"state": state, "endTime": "2026-01-01T12:00:09Z", "logPath": key}
                    where = ("WebJobRun", "site", run["metadata"]["name"])
                    await one.kube.patch(*where, {"status": end}, subresource="status")
            await asyncio.sleep(0.01)

    playing = asyncio.create_task(play())
    try:
        yield jobs
    finally:
        playing.cancel()
        await asyncio.gather(playing, return_exceptions=True)


async def run_program(url: str, credentials: Path, **more: str) -> Done:
    """Run the program as the pod does."""
    environment = {
        "WEBJOBS_URL": url,
        "WEBJOBS_IMAGE": IMAGE,
        "WEBJOBS_CREDENTIALS": str(credentials),
        "WEBJOBS_SECONDS": "20",
        **more,
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-c", PROGRAM.read_text()),
        env={"PATH": os.environ["PATH"], **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 60)
    assert process.returncode is not None
    return Done(process.returncode, out.decode(), err.decode())


async def test_a_job_runs_and_goes() -> None:
    with shim() as one:
        async with wire(one.app, one.config) as made, operator(one) as jobs:
            done = await run_program(f"http://127.0.0.1:{made.port}", one.directory)
    assert (done.code, done.err) == (0, "")
    assert "a job was uploaded, ran, and its log has what it printed" in done.out
    (job,) = jobs
    assert job["metadata"]["name"].startswith("helm-test-")
    assert job["spec"]["settings"] == {"image": IMAGE}
    assert job["spec"]["package"]["digest"].startswith("sha256:")
    assert one.kube.of_kind("WebJob") == []


@pytest.mark.parametrize(
    ("played", "why"),
    [
        ({"state": "Failed"}, "the run ended as Failed"),
        ({"state": "Aborted"}, "the run ended as Aborted"),
        ({"says": "something else"}, "the log does not have what the job printed"),
    ],
)
async def test_a_job_that_does_not_run_as_it_should(played: dict[str, str], why: str) -> None:
    with shim() as one:
        async with wire(one.app, one.config) as made, operator(one, **played):
            done = await run_program(f"http://127.0.0.1:{made.port}", one.directory)
    assert done.code == 1
    assert f"failed: {why}" in done.err
    assert "stamp > pod" in done.err, "with its log"
    assert one.kube.of_kind("WebJob") == [], "it leaves nothing behind"


async def test_a_run_that_nobody_begins() -> None:
    with shim() as one:
        async with wire(one.app, one.config) as made:
            done = await run_program(f"http://127.0.0.1:{made.port}", one.directory, WEBJOBS_SECONDS="0.2")
    assert done.code == 1
    assert "failed: the run is Initializing after 0.2 s" in done.err
    assert one.kube.of_kind("WebJob") == []


async def test_a_wrong_password_and_no_shim(tmp_path: Path) -> None:
    (tmp_path / "username").write_text("webjobs")
    (tmp_path / "password").write_text("wrong\n")
    with shim() as one:
        async with wire(one.app, one.config) as made:
            url = f"http://127.0.0.1:{made.port}"
            refused = await run_program(url, tmp_path)
    assert (refused.code, "401, and not 200" in refused.err) == (1, True)
    gone = await run_program(url, tmp_path)
    assert (gone.code, f"no answer of {url}" in gone.err) == (1, True)
    assert "Traceback" not in refused.err + gone.err


@pytest.mark.parametrize("believed", ["own", "other"])
async def test_by_tls_one_certificate_is_believed_whatever_its_name(tmp_path: Path, believed: str) -> None:
    for name in ("own", "other"):
        (tmp_path / name).mkdir()
        certificate(tmp_path / name, "shop.example.com")
    file = tmp_path / "tls.crt"
    shutil.copy(tmp_path / believed / "tls.crt", file)
    with shim() as one:
        async with wire(one.app, one.config, certificate=tmp_path / "own") as made, operator(one):
            url = f"https://127.0.0.1:{made.port}"
            done = await run_program(url, one.directory, WEBJOBS_CERTIFICATE=str(file))
    assert done.code == (0 if believed == "own" else 1), done.err
    assert ("CERTIFICATE_VERIFY_FAILED" in done.err) == (believed == "other")


def _pod(values: Manifest | None = None) -> Manifest:
    found: Manifest = render(values)["Pod", "webjobs-test"]
    return found


def _environment(pod: Manifest) -> dict[str, str]:
    (container,) = pod["spec"]["containers"]
    return {one["name"]: one["value"] for one in container["env"]}


def test_the_pod_has_two_keys_and_no_rights() -> None:
    pod = _pod()
    spec = pod["spec"]
    assert pod["metadata"]["annotations"] == {
        "helm.sh/hook": "test",
        "helm.sh/hook-delete-policy": "before-hook-creation",
    }
    assert spec["automountServiceAccountToken"] is False
    assert "serviceAccountName" not in spec
    (volume,) = spec["volumes"]
    assert volume["secret"] == {
        "secretName": "webjobs-credentials",
        "items": [{"key": key, "path": key} for key in ("username", "password")],
    }
    (container,) = spec["containers"]
    assert container["command"] == ["python3", "-I", "-c", PROGRAM.read_text()]
    assert "$(" not in PROGRAM.read_text(), "which Kubernetes would replace"
    shim_pod = render()["Deployment", "webjobs-apiserver"]["spec"]["template"]["spec"]
    assert spec["securityContext"] == shim_pod["securityContext"]
    assert container["securityContext"] == shim_pod["containers"][0]["securityContext"]
    assert container["image"] == _environment(pod)["WEBJOBS_IMAGE"] == shim_pod["containers"][0]["image"]
    assert ("Pod", "webjobs-test") not in render({}, "--skip-tests")


def test_it_is_no_pod_of_the_shim() -> None:
    labels = _pod()["metadata"]["labels"]
    for (kind, name), one in render().items():
        selector = one.get("spec", {}).get("selector", {})
        if kind in ("Service", "Deployment"):
            assert not selector.get("matchLabels", selector).items() <= labels.items(), name


def test_what_it_asks() -> None:
    assert _environment(_pod())["WEBJOBS_URL"] == "http://webjobs-apiserver.system.svc:80"
    values = {
        "apiserver": {"tls": {"secretName": "own"}, "service": {"port": 8000, "httpsPort": 8443}},
        "credentials": {"existingSecret": "mine"},
        "test": {"seconds": 600},
    }
    pod = _pod(values | {"imagePullSecrets": [{"name": "registry"}]})
    found = _environment(pod)
    assert found["WEBJOBS_URL"] == "https://webjobs-apiserver.system.svc:8443"
    assert (found["WEBJOBS_SECONDS"], pod["spec"]["activeDeadlineSeconds"]) == ("600", 720)
    secrets = {
        one["secret"]["secretName"]: [item["key"] for item in one["secret"]["items"]] for one in pod["spec"]["volumes"]
    }
    assert secrets == {"mine": ["username", "password"], "own": ["tls.crt"]}, "and not the key of the certificate"
    assert found["WEBJOBS_CERTIFICATE"] == "/etc/webjobs-tls/tls.crt"
    assert pod["spec"]["imagePullSecrets"] == [{"name": "registry"}]
    assert "WEBJOBS_CERTIFICATE" not in _environment(_pod())
