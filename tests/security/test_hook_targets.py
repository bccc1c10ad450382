"""Web hooks to the cluster, the machine and its link: refused, in whatever spelling, and nothing is told."""

from __future__ import annotations

import json
from collections.abc import Iterator

import httpx
import pytest

from tests.site import Site, eventually

EVENT = "TriggeredJobFinished"
# The stack's values allow 10/8, 172.16/12, 192.168/16 and 127/8, whose receivers other tests are: those are not here.
REFUSED = [
    "http://169.254.169.254/latest/meta-data/",
    "http://169.254.169.254:80/",
    "http://169.254.169.254./",
    "http://2852039166/",
    "http://0xa9fea9fe/",
    "http://0xa9.0xfe.0xa9.0xfe/",
    "http://0251.0376.0251.0376/",
    "http://169.254.43518/",
    "http://169.16689662/",
    "http://0251.254.0xa9.254/",
    "http://[::1]/",
    "http://[::]/",
    "http://[::ffff:169.254.169.254]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[0:0:0:0:0:ffff:a9fe:a9fe]/",
    "http://[64:ff9b::a9fe:a9fe]/",
    "http://[2002:a9fe:a9fe::1]/",
    "http://[fd00:ec2::254]/",
    "http://[fe80::1]/",
    "http://[fe80::1%25eth0]/",
    "http://[ff02::1]/",
    "http://0.0.0.0/",
    "http://0/",
    "http://100.100.100.200/",
    "http://168.63.129.16/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://user:pass@169.254.169.254/",
    "http://169.254.169.254#@example.com/",
    "http://169.254.169.254?@example.com/",
    "http://169.254.169.254\\@example.com/",
    "http://example.com\\@169.254.169.254/",
    "http://\u2460\u2465\u2468.254.169.254/",
    "http://169\u3002254\u3002169\u3002254/",
    "http://\uff11\uff16\uff19.254.169.254/",
    "http://169.254.169.254%2f/",
    "http://169.254.169.254%00.example.com/",
    "file:///etc/passwd",
    "gopher://169.254.169.254/",
    "http:///x",
    "http://",
    "http://169.254.169.254:99999/",
    "//169.254.169.254/",
    "http://example.com/\r\nX: y",
]
LATER = [
    "https://kubernetes.default.svc/api",
    "https://kubernetes.default.svc.cluster.local./api",
    "http://KUBERNETES.default.SVC:443/",
    "http://169.254.169.254.nip.io/",
    "http://webjobs-apiserver.webjobs-system.svc.none.invalid/",
]
"""Names: what they stand for is known at the delivery only. The API server's own address is denied always."""


@pytest.fixture(scope="module", autouse=True)
def clean(site: Site) -> Iterator[None]:
    yield
    site.empty_secrets()
    site.http.delete("/api/triggeredwebjobs/tells")


def subscribe(site: Site, url: str) -> httpx.Response:
    return site.http.post("/api/hooks", json={"event": EVENT, "url": url})


@pytest.mark.parametrize("url", REFUSED, ids=ascii)
def test_an_address_is_refused_at_once(site: Site, url: str) -> None:
    answer = subscribe(site, url)
    assert answer.status_code == 400, answer.text
    assert "The url of a hook must" in answer.text
    assert site.http.get("/api/hooks").json() == []


def test_a_name_is_refused_at_the_delivery(site: Site) -> None:
    """The API server's address is of a private network, which the values allow here: it is denied all the same."""
    address = site.kubectl("get", "svc", "kubernetes", "-o", "jsonpath={.spec.clusterIP}", namespace="default")
    assert subscribe(site, f"https://{address}/api").status_code == 400
    made = {url: subscribe(site, url) for url in LATER}
    assert {answer.status_code for answer in made.values()} == {201}
    site.put_script("tells", "true\n")
    site.ended(site.run("tells").headers["Location"])

    def told() -> list[dict[str, str]] | None:
        hooks: list[dict[str, str]] = site.http.get("/api/hooks").json()
        return hooks if all(hook["last_status"] for hook in hooks) else None

    hooks = eventually(told, seconds=90, what="the deliveries")
    assert len(hooks) == len(LATER)
    for hook in hooks:
        assert hook["last_status"] == "Failure"
        told_of = json.dumps(hook)
        for word in ("Unauthorized", "forbidden", "401", "403", "certificate", "apiVersion"):
            assert word not in told_of, "of what is refused nothing is told"
