"""Operator, shim, fetch container and every shell of jobs under user ids that no file of the image knows."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests import stack as stacks
from tests.site import Site, eventually, shell, zip_of

USUAL = 65532
WHO = """set -eu
echo "id $(id -u):$(id -g)"
echo "name $(whoami 2>/dev/null || echo none)"
cd ~ && touch written && echo "home $HOME"
"""
PYTHON = """import os, pathlib
home = pathlib.Path.home()
(home / "written").touch()
print(f"id {os.getuid()}:{os.getgid()}")
print(f"home {home}")
"""


@pytest.fixture(params=[12345, 1000680000], ids=str, scope="module")
def user(request: pytest.FixtureRequest, stack: stacks.Stack) -> int:
    """The id that all pods have from now on: any that somebody chooses, and one as OpenShift gives them."""
    chosen: int = request.param
    stacks.upgrade(stack, {"runAsUser": chosen, "warm": {"enabled": True}})
    return chosen


@pytest.fixture(scope="module", autouse=True)
def _usual(stack: stacks.Stack) -> Iterator[None]:
    yield
    stacks.upgrade(stack, {"runAsUser": USUAL})


def _said(site: Site, name: str) -> list[str]:
    """Output of a run of a job, which must succeed."""
    run = site.ended(site.run(name).headers["Location"])
    text = site.log(run)
    assert run["status"] == "Success", text
    return [line.partition("INFO] ")[2] for line in text.splitlines() if ": INFO] " in line]


def test_processes_and_files(site: Site, user: int) -> None:
    """Both processes answer, as that user; what an earlier one stored is read, replaced and deleted."""
    for component in ("operator", "apiserver"):
        found = site.kubectl("exec", f"deploy/{stacks.RELEASE}-{component}", "--", "id", "-u", namespace=stacks.SYSTEM)
        assert found.strip() == str(user)
    assert site.upload("kept", zip_of({"run.sh": "echo again\n"})).status_code == 200
    assert _said(site, "kept") == ["again"]
    assert len(site.http.get("/api/triggeredwebjobs/kept/history").json()["runs"]) >= 1
    if user != USUAL:
        site.put_script("gone", "true\n")
        assert site.http.delete("/api/triggeredwebjobs/gone").status_code == 200


@pytest.mark.parametrize(("name", "file_name", "text"), [("bash", "run.sh", WHO), ("python", "run.py", PYTHON)])
def test_scripts(site: Site, user: int, name: str, file_name: str, text: str) -> None:
    site.put_script(f"who-{name}", text, file_name=file_name)
    said = _said(site, f"who-{name}")
    assert said[0] == f"id {user}:65532"
    assert said[-1] == "home /tmp"


def test_a_package_that_is_fetched(site: Site, user: int) -> None:
    large = os.urandom(3 * 2**20)  # beyond a ConfigMap
    assert (
        site.upload("fetched", zip_of({"run.sh": WHO + 'wc -c < "$WEBJOBS_PATH/large"\n', "large": large})).status_code
        == 200
    )
    assert _said(site, "fetched") == [f"id {user}:65532", "name none", "home /tmp", str(len(large))]


def test_a_run_in_a_pod_that_waits(site: Site, user: int) -> None:
    site.apply("waits", {"type": "triggered", "warm": 1} | shell(WHO))
    eventually(lambda: site.object("wj", "waits").get("status", {}).get("warmReady") == 1, what="a waiting pod")
    assert _said(site, "waits")[0] == f"id {user}:65532"
    site.kubectl("delete", "wj", "waits")


def test_a_continuous_job(site: Site, user: int) -> None:
    site.apply("stays", {"type": "continuous"} | shell(WHO + "sleep 600\n"))

    def told() -> bool:
        answer = site.http.get("/vfs/data/jobs/continuous/stays/job_log.txt")
        return f"id {user}:65532" in answer.text and "home /tmp" in answer.text

    eventually(told, what="its output")
    site.kubectl("delete", "wj", "stays")
