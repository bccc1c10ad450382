"""The chart's Ingress and HTTPRoute on a real controller (Traefik), from https outside to the shim.

Not tried here: ingress-nginx, whose annotations the chart writes, and other Gateways. See docs/ways-in.md.
"""

from __future__ import annotations

import os
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests import stack as stacks
from tests.conformance.node import install
from tests.conformance.test_deploy_clients import SOURCE, Pipeline
from tests.conformance.tls import TlsFront, certificate
from tests.full.ways_in import controller as traefik
from tests.site import Site, eventually, zip_of

HOST, SCM = "shop.example.com", "shop.scm.example.com"
HOSTS = [HOST, SCM]
TLS = "webjobs-test-ways-in"
LARGE = 200 * 2**20
JOB = "App_Data/jobs/triggered/large"
WAYS: dict[str, dict[str, Any]] = {
    "ingress": {
        "enabled": True,
        "className": traefik.CLASS,
        "hosts": HOSTS,
        "tls": [{"secretName": TLS}],
    },
    "gateway": {"enabled": True, "parentRefs": [traefik.GATEWAY], "hostnames": HOSTS},
}


@dataclass(frozen=True, kw_only=True)
class Outside:
    """What is outside of the cluster: the address of the controller, and its certificate."""

    address: str
    ca: Path
    stack: stacks.Stack

    def client(self, host: str = SCM, *, auth: tuple[str, str] | None = None) -> httpx.Client:
        """A client that knows the site by a public name."""
        return httpx.Client(
            base_url=f"https://{self.address}",
            auth=auth or (self.stack.user, self.stack.password),
            headers={"Host": host},
            verify=ssl.create_default_context(cafile=str(self.ca)),
            timeout=90,
        )

    def ask(self, method: str, path: str, *, host: str = SCM, **options: Any) -> httpx.Response:
        """One request by a public name."""
        with self.client(host) as client:
            return client.request(method, path, extensions={"sni_hostname": host}, **options)


@pytest.fixture(scope="module")
def controller(stack: stacks.Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outside]:
    """Traefik, with one certificate for both names."""
    cert, key = certificate(tmp_path_factory.mktemp("ways-in"), *HOSTS)
    stacks.apply(stack.kubeconfig, stacks.namespace(traefik.NAMESPACE))
    secret = ("create", "secret", "tls", TLS, f"--cert={cert}", f"--key={key}", "--namespace")
    for namespace in (stacks.SYSTEM, traefik.NAMESPACE):
        stacks.kubectl(stack.kubeconfig, *secret, namespace)
    with traefik.controller(stack, certificate=TLS) as address:
        yield Outside(address=address, ca=cert, stack=stack)
    stacks.kubectl(stack.kubeconfig, "delete", "secret", TLS, "--namespace", stacks.SYSTEM)


@pytest.fixture(scope="module", params=list(WAYS))
def outside(request: pytest.FixtureRequest, controller: Outside) -> Iterator[Outside]:
    """The chart with one of the ways in, and without it again."""
    stack = controller.stack
    to_shim = {"trustedProxies": stacks.RECEIVERS, request.param: WAYS[request.param]}
    stacks.upgrade(stack, {"credentials": {"deploy": True}, "apiserver": to_shim})

    def reached() -> bool:
        return all(controller.ask("GET", "/api/webjobs", host=host).status_code == 200 for host in HOSTS)

    eventually(reached, seconds=60, what="the way in")
    yield controller
    back = {"enabled": False, "tls": []} if request.param == "ingress" else {"enabled": False}
    stacks.upgrade(
        stack,
        {"credentials": {"deploy": False}, "apiserver": {"trustedProxies": ["127.0.0.1"], request.param: back}},
    )
    eventually(lambda: controller.ask("GET", "/api/webjobs").status_code == 404, seconds=60, what="the end of the way")


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize(
    "path",
    [
        "/api/webjobs",
        "/jobs",
        "/jobs/triggered",
        "/vfs/",
        "/api/vfs/site/wwwroot/",
        "/zip/site/wwwroot/",
        "/logs/recent",
        "/settings",
        "/hooks",
        "/deployments",
        "/isdeploying",
        "/environment",
        "/scm/info",
        "/diagnostics/runtime",
        "/api/diagnostics/runtime",
        "/dump",
        "/docs",
        "/openapi.json",
        "/metadata/endpoints?api-version=2019-05-01",
        "/subscriptions/0/resourceGroups/g/providers/Microsoft.Web/sites/shop/triggeredwebjobs",
        "/subscriptions/0/providers/Microsoft.Web/sites",
    ],
)
def test_each_path_of_clients_gets_through(outside: Outside, host: str, path: str) -> None:
    answer = outside.ask("GET", path, host=host)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("path", ["/internal/packages/x", "/healthz", "/readyz", "/"])
def test_other_paths_do_not(outside: Outside, path: str) -> None:
    answer = outside.ask("GET", path)
    assert (answer.status_code, answer.text.strip()) == (404, "404 page not found"), "the controller's own answer"


