"""Two sites in one shim on a real cluster: credentials, roles, tokens, rotation."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests import stack as stacks
from tests.site import Site, eventually

BLOG = "blog"
HOST = "blog.scm.example.com"
SECRET = "webjobs-credentials"  # noqa: S105  its name
OWNER, READER, DEPLOYER = ("blogger", "one"), ("reader", "two"), (f"${BLOG}", "three")


def _secret(password: str, **more: str) -> dict[str, Any]:
    data = {
        **more,
        "username": OWNER[0],
        "password": password,
        "readonlyUsername": READER[0],
        "readonlyPassword": READER[1],
    }
    meta = {"name": SECRET, "namespace": BLOG}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": data}


@pytest.fixture(scope="module", autouse=True)
def blog(stack: stacks.Stack) -> Iterator[None]:
    """A second site beside the stack's own."""
    stacks.apply(stack.kubeconfig, stacks.namespace(BLOG), _secret(OWNER[1]))
    stacks.upgrade(stack, {"sites": [{"namespace": BLOG}], "domain": "scm.example.com"})
    yield
    stacks.upgrade(stack, {"sites": [], "domain": ""})
    stacks.kubectl(stack.kubeconfig, "delete", "namespace", BLOG, "--wait=false")


def _client(stack: stacks.Stack, auth: tuple[str, str] | None, *, host: str = HOST) -> httpx.Client:
    return httpx.Client(base_url=stack.url, auth=auth, headers={"Host": host}, timeout=30)


def _token(stack: stacks.Stack, account: str, *extra: str) -> dict[str, str]:
    token = stacks.kubectl(stack.kubeconfig, "create", "token", account, "-n", BLOG, *extra).strip()
    return {"Authorization": f"Bearer {token}"}


def test_sites_are_apart(stack: stacks.Stack, site: Site) -> None:
    site.put_script("only-here", "echo shop")
    with _client(stack, OWNER) as blog, _client(stack, (stack.user, stack.password)) as stranger:
        headers = {"Content-Disposition": "attachment; filename=run.sh"}
        put = blog.put("/api/triggeredwebjobs/only-there", content=b"echo blog", headers=headers)
        assert put.status_code == 200, put.text
        assert put.json()["url"] == f"http://{HOST}/api/triggeredwebjobs/only-there"
        assert [job["name"] for job in blog.get("/api/webjobs").json()] == ["only-there"]
        assert "only-there" not in [job["name"] for job in site.http.get("/api/webjobs").json()]
        assert stranger.get("/api/webjobs").status_code == 401
        accepted = blog.post("/api/triggeredwebjobs/only-there/run")
        assert accepted.status_code == 202
        path = httpx.URL(accepted.headers["location"]).path
        eventually(lambda: blog.get(path).json()["status"] == "Success", seconds=60, what="the run")
    with _client(stack, OWNER, host="nobody.scm.example.com") as nobody:
        assert nobody.get("/api/webjobs").status_code == 401
    with _client(stack, OWNER, host=stack.url.removeprefix("http://")) as other:
        assert other.get("/api/webjobs").status_code == 401


def test_readers(stack: stacks.Stack) -> None:
    with _client(stack, READER) as reader:
        assert reader.get("/api/webjobs").status_code == 200
        for method, path in (("GET", "history"), ("POST", "run"), ("GET", "settings"), ("DELETE", "")):
            assert reader.request(method, f"/api/triggeredwebjobs/only-there/{path}").status_code == 401


def test_tokens_may_what_rbac_says(stack: stacks.Stack) -> None:
    for arguments in (
        ["create", "serviceaccount", "ci", "-n", BLOG],
        ["create", "role", "ci", "-n", BLOG, "--verb=list", "--resource=webjobs.webjobs.dev"],
        ["create", "rolebinding", "ci", "-n", BLOG, "--role=ci", f"--serviceaccount={BLOG}:ci"],
    ):
        stacks.kubectl(stack.kubeconfig, *arguments)
    with _client(stack, None) as anybody, _client(stack, None, host="default.example") as shop:
        allowed = _token(stack, "ci")
        assert anybody.get("/api/webjobs", headers=allowed).status_code == 200
        assert anybody.post("/api/triggeredwebjobs/only-there/run", headers=allowed).status_code == 403
        assert shop.get("/api/webjobs", headers=allowed).status_code == 403
        assert anybody.get("/api/webjobs", headers=_token(stack, "default")).status_code == 403
        other = _token(stack, "ci", "--audience=webjobs.dev/packages")
        assert anybody.get("/api/webjobs", headers=other).status_code == 401


