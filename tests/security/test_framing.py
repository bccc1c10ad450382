"""Requests that two servers could read in two ways, byte by byte: refused, and nothing behind them is answered."""

from __future__ import annotations

import base64
import re

import pytest

from tests.security.attacker import spoken
from tests.site import Site

SMUGGLED = "DELETE /api/triggeredwebjobs/smuggled HTTP/1.1\r\nHost: {host}\r\nAuthorization: {login}\r\n\r\n"
HEADS = {
    "a length beside chunked": "POST /x HTTP/1.1|Host: {host}|Content-Length: 5|Transfer-Encoding: chunked||0||",
    "chunked beside a length": "POST /x HTTP/1.1|Host: {host}|Transfer-Encoding: chunked|Content-Length: 500||0||",
    "two lengths": "POST /x HTTP/1.1|Host: {host}|Content-Length: 0|Content-Length: 400||",
    "two lengths that are one": "POST /x HTTP/1.1|Host: {host}|Content-Length: 0|Content-Length: 0||",
    "a list of lengths": "POST /x HTTP/1.1|Host: {host}|Content-Length: 0, 0||",
    "a length with a sign": "POST /x HTTP/1.1|Host: {host}|Content-Length: +0||",
    "a length in hex": "POST /x HTTP/1.1|Host: {host}|Content-Length: 0x0||",
    "a negative length": "POST /x HTTP/1.1|Host: {host}|Content-Length: -1||",
    "a blank before the colon": "POST /x HTTP/1.1|Host: {host}|Content-Length : 0||",
    "another coding": "POST /x HTTP/1.1|Host: {host}|Transfer-Encoding: gzip, chunked||0||",
    "a coding of no name": "POST /x HTTP/1.1|Host: {host}|Transfer-Encoding: xchunked||0||",
    "chunked twice": "POST /x HTTP/1.1|Host: {host}|Transfer-Encoding: chunked|Transfer-Encoding: chunked||0||",
    "chunked with a tab": "POST /x HTTP/1.1|Host: {host}|Transfer-Encoding: \x0bchunked||0||",
    "identity": "POST /x HTTP/1.1|Host: {host}|Transfer-Encoding: chunked, identity||0||",
    "chunked in 1.0": "POST /x HTTP/1.0|Host: {host}|Transfer-Encoding: chunked||0||",
    "a folded header": "GET /x HTTP/1.1|Host: {host}|X-A: b| Content-Length: 30||",
    "a fold before all": "GET /x HTTP/1.1| Host: {host}|Host: {host}||",
    "bare line feeds": "GET /x HTTP/1.1\nHost: {host}\n\n",
    "one bare line feed": "GET /x HTTP/1.1|Host: {host}\nX-A: b||",
    "a bare carriage return": "GET /x HTTP/1.1|Host: {host}|X-A: b\rContent-Length: 30||",
    "a NUL": "GET /x HTTP/1.1|Host: {host}|X-A: b\x00c||",
    "two hosts": "GET /x HTTP/1.1|Host: {host}|Host: other.example||",
    "no host": "GET /x HTTP/1.1|X-A: b||",
    "a host of two": "GET /x HTTP/1.1|Host: {host}, other.example||",
    "a host with a path": "GET /x HTTP/1.1|Host: {host}/x||",
    "a host with a user": "GET /x HTTP/1.1|Host: me@{host}||",
    "another host in the target": "GET http://other.example/x HTTP/1.1|Host: {host}||",
    "a target without a slash": "GET x HTTP/1.1|Host: {host}||",
    "an authority": "CONNECT {host} HTTP/1.1|Host: {host}||",
    "a blank in the target": "GET /x y HTTP/1.1|Host: {host}||",
    "a header without a name": "GET /x HTTP/1.1|Host: {host}|: b||",
    "a header of no kind": "GET /x HTTP/1.1|Host: {host}|nonsense||",
    "a name with a bracket": "GET /x HTTP/1.1|Host: {host}|Content[Length]: 5||",
    "no version": "GET /x|Host: {host}||",
    "version 2": "GET /x HTTP/2.0|Host: {host}||",
    "version 1.1 twice": "GET /x HTTP/1.1 HTTP/1.1|Host: {host}||",
    "another protocol": "EHLO x|||",
}


def wire(site: Site, text: str) -> bytes:
    """Bytes of a text, with the host and the login in it."""
    user = base64.b64encode(f"{site.stack.user}:{site.stack.password}".encode()).decode()
    host = site.stack.url.removeprefix("http://")
    return text.replace("|", "\r\n").replace("{host}", host).replace("{login}", f"Basic {user}").encode("latin-1")


