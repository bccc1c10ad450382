"""Two sites of one shim on a real cluster: on every route, what lets in at one is nothing at the other."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

import httpx
import pytest

from tests import stack as stacks
from tests.conformance.contract.declared import declared
from tests.site import eventually, zip_of
from webjobs_apiserver.arm.paths import ADFS, METADATA
from webjobs_apiserver.auth import roles

SHOP, OTHER, DOMAIN = stacks.SITE, "other", "scm.example.com"
ACCOUNTS = {"username": "owner", "password": "owns", "readonlyUsername": "reader", "readonlyPassword": "reads"}
ACCOUNTS |= {"deployPassword": "deploys"}
OPEN = ("/healthz", "/readyz", METADATA, f"{ADFS}/.well-known/openid-configuration", f"{ADFS}/oauth2/token")
PODS = "/internal/"
"""Routes of pods: they take a token of a pod, whatever the host."""
_SAMPLE = {
    "name": "kept",
    "run_id": "202601010000000000",
    "path": "site/wwwroot/App_Data/jobs/triggered/kept/run.sh",
    "identifier": "1",
    "line": "1",
    "kind": "scm",
    "namespace": OTHER,
    "digest": "sha256:" + "0" * 64,
    "blob": "0" * 64,
    "rest": "x",
    "subscription": "0",
    "group": "any",
    "site": "MEANT",
    "slot": "production",
}
"""Parameters of paths that would do something; MEANT is the name of the site that is asked."""
ROUTES = [
    (verb, re.sub(r"\{(\w+)\}", lambda found: _SAMPLE[found[1]], path)) for verb, path in declared() if path not in OPEN
]
_BODIES = {
    "/settings": b'{"a":"1"}',
    "/api/settings": b'{"a":"1"}',
    "/api/deployments/1": b'{"status":4}',
    "/api/hooks": b'{"event":"TriggeredJobFinished","url":"http://x/"}',
}
_UPLOAD = {"Content-Disposition": "attachment; filename=run.sh", "If-Match": "*"}
_READABLE = re.compile(r"/api/(?:webjobs|(?:triggered|continuous)webjobs(?:/[^/]+)?)")
_READABLE_BY_ARM = re.compile(
    r"/subscriptions(?:/0(?:/.*/sites(?:/MEANT(?:/slots/\w+)?/(?:triggered|continuous|)webjobs(?:/[^/]+)?)?)?)?"
)
"""Paths that readers may GET (docs/kudu-contract.md, section 9)."""
_BY_ARM = re.compile(r"/subscriptions/0/.*/sites/MEANT(?:/slots/\w+)?(.*)")


@dataclass(kw_only=True)
class Shim:
    """The one that serves both."""

    stack: stacks.Stack
    addresses: Iterator[int] = field(default_factory=count)

    @property
    def hosts(self) -> dict[str, str]:
        """By namespace; the default site has all that are nobody's."""
        return {SHOP: self.stack.url.removeprefix("http://"), OTHER: f"{OTHER}.{DOMAIN}"}

    @property
    def owners(self) -> dict[str, tuple[str, str]]:
        """By namespace."""
        return {SHOP: (self.stack.user, self.stack.password), OTHER: ("owner", "owns")}

    def ask(
        self, site: str, verb: str, path: str, *, auth: tuple[str, str] | None = None, token: str = ""
    ) -> tuple[int, bytes]:
        """Status and body of a request that would do something; of a stream its first bytes.

        Each comes from an address of its own, else guesses would add up to a 429.
        """
        address = next(self.addresses)
        headers = _UPLOAD | {"Host": self.hosts[site], "X-Forwarded-For": f"10.1.{address // 250}.{address % 250 + 1}"}
        headers |= {"Content-Type": "application/json" if "settings" in path or "hooks" in path else "text/plain"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        body = next((body for end, body in _BODIES.items() if path.endswith(end)), b"{}")
        content = body if verb in ("PUT", "POST", "PATCH") else None
        with (
            httpx.Client(timeout=20, auth=auth) as client,
            client.stream(
                verb, self.stack.url + path.replace("MEANT", site), headers=headers, content=content
            ) as answer,
        ):
            return answer.status_code, next(answer.iter_raw(), b"")

    def objects(self, namespace: str) -> dict[str, str]:
        """Resource versions of all that a site's requests can write, by kind and name."""
        kinds = "webjobs,webjobruns,configmaps,secrets"
        found = json.loads(stacks.kubectl(self.stack.kubeconfig, "get", kinds, "-n", namespace, "-o", "json"))["items"]
        return {f"{one['kind']}/{one['metadata']['name']}": one["metadata"]["resourceVersion"] for one in found}

    def prepare(self, site: str) -> None:
        """Jobs that nothing but a request changes."""
        client = httpx.Client(base_url=self.stack.url, auth=self.owners[site], headers={"Host": self.hosts[site]})
        with client:
            for kind, files in (("triggered", {}), ("continuous", {"disable.job": ""})):
                headers = {
                    "Content-Type": "application/zip",
                    "Content-Disposition": "attachment; filename=job.zip",
                }
                content = zip_of({"run.sh": "echo hello\n", **files})
                put = client.put(f"/api/{kind}webjobs/kept", content=content, headers=headers)
                assert put.status_code == 200, put.text

        def settled() -> bool:
            found = json.loads(stacks.kubectl(self.stack.kubeconfig, "get", "wj", "-n", site, "-o", "json"))["items"]
            seen = [one.get("status", {}).get("observedGeneration") == one["metadata"]["generation"] for one in found]
            stopped = [one.get("status", {}).get("state") == "Stopped" for one in found if one["spec"].get("stopped")]
            return len(found) == 2 and all(seen) and stopped == [True]

        eventually(settled, what=f"an operator that is done with {site}")


@pytest.fixture(scope="module")
def shim(stack: stacks.Stack) -> Iterator[Shim]:
    """The shim with a second site."""
    kubeconfig = stack.kubeconfig
    meta = {"name": "webjobs-credentials", "namespace": OTHER}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": ACCOUNTS}
    stacks.apply(kubeconfig, stacks.namespace(OTHER), secret)
    trusted = {"trustedProxies": ["0.0.0.0/0"]}
    stacks.upgrade(stack, {"sites": [{"namespace": OTHER}], "domain": DOMAIN, "apiserver": trusted})
    made = Shim(stack=stack)
    for site in (SHOP, OTHER):
        stacks.kubectl(kubeconfig, "delete", "wj", "--all", "-n", site)
        made.prepare(site)
    yield made
    stacks.kubectl(kubeconfig, "delete", "wj", "--all", "-n", SHOP)
    stacks.upgrade(stack, {"sites": [], "domain": "", "apiserver": {"trustedProxies": ["127.0.0.1"]}})
    stacks.kubectl(kubeconfig, "delete", "namespace", OTHER)  # and wait: a later session makes it anew


@pytest.fixture(scope="module")
def token(shim: Shim) -> str:
    """Of an account that may do everything with the WebJobs of the other site."""
    may = ["--verb=*", "--resource=webjobs.webjobs.dev,webjobruns.webjobs.dev"]
    for arguments in (
        ["create", "serviceaccount", "all"],
        ["create", "role", "all", *may],
        ["create", "rolebinding", "all", "--role=all", f"--serviceaccount={OTHER}:all"],
    ):
        stacks.kubectl(shim.stack.kubeconfig, *arguments, "-n", OTHER)
    return stacks.kubectl(shim.stack.kubeconfig, "create", "token", "all", "-n", OTHER).strip()


def test_there_are_routes() -> None:
    assert len(ROUTES) > 60
    assert {"GET", "HEAD", "PUT", "POST", "DELETE", "PATCH"} <= {verb for verb, _ in ROUTES}


@pytest.mark.parametrize(("mine", "theirs"), [(SHOP, OTHER), (OTHER, SHOP)])
def test_credentials_of_one_site_do_nothing_at_the_other(shim: Shim, mine: str, theirs: str) -> None:
    before = shim.objects(theirs)
    found = {route: shim.ask(theirs, *route, auth=shim.owners[mine]) for route in ROUTES}
    assert set(found.values()) == {(401, b"")}
    assert {route: shim.ask(theirs, *route) for route in ROUTES} == found  # as without any
    assert shim.objects(theirs) == before


def test_a_token_of_one_site_does_nothing_at_the_other(shim: Shim, token: str) -> None:
    assert shim.ask(OTHER, "GET", "/api/triggeredwebjobs/kept", token=token)[0] == 200
    before = shim.objects(SHOP)
    for verb, path in ROUTES:
        status, told = shim.ask(SHOP, verb, path, token=token)
        if path.startswith(PODS):
            assert status == 401, path
            continue
        assert status == 403, (verb, path)
        assert verb == "HEAD" or b"This needs the right to: " in told
    assert shim.objects(SHOP) == before


def test_readers_do_nothing_but_read(shim: Shim) -> None:
    reader = ACCOUNTS["readonlyUsername"], ACCOUNTS["readonlyPassword"]
    before = shim.objects(OTHER)
    for verb, path in ROUTES:
        status, _ = shim.ask(OTHER, verb, path, auth=reader)
        readable = _READABLE.fullmatch(path) or _READABLE_BY_ARM.fullmatch(path)
        assert status == (200 if verb == "GET" and readable else 401), (verb, path)
    assert {shim.ask(SHOP, *route, auth=reader)[0] for route in ROUTES} == {401}
    assert shim.objects(OTHER) == before


def test_a_deploy_password_does_nothing_but_deploy(shim: Shim) -> None:
    deployer = f"${OTHER}", ACCOUNTS["deployPassword"]
    refused = [
        (verb, path)
        for verb, path in ROUTES
        if not path.startswith((PODS, "/subscriptions")) or ((by_arm := _BY_ARM.fullmatch(path)) and by_arm[1])
        if "deployer" not in roles.allowed(verb, _BY_ARM.sub(r"/api\1", path))
    ]
    assert {("GET", "/api/settings"), ("GET", "/api/publishprofile"), ("DELETE", "/api/hooks/1")} <= set(refused)
    before = shim.objects(OTHER)
    for verb, path in refused:
        assert shim.ask(OTHER, verb, path, auth=deployer)[0] == 403, (verb, path)
    assert shim.ask(OTHER, "GET", "/api/triggeredwebjobs/kept", auth=deployer)[0] == 200
    assert {shim.ask(SHOP, *route, auth=deployer)[0] for route in ROUTES} == {401}
    assert shim.objects(OTHER) == before


def test_the_owner_could_have_done_it(shim: Shim) -> None:
    """So that all of the above were real requests; the last one, because it changes what there is."""
    before = shim.objects(OTHER)
    served = [route for route in ROUTES if not route[1].startswith(PODS)]
    served.sort(key=lambda route: route[0] == "DELETE")  # what is gone can't be asked for anything else
    found = {route: shim.ask(OTHER, *route, auth=shim.owners[OTHER])[0] for route in served}
    assert not [route for route, status in found.items() if status in (401, 403, 429) and route[1] != "/api/vfs"]
    done = [status for (_, path), status in found.items() if status < 300 and "/passthrough" not in path]
    assert len(done) > 30
    assert shim.objects(OTHER) != before
