"""Which addresses are of the Internet, and what an administrator opens."""

from __future__ import annotations

import ipaddress

import pytest
from pydantic import ValidationError

from webjobs_apiserver.config import HooksConfig
from webjobs_apiserver.http.destinations import Destinations, is_public, parsed

PRIVATE = [
    "0.0.0.0",  # noqa: S104  not bound to
    "0.1.2.3",
    "10.0.0.1",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.255",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.8",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.18.0.1",
    "203.0.113.1",
    "224.0.0.1",
    "239.255.255.250",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::10.0.0.1",
    "::ffff:10.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::10.0.0.1",
    "64:ff9b::169.254.169.254",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:a00:1::",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
]
PUBLIC = ["1.1.1.1", "8.8.8.8", "100.128.0.1", "172.32.0.1", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::1.1.1.1"]


@pytest.mark.parametrize("text", PRIVATE)
def test_what_is_not_of_the_internet(text: str) -> None:
    assert not is_public(ipaddress.ip_address(text))
    assert Destinations().refuses(text)
    assert Destinations().refuses(f"[{text}]")


@pytest.mark.parametrize("text", PUBLIC)
def test_what_is_of_the_internet(text: str) -> None:
    assert is_public(ipaddress.ip_address(text))
    assert not Destinations().refuses(text)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.1", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("0x7f000001", "127.0.0.1"),
        ("0177.0.0.1", "127.0.0.1"),
        ("010.8.8.8", "8.8.8.8"),
        ("[::1]", "::1"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("example.com", None),
        ("1.example", None),
        ("face", None),
        ("", None),
    ],
)
def test_spellings(host: str, address: str | None) -> None:
    assert parsed(host) == (ipaddress.ip_address(address) if address else None)


@pytest.mark.parametrize(
    ("allow", "host", "address", "permitted"),
    [
        ([], "a.example", "1.1.1.1", True),
        ([], "a.example", "10.0.0.1", False),
        (["a.example"], "a.example", "10.0.0.1", True),
        (["A.Example."], "a.EXAMPLE", "10.0.0.1", True),
        (["a.example"], "b.example", "10.0.0.1", False),
        (["a.example"], "x.a.example", "10.0.0.1", False),
        (["*.example"], "a.b.example", "10.0.0.1", True),
        (["*.example"], "example", "10.0.0.1", False),
        (["*.example"], "badexample", "10.0.0.1", False),
        (["10.0.0.0/24"], "a.example", "10.0.0.1", True),
        (["10.0.0.0/24"], "a.example", "10.0.1.1", False),
        (["10.0.0.1"], "a.example", "10.0.0.1", True),
        (["10.0.0.0/24"], "a.example", "::ffff:10.0.0.1", True),
        (["10.0.0.0/24"], "a.example", "64:ff9b::10.0.0.1", True),
        (["fd00::/8"], "a.example", "fd00::1", True),
        (["hooks.shop.svc"], "hooks.shop.svc", "10.96.0.9", True),
    ],
)
def test_what_is_allowed(allow: list[str], host: str, address: str, permitted: bool) -> None:
    assert Destinations.of(allow=allow).permits(host, ipaddress.ip_address(address)) == permitted


@pytest.mark.parametrize("address", ["34.118.224.1", "::ffff:34.118.224.1", "2600:1900::1"])
def test_a_cluster_with_addresses_that_look_public(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = ["34.118.224.0/20", "2600:1900::/32"]
    found = Destinations.of(deny=parts)
    assert not found.permits("a.example", ipaddress.ip_address(address))
    assert found.permits("a.example", ipaddress.ip_address("34.117.0.1"))
    assert Destinations.of(allow=[address], deny=parts).permits("a.example", ipaddress.ip_address(address))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "34.118.224.1")
    own = HooksConfig().destinations()
    assert not own.permits("a.example", ipaddress.ip_address("34.118.224.1")), "the API server, always"


def test_everything_can_be_allowed() -> None:
    assert not Destinations.of(allow=["*"]).refuses("127.0.0.1")


@pytest.mark.parametrize("text", ["", "http://a", "a b", "10.0.0.0/33", "a.*", "a/b", "999.1.1.1/8"])
def test_settings_that_are_none(text: str) -> None:
    with pytest.raises(ValidationError, match="network"):
        HooksConfig(allow=[text])