def test_rotation_without_a_restart(stack: stacks.Stack) -> None:
    started = _pod(stack)
    with _client(stack, OWNER) as old, _client(stack, (OWNER[0], "new")) as new:
        assert old.get("/api/webjobs").status_code == 200
        stacks.apply(stack.kubeconfig, _secret("new"))
        eventually(lambda: old.get("/api/webjobs").status_code == 401, seconds=20, what="the old password's end")
        assert new.get("/api/webjobs").status_code == 200
    assert _pod(stack) == started


def _until(client: httpx.Client, status: int, *, what: str) -> None:
    """Wait for an answer, by one try a second: more wrong ones would have to wait as a guesser's."""

    def look() -> bool:
        found = client.get("/api/webjobs").status_code
        if found != status:
            time.sleep(1)
        return found == status

    eventually(look, seconds=20, what=what)


def test_a_deploy_password_comes_and_goes(stack: stacks.Stack) -> None:
    started = _pod(stack)
    stacks.apply(stack.kubeconfig, _secret(OWNER[1]))
    with _client(stack, (f"${BLOG}", OWNER[1])) as owner, _client(stack, DEPLOYER) as pipeline:
        _until(owner, 200, what="the owner's password")
        assert owner.get("/api/publishprofile").status_code == 409
        assert pipeline.get("/api/webjobs").status_code == 401
        stacks.apply(stack.kubeconfig, _secret(OWNER[1], deployPassword=DEPLOYER[1]))
        _until(pipeline, 200, what="the deploy password")
        assert f'userName="{DEPLOYER[0]}" userPWD="{DEPLOYER[1]}"' in owner.get("/api/publishprofile").text
        headers = {"Content-Disposition": "attachment; filename=run.sh"}
        put = pipeline.put("/api/triggeredwebjobs/deployed", content=b"echo blog", headers=headers)
        assert put.status_code == 200, put.text
        for method, path in (
            ("POST", "/api/triggeredwebjobs/deployed/run"),
            ("DELETE", "/api/triggeredwebjobs/deployed"),
            ("GET", "/api/settings"),
            ("GET", "/api/publishprofile"),
        ):
            assert pipeline.request(method, path).status_code == 403
        patch = '[{"op": "remove", "path": "/data/deployPassword"}]'
        stacks.kubectl(stack.kubeconfig, "patch", "secret", SECRET, "-n", BLOG, "--type=json", "-p", patch)
        _until(pipeline, 401, what="the deploy password's end")
        assert owner.get("/api/webjobs").status_code == 200
    assert _pod(stack) == started


def _pod(stack: stacks.Stack) -> str:
    selector = "app.kubernetes.io/component=apiserver"
    output = "jsonpath={range .items[*]}{.metadata.uid} {.status.containerStatuses[0].restartCount}{end}"
    return stacks.kubectl(stack.kubeconfig, "get", "pods", "-n", stacks.SYSTEM, "-l", selector, "-o", output)


def test_the_shim_can_read_no_other_secret(stack: stacks.Stack) -> None:
    account = f"system:serviceaccount:{stacks.SYSTEM}:{stacks.RELEASE}-apiserver"

    def may(*what: str, namespace: str = BLOG) -> bool:
        command = [stacks.tool("kubectl"), "auth", "can-i", *what, "-n", namespace, f"--as={account}"]
        environment = os.environ | {"KUBECONFIG": str(stack.kubeconfig)}
        return subprocess.run(command, env=environment, capture_output=True, text=True).stdout.strip() == "yes"

    assert may("get", f"secret/{SECRET}")
    assert not may("get", "secrets")
    assert not may("list", "secrets")
    assert not may("get", "secret/another")
    assert not may("create", "secrets"), "or it could have tokens made"
    assert not may("get", f"secret/{SECRET}", namespace=stacks.SYSTEM)