@pytest.mark.parametrize("host", HOSTS)
def test_addresses_in_answers_are_those_of_the_client(outside: Outside, host: str) -> None:
    job = f"said-{HOSTS.index(host)}"  # a run of the other name's job may go on
    package = zip_of({f"App_Data/jobs/triggered/{job}/run.sh": "echo said\n"})
    began = outside.ask("POST", "/api/zipdeploy?isAsync=true", host=host, content=package)
    assert began.status_code == 202
    found = [began.headers["location"]]

    def deployed() -> Any:
        answer = outside.ask("GET", "/api/deployments/latest", host=host)
        return answer.json() if answer.status_code == 200 else None

    latest = eventually(deployed, seconds=60, what="the deployment")
    found += [latest["url"], latest["log_url"]]
    accepted = outside.ask("POST", f"/api/triggeredwebjobs/{job}/run", host=host)
    assert accepted.status_code == 202
    found.append(accepted.headers["location"])
    found.append(outside.ask("GET", f"/api/triggeredwebjobs/{job}", host=host).json()["history_url"])
    found.append(outside.ask("GET", "/api/vfs/site", host=host).headers["location"])
    assert {(urlsplit(url).scheme, urlsplit(url).netloc) for url in found} == {("https", host)}
    profile = outside.ask("GET", "/api/publishprofile", host=host)
    assert f'publishUrl="{host}:443"' in profile.text


def test_one_post_is_one_run(outside: Outside) -> None:
    name = "once"
    with outside.client() as client:
        headers = {"Content-Disposition": "attachment; filename=run.sh"}
        sni = {"sni_hostname": SCM}
        put = client.put(f"/api/triggeredwebjobs/{name}", content=b"echo once\n", headers=headers, extensions=sni)
        assert put.status_code == 200
        assert client.post(f"/api/triggeredwebjobs/{name}/run", extensions=sni).status_code == 202
        runs = client.get(f"/api/triggeredwebjobs/{name}/history", extensions=sni).json()["runs"]
    assert len(runs) == 1
    outside.ask("DELETE", f"/api/triggeredwebjobs/{name}")


def test_a_large_zip_that_waits_for_continue(outside: Outside, tmp_path: Path) -> None:
    """200 MB by the program curl, which asks first whether it may send them."""
    package = tmp_path / "site.zip"
    package.write_bytes(zip_of({f"{JOB}/run.sh": "wc -c < data\n", f"{JOB}/data": os.urandom(LARGE)}))
    host, _, port = outside.address.rpartition(":")
    command = ["curl", "--silent", "--show-error", "--verbose", "--http1.1", "--expect100-timeout", "60"]
    command += ["--connect-to", f"{SCM}:443:{host}:{port}", "--cacert", str(outside.ca), "--noproxy", "*"]
    command += ["--user", f"{outside.stack.user}:{outside.stack.password}", "--header", "Expect: 100-continue"]
    command += ["--data-binary", f"@{package}", "--write-out", "%{http_code}", f"https://{SCM}/api/zipdeploy"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout == "200", done.stdout + done.stderr[-2000:]
    assert "HTTP/1.1 100 Continue" in done.stderr
    size = outside.ask("HEAD", f"/api/vfs/site/wwwroot/{JOB}/data").headers["content-length"]
    assert int(size) == LARGE
    outside.ask("DELETE", "/api/triggeredwebjobs/large")


def test_a_stream_shows_each_line_and_lasts(outside: Outside) -> None:
    """The line of a run that goes on, then the word that nothing has come for a minute."""
    with outside.client() as client:
        sni = {"sni_hostname": SCM}
        headers = {"Content-Disposition": "attachment; filename=run.sh"}
        job = "/api/triggeredwebjobs/streamed"
        assert client.put(job, content=b"echo first; sleep 600\n", headers=headers, extensions=sni).status_code == 200
        with client.stream("GET", "/logstream/jobs/triggered/streamed", extensions=sni) as answer:
            lines = answer.iter_lines()
            assert "Welcome" in next(lines)
            location = outside.ask("POST", f"{job}/run").headers["location"]
            assert any("streamed: first" in line for line in lines)
            assert outside.ask("GET", urlsplit(location).path).json()["status"] == "Running"
            assert any("No new trace in the past 1 min(s)." in line for line in lines)
    outside.ask("DELETE", job)


def test_a_pipeline_deploys_through_it(outside: Outside, tmp_path: Path) -> None:
    """GitHub's azure/webapps-deploy, by the library that calls the site."""
    install(SOURCE, tmp_path)
    front = TlsFront(f"https://{outside.address}")
    environment = os.environ | {
        "GITHUB_SHA": "d6ee4b6",
        "GITHUB_REPOSITORY": "shop/reports",
        "GITHUB_ACTOR": "somebody",
        "RUNNER_TEMP": str(tmp_path),
        "HTTPS_PROXY": f"http://127.0.0.1:{front.port}",
        "NO_PROXY": "",
        "NODE_EXTRA_CA_CERTS": str(outside.ca),
    }
    try:
        with outside.client() as owner:
            profile = outside.ask("GET", "/api/publishprofile").text
            pipeline = Pipeline(folder=tmp_path, profile=profile, environment=environment, owner=owner)
            result, printed = pipeline.deploy("webapps-deploy-v3", {"App_Data/jobs/triggered/piped/run.sh": "echo\n"})
    finally:
        front.close()
    assert result["error"] is None, printed
    assert outside.ask("GET", "/api/triggeredwebjobs/piped").status_code == 200


def test_the_shim_sees_who_comes_through(site: Site, outside: Outside) -> None:
    """Bad tries are counted by the address that the controller tells, and what clients say of it does not count."""
    lied = {"X-Forwarded-Host": "other.example", "X-Forwarded-Proto": "http", "X-Forwarded-For": "8.8.8.8"}
    answer = outside.ask("GET", "/api/vfs/site", headers=lied)
    assert answer.headers["location"] == f"https://{SCM}/api/vfs/site/"
    log = site.kubectl("logs", "--tail=200", "deployment/webjobs-apiserver", namespace=stacks.SYSTEM)
    assert "8.8.8.8" not in log
