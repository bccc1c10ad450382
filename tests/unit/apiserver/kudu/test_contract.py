"""Every row of the tables of routes, in every spelling of its URL; and that no path breaks the tree.

The tables are those of docs/kudu-contract.md, sections 1.2 and 1.5.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.fakes.objects import run_async, run_body, webjob_body
from tests.fakes.shim import RUN_ID, script, shim

JSON = "application/json; charset=utf-8"
SPELLINGS = ("/api/{}webjobs", "/api/{}jobs", "/api/jobs/{}", "/jobs/{}", "/API/{}WebJobs")


@pytest.fixture
def one() -> Any:
    with shim() as made:
        made.kube.add(webjob_body(name="job"))
        labels = {"webjobs.dev/webjob": "job"}
        status = {"state": "Success", "endTime": "2026-01-01T12:00:09Z"}
        made.kube.add(run_body(f"job-{RUN_ID}", status=status, labels=labels))
        made.kube.add(webjob_body({"type": "continuous"}, name="worker"))
        yield made


Row = tuple[str, str, str, int, bool]
"""Verb, type, rest of the path, status, and whether there is an ETag."""
ROWS: list[Row] = [
    ("GET", "triggered", "", 200, True),
    ("GET", "triggered", "/job", 200, False),
    ("GET", "triggered", "/none", 404, False),
    ("PUT", "triggered", "/new", 200, False),
    ("DELETE", "triggered", "/job", 200, False),
    ("DELETE", "triggered", "/none", 200, False),
    ("POST", "triggered", "/job/run", 202, False),
    ("POST", "triggered", "/none/run", 404, False),
    ("GET", "triggered", "/job/history", 200, True),
    ("GET", "triggered", "/none/history", 404, False),
    ("GET", "triggered", f"/job/history/{RUN_ID}", 200, False),
    ("GET", "triggered", "/job/history/202601010000000000", 404, False),
    ("GET", "triggered", "/job/settings", 200, False),
    ("GET", "triggered", "/none/settings", 200, False),
    ("PUT", "triggered", "/job/settings", 200, False),
    ("PUT", "triggered", "/none/settings", 404, False),
    ("GET", "continuous", "", 200, True),
    ("GET", "continuous", "/worker", 200, False),
    ("GET", "continuous", "/none", 404, False),
    ("PUT", "continuous", "/new", 200, False),
    ("DELETE", "continuous", "/worker", 200, False),
    ("POST", "continuous", "/worker/start", 200, False),
    ("POST", "continuous", "/worker/stop", 200, False),
    ("POST", "continuous", "/none/start", 404, False),
    ("POST", "continuous", "/none/stop", 404, False),
    ("GET", "continuous", "/worker/settings", 200, False),
    ("PUT", "continuous", "/none/settings", 404, False),
    ("GET", "continuous", "/none/passthrough/x", 404, False),
    ("GET", "triggered", "/job/run", 404, False),
    ("POST", "triggered", "/job/start", 404, False),
    ("GET", "continuous", "/worker/history", 404, False),
    ("DELETE", "triggered", f"/job/history/{RUN_ID}", 409, False),
    ("DELETE", "triggered", "/job/history/202601010000000000", 404, False),
    ("DELETE", "triggered", "/job/history", 404, False),
]


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize(("method", "kind", "rest", "status", "tagged"), ROWS)
async def test_jobs(
    client: httpx.AsyncClient, spelling: str, method: str, kind: str, rest: str, status: int, tagged: bool
) -> None:
    is_settings = rest.endswith("/settings")
    headers = {"Content-Type": "application/json"} if is_settings else script()
    content = b"{}" if method == "PUT" else None
    answer = await client.request(method, spelling.format(kind) + rest, content=content, headers=headers)
    assert answer.status_code == status
    assert ("etag" in answer.headers) == tagged
    assert answer.headers["content-length"] == str(len(answer.content))
    assert answer.headers.get("content-type") == (JSON if answer.content else None)
    if "https://s/" in answer.text:  # URLs are of the first spelling, whatever was asked
        assert "https://s/jobs/" not in answer.text
        assert "https://s/api/jobs/" not in answer.text


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "*/*"])
async def test_json_is_the_only_format(client: httpx.AsyncClient, accept: str) -> None:
    for path in ("/api/webjobs", "/vfs/", "/api/settings"):
        assert (await client.get(path, headers={"Accept": accept})).headers["content-type"] == JSON


async def test_if_modified_since_is_ignored(client: httpx.AsyncClient) -> None:
    later = {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}
    assert (await client.get("/api/webjobs", headers=later)).status_code == 200


@pytest.mark.parametrize("end", ["%0A", "a%0A", "a%0Ab", "%0A/b", "%01", "a%0D"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_control_characters_in_a_path(client: httpx.AsyncClient, method: str, end: str) -> None:
    answer = await client.request(method, f"/api/vfs/site/wwwroot/App_Data/jobs/triggered/job/{end}", content=b"x")
    assert (answer.status_code, answer.json()) == (400, {"Message": "The path must not contain control characters."})


@settings(max_examples=60)
@example(parts=["\n"], content=b"")
@given(st.lists(st.text(min_size=1, max_size=12), min_size=1, max_size=4), st.binary(max_size=20))
def test_a_file_comes_back_or_nothing_was_written(parts: list[str], content: bytes) -> None:
    path = "/".join(quote(part, safe="", errors="replace") for part in parts)

    async def work() -> None:
        with shim() as one:
            async with one.client() as client:
                url = f"/api/vfs/site/wwwroot/App_Data/jobs/triggered/job/{path}"
                put = await client.put(url, content=content)
                if put.status_code == 201:
                    # A backslash and an encoded slash are slashes here, at the end too.
                    found = await client.get(url, follow_redirects=True)
                    assert found.status_code == 200
                    if found.headers["content-type"] != JSON:
                        assert found.content == content
                        assert found.headers["etag"] == put.headers["etag"]
                else:
                    assert 400 <= put.status_code < 500
                    assert not one.kube.writes

    run_async(work())
