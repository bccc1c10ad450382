"""Browsers: writes for pages of other sites, and answers that are pages of nobody."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.fakes.objects import run_body, webjob_body
from tests.fakes.shim import PASSWORD, RUN_ID, USER, Shim, shim
from webjobs_apiserver.http.browsers import FOREIGN

JOB = "/api/triggeredwebjobs/job"
ARM = "/subscriptions/0/resourceGroups/g/providers/Microsoft.Web/sites/site/triggeredwebjobs/job"
FILES = "/api/vfs/site/wwwroot/App_Data/jobs/triggered/job"
ANY = {"If-Match": "*"}


@pytest.fixture
def one() -> Any:
    with shim(settings={"forwarded_allow_ips": ["10.0.0.1"], "kragle": {"enabled": True}}) as made:
        made.kube.add(webjob_body(name="job"))
        made.kube.add(run_body(labels={"webjobs.dev/webjob": "job"}, state="Success"))
        yield made


CASES: list[tuple[dict[str, str], bool]] = [
    ({}, True),  # curl, SDKs, pipelines
    ({"Sec-Fetch-Mode": "cors"}, True),  # Node's fetch
    ({"Sec-Fetch-Site": "same-origin"}, True),
    ({"Sec-Fetch-Site": "none"}, True),
    ({"Sec-Fetch-Site": "same-origin", "Origin": "https://a-proxy-changed.it"}, True),
    ({"Sec-Fetch-Site": "cross-site"}, False),
    ({"Sec-Fetch-Site": "Cross-Site"}, False),
    ({"Sec-Fetch-Site": "same-site"}, False),  # another host of the domain
    ({"Sec-Fetch-Site": ""}, False),
    ({"Sec-Fetch-Site": "new-word"}, False),
    ({"Sec-Fetch-Site": "cross-site", "Origin": "https://s"}, False),
    ({"Origin": "https://s"}, True),
    ({"Origin": "https://S"}, True),
    ({"Origin": "http://s"}, True),  # a proxy may have ended TLS
    ({"Origin": "https://s:443"}, True),
    ({"Origin": "https://s:8443"}, False),
    ({"Origin": "https://s.evil.example"}, False),
    ({"Origin": "https://evil.example"}, False),
    ({"Origin": "https://evil.example/s"}, False),
    ({"Origin": "https://s@evil.example"}, False),
    ({"Origin": "null"}, False),
    ({"Origin": ""}, False),
    ({"Origin": "s"}, False),
    ({"Origin": "https://[s"}, False),
    ({"Origin": "moz-extension://s"}, False),
]


@pytest.mark.parametrize(("headers", "may"), CASES)
async def test_writes_of_pages(one: Shim, headers: dict[str, str], may: bool) -> None:
    async with one.client() as client:
        answer = await client.post(f"{JOB}/run", headers=headers, content=b"x")
        assert (answer.status_code, answer.text) == ((202, "") if may else (403, FOREIGN))
        assert len(one.kube.of_kind("WebJobRun")) == (2 if may else 1)
        assert (await client.get(JOB, headers=headers)).status_code == 200  # reads tell a foreign page nothing


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", JOB),
        ("DELETE", JOB),
        ("PUT", f"{JOB}/settings"),
        ("DELETE", f"{JOB}/history/{RUN_ID}"),
        ("PUT", f"{FILES}/x"),
        ("DELETE", f"{FILES}/"),
        ("PUT", "/zip/site/wwwroot/"),
        ("POST", "/api/settings"),
        ("POST", "/api/hooks"),
        ("POST", "/api/continuouswebjobs/job/stop"),
        ("PATCH", "/api/continuouswebjobs/job/passthrough/x"),
        ("POST", f"{ARM}/run"),
        ("DELETE", ARM),
        ("POST", "/adfs/oauth2/token"),
        ("POST", "/api/v1/login"),
        ("DELETE", "/api/v1/jobs/1"),
        ("NONSENSE", "/"),
    ],
)
@pytest.mark.parametrize("auth", [None, (USER, "wrong"), (USER, PASSWORD)])
async def test_every_write_is_refused(one: Shim, method: str, path: str, auth: Any) -> None:
    """Whoever asks, and before anything else."""
    async with one.client(auth=auth) as client:
        answer = await client.request(method, path, headers={"Sec-Fetch-Site": "cross-site"}, content=b"x")
    assert (answer.status_code, answer.text) == (403, FOREIGN)
    assert answer.headers["content-type"].startswith("text/plain")
    assert not one.kube.calls


@pytest.mark.parametrize(
    ("address", "origin", "status"),
    [
        ("10.0.0.1", "https://jobs.example.com", 202),
        ("10.0.0.1", "https://s", 403),
        ("10.0.0.2", "https://jobs.example.com", 403),  # what strangers say of the host counts for nothing
        ("10.0.0.2", "https://s", 202),
    ],
)
async def test_the_host_that_the_browser_asked_for(one: Shim, address: str, origin: str, status: int) -> None:
    headers = {"X-Forwarded-Host": "jobs.example.com", "Origin": origin}
    async with one.client(address=address) as client:
        assert (await client.post(f"{JOB}/run", headers=headers)).status_code == status


# Answers


async def _written(client: httpx.AsyncClient) -> None:
    for name, content in (("page.html", "<script>1</script>"), ("image.svg", "<svg/>"), ("run.js", "1"), ("x.xml", "")):
        put = await client.put(f"{FILES}/{name}", content=content.encode(), headers=ANY)
        assert put.status_code in (201, 204)


@pytest.mark.parametrize("root", ["/api/vfs/", "/vfs//", "/API/VFS/%5C"])
@pytest.mark.parametrize("name", ["page.html", "image.svg", "run.js", "x.xml", "none.html", ""])
async def test_files_are_nobodys_pages(one: Shim, root: str, name: str) -> None:
    async with one.client() as client:
        await _written(client)
        url = f"{FILES.replace('/api/vfs/', root)}/{name}"
        etag = (await client.get(url)).headers.get("etag", "")
        for method, headers in (
            ("GET", {}),
            ("HEAD", {}),
            ("GET", {"If-None-Match": etag}),
            ("GET", {"Range": "bytes=0-"}),
        ):
            answer = await client.request(method, url, headers=headers)
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
            assert answer.headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize(
    "path",
    [
        "/api/webjobs",
        JOB,
        f"{JOB}/none",
        ARM,
        "/api/v1/jobs",
        "/api/logs/recent",
        "/healthz",
        "/nope",
        "/internal/packages/site/x",
        "/openapi.json",
        "/api/zip/site/",
    ],
)
@pytest.mark.parametrize("auth", [None, (USER, PASSWORD)])
async def test_no_answer_is_sniffed(one: Shim, path: str, auth: tuple[str, str] | None) -> None:
    async with one.client(auth=auth) as client:
        for method in ("GET", "POST", "OPTIONS"):
            assert (await client.request(method, path)).headers.get_list("x-content-type-options") == ["nosniff"]


async def test_a_bug_is_not_sniffed(one: Shim) -> None:
    one.kube.fail(RuntimeError("bug"), kind="WebJob")
    async with one.client(raising=False) as client:
        answer = await client.get("/api/webjobs")
    assert (answer.status_code, answer.headers["x-content-type-options"]) == (500, "nosniff")


async def test_the_page_of_operations_keeps_its_policy(one: Shim) -> None:
    async with one.client() as client:
        page = await client.get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers.get_list("content-security-policy") == ["default-src 'none'; style-src 'unsafe-inline'"]
