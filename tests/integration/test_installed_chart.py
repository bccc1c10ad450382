"""What values of the chart do on a real cluster: TLS by a given Secret, and an account that only reads."""

from __future__ import annotations

import json
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests import stack as stacks
from tests.conformance.tls import certificate

HOST = "webjobs.example.com"
READER = ("looks", 'qu"ote: #')
TLS = "webjobs-test-tls"
WHERE = ("--namespace", stacks.SYSTEM)


@pytest.fixture(scope="module")
def authority(stack: stacks.Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The certificate that the shim shows, with a reader beside its owner."""
    cert, key = certificate(tmp_path_factory.mktemp("tls"), HOST)
    stacks.kubectl(stack.kubeconfig, *WHERE, "create", "secret", "tls", TLS, f"--cert={cert}", f"--key={key}")
    stacks.upgrade(
        stack,
        {
            "apiserver": {"tls": {"secretName": TLS}},
            "credentials": {"readonlyUsername": READER[0], "readonlyPassword": READER[1]},
        },
    )
    yield cert
    stacks.upgrade(
        stack,
        {"apiserver": {"tls": {"secretName": ""}}, "credentials": {"readonlyUsername": "", "readonlyPassword": ""}},
    )
    stacks.kubectl(stack.kubeconfig, *WHERE, "delete", "secret", TLS)


def _client(stack: stacks.Stack, cert: Path, auth: tuple[str, str]) -> httpx.Client:
    """A client that knows the shim by its public name."""
    trusted = ssl.create_default_context(cafile=str(cert))
    url = stack.url.replace("http://", "https://")
    return httpx.Client(base_url=url, auth=auth, verify=trusted, headers={"Host": HOST}, timeout=30)


def _get(client: httpx.Client, path: str) -> httpx.Response:
    return client.get(path, extensions={"sni_hostname": HOST})


def test_clients_are_served_by_tls_only(stack: stacks.Stack, authority: Path) -> None:
    with _client(stack, authority, (stack.user, stack.password)) as owner:
        found = _get(owner, "/api/triggeredwebjobs/none")
        assert found.status_code == 404
        assert _get(owner, "/api/vfs").headers["location"] == f"https://{HOST}/api/vfs/"
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{stack.url}/healthz")


def test_a_reader_of_the_chart(stack: stacks.Stack, authority: Path) -> None:
    with _client(stack, authority, READER) as reader:
        assert _get(reader, "/api/webjobs").status_code == 200
        assert _get(reader, "/api/settings").status_code == 401


def test_accounts_over_upgrades(stack: stacks.Stack, authority: Path) -> None:
    """After the others: the owner's password stayed, and a reader that is taken out is gone."""
    name = f"{stacks.RELEASE}-credentials"

    def data() -> dict[str, str]:
        found = stacks.kubectl(stack.kubeconfig, *WHERE, "get", "secret", name, "-o", "jsonpath={.data}")
        return dict(json.loads(found))

    before = data()
    stacks.upgrade(stack, {"credentials": {"readonlyUsername": "another", "readonlyPassword": ""}})
    made = data()
    assert made["readonlyPassword"] == before["readonlyPassword"]  # as the owner's: what is there stays
    stacks.upgrade(stack, {"apiserver": {"logLevel": "INFO"}})
    assert data() == made
    stacks.upgrade(stack, {"credentials": {"readonlyUsername": "", "readonlyPassword": "", "deploy": True}})
    made = data()
    assert made == {key: made[key] for key in ("username", "password", "deployPassword")}
    assert {key: made[key] for key in ("username", "password")} == {
        key: before[key] for key in ("username", "password")
    }
    stacks.upgrade(stack, {"apiserver": {"logLevel": "INFO"}})
    assert data() == made, "what was made stays"
    stacks.upgrade(stack, {"credentials": {"deploy": False}})
    assert data() == {key: before[key] for key in ("username", "password")}
