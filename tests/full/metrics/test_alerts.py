"""The chart's alerts by Prometheus' own tools: on made-up series, and on those of the real operator and shim."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests import stack as stacks
from tests.cluster.built.compile.builder import ensure
from tests.cluster.built.compile.components import monitoring
from tests.cluster.model import tell
from tests.faults import COMPONENTS, pods
from tests.s3 import free_port
from tests.site import Site, eventually

RULES = stacks.REPO / "charts/webjobs/rules/alerts.yaml"
PORT = 8081
"""Port of the metrics in the pods of operator and shim."""


@pytest.fixture(scope="module")
def programs() -> Path:
    """The folder with prometheus and promtool."""
    return ensure([monitoring()], log=tell)["prometheus"]


def test_made_up_series(programs: Path) -> None:
    """Each alert fires and resolves."""
    tests = Path(__file__).parent / "alerts_test.yaml"
    for command in (("check", "rules", "--lint-fatal", RULES), ("test", "rules", tests)):
        done = subprocess.run([programs / "promtool", *command], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    known = {rule["alert"] for rule in yaml.safe_load(RULES.read_text())["groups"][0]["rules"]}
    cases = [case for one in yaml.safe_load(tests.read_text())["tests"] for case in one["alert_rule_test"]]
    for fires in (True, False):
        assert {one["alertname"] for one in cases if bool(one["exp_alerts"]) is fires} == known


def _path(site: Site, component: str) -> str:
    """The path of a component's metrics at the API server."""
    [pod] = pods(site, component)
    return f"/api/v1/namespaces/{stacks.SYSTEM}/pods/{pod['metadata']['name']}:{PORT}/proxy/metrics"


@contextmanager
def prometheus(programs: Path, folder: Path, site: Site) -> Iterator[httpx.Client]:
    """A Prometheus that reads what operator and shim tell, by way of the API server; a client of it."""
    api, own = (f"127.0.0.1:{free_port()}" for _ in range(2))
    jobs = [
        {
            "job_name": component,
            "honor_labels": True,
            "metrics_path": _path(site, component),
            "static_configs": [{"targets": [api]}],
        }
        for component in COMPONENTS
    ]
    config: dict[str, Any] = {
        "global": {"scrape_interval": "2s", "evaluation_interval": "2s"},
        "rule_files": [str(RULES)],
        "scrape_configs": jobs,
    }
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
    arguments = [f"--config.file={folder}/prometheus.yaml", f"--storage.tsdb.path={folder}/tsdb"]
    command = [str(programs / "prometheus"), *arguments, f"--web.listen-address={own}"]
    way = [stacks.tool("kubectl"), "--kubeconfig", str(site.stack.kubeconfig), "proxy", f"--port={api.split(':')[1]}"]
    with (folder / "log").open("wb") as log, ExitStack() as ends:
        for words in (way, command):
            process = subprocess.Popen(words, stdout=log, stderr=log)
            ends.callback(process.wait, 20)
            ends.callback(process.terminate)
        with httpx.Client(base_url=f"http://{own}/api/v1", trust_env=False) as client:
            eventually(lambda: _is_up(client), what=f"Prometheus, whose log is {folder}/log")
            yield client


def _is_up(client: httpx.Client) -> bool:
    try:
        return client.get("/status/config").is_success
    except httpx.TransportError:
        time.sleep(0.2)
        return False


def test_a_real_prometheus(programs: Path, tmp_path: Path, site: Site) -> None:
    """It reads both, and a run that fails and a login that is wrong are seen."""
    site.kubectl("delete", "wj", "--all", "--wait")
    site.put_script("broken", "exit 3\n")
    with prometheus(programs, tmp_path, site) as client:

        def value(query: str) -> float | None:
            found = client.get("/query", params={"query": query}).json()["data"]["result"]
            return float(found[0]["value"][1]) if found else None

        def alerts() -> set[tuple[str, str]]:
            found = client.get("/alerts").json()["data"]["alerts"]
            return {(one["labels"]["alertname"], one["labels"].get("webjob", "")) for one in found}

        eventually(lambda: value("sum(up)") == len(COMPONENTS), seconds=60, what="both are read")
        assert value("webjobs_waiting") == 0
        assert value(f'webjobs_watch_age_seconds{{namespace="{stacks.SITE}"}}') == 0
        assert ("WebJobFailed", "broken") not in alerts()
        site.ended(site.run("broken").headers["Location"])
        eventually(lambda: ("WebJobFailed", "broken") in alerts(), seconds=60, what="the alert")
        asked = 'webjobs_http_request_duration_seconds_count{route="/api/triggeredwebjobs/{name}/run", code="202"}'
        eventually(lambda: value(asked), seconds=30, what="the request that started it")
    site.kubectl("delete", "wj", "broken")