def statuses(heard: bytes) -> list[int]:
    """The statuses of all answers."""
    return [int(found) for found in re.findall(rb"HTTP/1\.1 ([0-9]{3}) ", heard)]


@pytest.fixture(scope="module", autouse=True)
def smuggled(site: Site) -> None:
    site.put_script("smuggled", "true\n")


@pytest.mark.parametrize("name", HEADS)
def test_refused_and_closed(site: Site, name: str) -> None:
    heard = spoken(site, wire(site, HEADS[name] + SMUGGLED))
    assert len(statuses(heard)) == 1, heard
    assert statuses(heard)[0] in (400, 431, 501, 505), heard
    assert re.search(rb"(?i)\r\nconnection: close\r\n", heard), heard
    assert site.http.get("/api/triggeredwebjobs/smuggled").status_code == 200


CHUNKS = {
    "a size with a sign": "+5\r\nhello\r\n0\r\n\r\n",
    "a size with 0x": "0x5\r\nhello\r\n0\r\n\r\n",
    "a size that is none": "g\r\nhello\r\n0\r\n\r\n",
    "a size of many digits": "f" * 40 + "\r\nhello",
    "a bare line feed": "5\nhello\n0\n\n",
    "more than its size": "3\r\nhello\r\n0\r\n\r\n",
    "a blank before the size": " 5\r\nhello\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("name", CHUNKS)
def test_bad_chunks(site: Site, name: str) -> None:
    path = "/api/vfs/site/wwwroot/App_Data/jobs/triggered/smuggled/chunk"
    head = f"PUT {path} HTTP/1.1|Host: {{host}}|Authorization: {{login}}|Transfer-Encoding: chunked||"
    heard = spoken(site, wire(site, head) + CHUNKS[name].encode() + wire(site, SMUGGLED))
    assert 200 not in statuses(heard)
    assert 201 not in statuses(heard), heard
    assert site.http.get("/api/triggeredwebjobs/smuggled").status_code == 200
    assert site.http.get(path).status_code == 404


def test_a_pipeline_is_answered_in_turn(site: Site) -> None:
    """The other side: what is written as it should be is served, and a login counts for its own request only."""
    head = "GET {path} HTTP/1.1|Host: {host}|Authorization: {login}||"
    two = head.replace("{path}", "/api/triggeredwebjobs/smuggled")
    bare = "GET /api/webjobs HTTP/1.1|Host: {host}|Connection: close||"
    heard = spoken(site, wire(site, two + two + bare))
    assert statuses(heard) == [200, 200, 401]


def test_a_body_is_no_request(site: Site) -> None:
    inner = wire(site, SMUGGLED)
    head = f"POST /api/settings HTTP/1.1|Host: {{host}}|Content-Length: {len(inner)}|Connection: close||"
    assert statuses(spoken(site, wire(site, head) + inner)) == [401]
    assert site.http.get("/api/triggeredwebjobs/smuggled").status_code == 200


@pytest.mark.parametrize(
    "header",
    ["X-Forwarded-For: 127.0.0.1", "X-Forwarded-Host: other.example", "X-Forwarded-Proto: https", "Forwarded: for=::1"],
)
def test_what_a_stranger_says_of_a_proxy(site: Site, header: str) -> None:
    """This address is no trusted proxy: links, and who is told to have asked, stay what they are."""
    head = "GET /api/triggeredwebjobs/smuggled HTTP/1.1|Host: {host}|Authorization: {login}|Connection: close|"
    head += f"{header}||"
    heard = spoken(site, wire(site, head))
    assert statuses(heard) == [200]
    assert f'"url":"{site.stack.url}/api/triggeredwebjobs/smuggled"'.encode() in heard.replace(b": ", b":")
    log = site.kubectl("logs", "deploy/webjobs-apiserver", "--tail=20", namespace="webjobs-system")
    assert "127.0.0.1 account" not in log
    assert "::1 account" not in log


def test_headers_without_end(site: Site) -> None:
    start = wire(site, "GET /healthz HTTP/1.1|Host: {host}|")
    assert statuses(spoken(site, start + b"X-A: b\r\n" * 150 + b"\r\n")) == [431]
    assert statuses(spoken(site, start + b"X-A: " + b"b" * 70_000 + b"\r\n\r\n")) == [431]
    assert statuses(spoken(site, wire(site, "GET /" + "a" * 70_000 + " HTTP/1.1|Host: {host}||"))) == [431]
