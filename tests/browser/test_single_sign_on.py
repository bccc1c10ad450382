"""Log in by OpenID Connect, at an issuer with a certificate of an own authority; RoleBindings say who may what."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests import stack as stacks
from tests.browser.conftest import OpenWindow
from tests.conformance.tls import certificate, served
from tests.fakes.issuer import CLIENT, SECRET, FakeIssuer
from tests.site import Site

ANN = "oidc:ann@example.com"
OPS = "oidc:ops"
SECRETS = ("oidc-client", "oidc-ca")


@contextmanager
def _running(issuer: FakeIssuer, *, tls: ssl.SSLContext, host: str, name: str) -> Iterator[None]:
    """The issuer in a thread of its own: Playwright holds this one's event loop."""
    loop, begun, end = asyncio.new_event_loop(), threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with issuer.running(tls=tls, host=host, name=name):
            begun.set()
            await end.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    try:
        assert begun.wait(20)
        yield
    finally:
        loop.call_soon_threadsafe(end.set)
        thread.join(20)
        loop.close()


@pytest.fixture(scope="module")
def issuer(stack: stacks.Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeIssuer]:
    """An issuer that the installed dashboard and the browser reach by one address."""
    way = stack.cluster.way_to_host()
    cert, key = certificate(tmp_path_factory.mktemp("issuer"), way.address)
    made = FakeIssuer(clock=lambda: datetime.now(UTC))
    with _running(made, tls=served(cert, key), host=way.bind, name=way.address):
        for name, data in zip(SECRETS, ({"clientSecret": SECRET}, {"ca.crt": Path(cert).read_text()}), strict=True):
            meta = {"name": name, "namespace": stacks.SYSTEM}
            stacks.apply(stack.kubeconfig, {"apiVersion": "v1", "kind": "Secret", "metadata": meta, "stringData": data})
        oidc = {"issuer": made.url, "clientId": CLIENT, "clientSecret": SECRETS[0], "caSecret": SECRETS[1]}
        stacks.upgrade(stack, {"apiserver": {"ui": {"oidc": oidc}}})
        try:
            yield made
        finally:
            none = dict.fromkeys(oidc, "")
            stacks.upgrade(stack, {"apiserver": {"ui": {"oidc": none}}})
            stacks.kubectl(stack.kubeconfig, "delete", "secret", *SECRETS, "-n", stacks.SYSTEM)


@pytest.fixture
def rights(site: Site) -> Iterator[Callable[..., None]]:
    """Gives a user or a group verbs on resources of webjobs.dev."""
    made: list[str] = []

    def give(verbs: str, resources: str, *who: str) -> None:
        name = f"sign-on-{len(made)}"
        made.append(name)
        site.kubectl("create", "role", name, f"--verb={verbs}", f"--resource={resources}")
        site.kubectl("create", "rolebinding", name, f"--role={name}", *who)

    yield give
    for name in made:
        site.kubectl("delete", "role,rolebinding", name)
    site.kubectl("delete", "wj", "--all")


def log_in(page: Page) -> None:
    """By the button of the login page, and the issuer's."""
    page.get_by_role("link", name="Log in with single sign-on").click()
    page.get_by_role("link", name="Agree").click()


def test_a_user_with_rights(
    issuer: FakeIssuer, rights: Callable[..., None], open_window: OpenWindow, site: Site
) -> None:
    """Is led to the page that was asked for, acts under the own name, and logs out."""
    site.put_script("report", "echo one\n")
    rights("get,list,create,patch", "webjobs.webjobs.dev,webjobruns.webjobs.dev", f"--group={OPS}")
    there = open_window(log_in=False, issuer=issuer.url)
    page = there.open("/ui/jobs/triggered/report")
    log_in(page)
    page.wait_for_url("**/ui/jobs/triggered/report")
    expect(page.locator(".user")).to_have_text("oidc:ann@example.com")
    page.get_by_role("button", name="Run now").click()
    expect(page.get_by_text("Success").first).to_be_visible()
    # Runs of an earlier job of the name go a while after it.
    notes = [run["metadata"].get("annotations", {}) for run in site.objects("wjr")]
    assert any(ANN in note.get("webjobs.dev/requested-by", "") for note in notes)
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


def test_a_user_who_may_look(
    issuer: FakeIssuer, rights: Callable[..., None], open_window: OpenWindow, site: Site
) -> None:
    site.put_script("report", "echo one\n")
    rights("get,list", "webjobs.webjobs.dev", f"--user={ANN}")
    there = open_window(log_in=False, issuer=issuer.url)
    log_in(there.open("/ui/jobs"))
    expect(there.page.get_by_role("link", name="report")).to_be_visible()
    expect(there.page.get_by_role("button", name="Run")).to_have_count(0)


def test_a_user_without_rights(issuer: FakeIssuer, open_window: OpenWindow) -> None:
    """Is told the own name, for the RoleBinding."""
    there = open_window(log_in=False, issuer=issuer.url, refusals=frozenset({403}))
    log_in(there.open("/ui/jobs"))
    expect(there.page.get_by_role("alert")).to_contain_text(ANN)
    assert not [one for one in there.context.cookies() if one["name"] == "webjobs_session"]
