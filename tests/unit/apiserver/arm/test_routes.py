"""Azure Resource Manager's routes, and Kudu's in ARM mode, over the shim in memory."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from itertools import chain
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.fakes.objects import run_body, webjob_body
from tests.fakes.shim import PASSWORD, RUN_ID, USER, Shim, shim
from webjobs_apiserver.arm import paging
from webjobs_kube.errors import Unreachable

OWNER = (USER, PASSWORD)
BLOG = ("blogger", "pässword")
READER = ("reader", "only")
TOKEN = {"Authorization": "Bearer abc.def"}
SETTINGS: dict[str, Any] = {
    "site": "Main",
    "domain": "scm.example.com",
    "sites": [{"namespace": "blog"}, {"namespace": "main-staging"}],
}
BLOG_HOST = "blog.scm.example.com"
G = "/subscriptions/0/resourceGroups/g/providers/Microsoft.Web/sites"
P = f"{G}/site"
JOB, WORKER = f"{P}/triggeredwebjobs/job", f"{P}/continuouswebjobs/worker"
VERSION = {"api-version": "2025-05-01"}


def _secret(namespace: str, **data: str) -> dict[str, Any]:
    encoded = {key: base64.b64encode(value.encode()).decode() for key, value in data.items()}
    return {"kind": "Secret", "metadata": {"name": "webjobs-credentials", "namespace": namespace}, "data": encoded}


@pytest.fixture
def one() -> Any:
    with shim(settings=SETTINGS) as made:
        made.kube.add(_secret("blog", username=BLOG[0], password=BLOG[1]))
        made.kube.add(_secret("main-staging", username=BLOG[0], password=BLOG[1]))
        status = {"state": "Success", "endTime": "2026-01-01T12:00:09Z"}
        for namespace in ("site", "blog", "main-staging"):
            for body in (
                webjob_body(name="job"),
                webjob_body({"type": "continuous"}, name="worker"),
                run_body(f"job-{RUN_ID}", labels={"webjobs.dev/webjob": "job"}, status=status),
            ):
                body["metadata"] |= {"namespace": namespace, "uid": f"{body['metadata']['name']}-{namespace}"}
                made.kube.add(body)
        (made.directory / "readonlyUsername").write_text(READER[0])
        (made.directory / "readonlyPassword").write_text(READER[1])
        made.kube.users["abc.def"] = "alice"
        yield made


def told(answer: httpx.Response) -> tuple[int, str, str]:
    """Status, code and message of an error, which are told twice."""
    body = answer.json()
    assert body == {"error": body["error"], "Message": body["error"]["message"]}
    return answer.status_code, body["error"]["code"], body["Message"]


Row = tuple[str, str, int]
"""Verb, path below the site, and status."""
ROWS: list[Row] = [
    ("GET", "/webjobs", 200),
    ("GET", "/webjobs/job", 200),
    ("GET", "/webjobs/worker", 200),
    ("GET", "/webjobs/none", 404),
    ("GET", "/triggeredwebjobs", 200),
    ("GET", "/triggeredwebjobs/job", 200),
    ("GET", "/triggeredwebjobs/worker", 404),
    ("POST", "/triggeredwebjobs/job/run", 200),
    ("POST", "/triggeredwebjobs/none/run", 404),
    ("GET", "/triggeredwebjobs/job/history", 200),
    ("GET", "/triggeredwebjobs/none/history", 404),
    ("GET", f"/triggeredwebjobs/job/history/{RUN_ID}", 200),
    ("GET", "/triggeredwebjobs/job/history/202601010000000000", 404),
    ("DELETE", "/triggeredwebjobs/job", 200),
    ("DELETE", "/triggeredwebjobs/none", 204),
    ("GET", "/continuouswebjobs", 200),
    ("GET", "/continuouswebjobs/worker", 200),
    ("GET", "/continuouswebjobs/none", 404),
    ("POST", "/continuouswebjobs/worker/start", 200),
    ("POST", "/continuouswebjobs/worker/stop", 200),
    ("POST", "/continuouswebjobs/none/stop", 404),
    ("DELETE", "/continuouswebjobs/worker", 200),
    ("DELETE", "/continuouswebjobs/none", 204),
    ("GET", "/nothing", 404),
    ("GET", "", 200),
    ("PUT", "", 405),
    ("GET", "/triggeredjobs", 404),
    ("GET", "/api/webjobs", 404),
    ("GET", "/triggeredwebjobs/job/run", 405),
    ("PUT", "/triggeredwebjobs/job", 405),
    ("OPTIONS", "/webjobs", 405),
]
PREFIXES = [P, f"{G}/Main", f"{P.upper()}/SLOTS/Production", f"{G}/main/slots/production"]


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize(("method", "rest", "status"), ROWS)
async def test_every_row_in_every_spelling(one: Shim, prefix: str, method: str, rest: str, status: int) -> None:
    async with one.client() as client:
        answer = await client.request(method, prefix + rest, params=VERSION)
    assert answer.status_code == status, answer.text
    if status >= 400:
        code = {404: "ResourceNotFound", 405: "MethodNotAllowed"}[status]
        assert told(answer)[1] == code
    elif method != "GET":
        assert answer.content == b""


@pytest.mark.parametrize("path", [f"{JOB}/RUN", f"{JOB}/run/", JOB.upper().replace("/JOB", "/Job") + "/run"])
async def test_case_and_a_slash_at_the_end_do_not_count(one: Shim, path: str) -> None:
    async with one.client() as client:
        answer = await client.post(path, params={"arguments": "a b"})
        assert answer.status_code == 200
        run = (await client.get(answer.headers["location"])).json()["properties"]
    assert (run["status"], run["trigger"]) == ("Initializing", "External - curl/8.5.0")
    assert "a b" in [run["spec"].get("arguments") for run in one.kube.of_kind("WebJobRun")]


async def test_a_job_and_its_runs(one: Shim) -> None:
    async with one.client() as client:
        job = (await client.get(JOB)).json()
        assert (job["id"], job["name"]) == (JOB, "site/job")
        assert (job["type"], job["location"]) == ("Microsoft.Web/sites/triggeredwebjobs", None)
        assert job["properties"] == {
            **(await client.get("/api/triggeredwebjobs/job")).json(),
            "web_job_type": "Triggered",
            "latest_run": {**job["properties"]["latest_run"], "web_job_id": RUN_ID, "web_job_name": RUN_ID},
        }
        listed = (await client.get(f"{P}/triggeredwebjobs")).json()
        assert listed == {"value": [job]}
        every = (await client.get(f"{P}/webjobs")).json()["value"]
        assert [entry["name"] for entry in every] == ["site/job", "site/worker"]
        assert {entry["type"] for entry in every} == {"Microsoft.Web/sites/webjobs"}
        (entry,) = (await client.get(f"{JOB}/history")).json()["value"]
        assert entry == (await client.get(f"{JOB}/history/{RUN_ID}")).json()
        assert (entry["id"], entry["name"]) == (f"{JOB}/history/{RUN_ID}", f"site/job/{RUN_ID}")
        flat = {key: value for key, value in entry["properties"].items() if key != "runs"}
        assert entry["properties"]["runs"] == [flat] == [job["properties"]["latest_run"]]


@pytest.mark.parametrize("name", ["my job", "é", "a%2Fb", "a+b", "Run", "a'b;c"])
async def test_names(one: Shim, name: str) -> None:
    one.kube.add(webjob_body({"jobName": name}, name="odd"))
    path = f"{P}/triggeredwebjobs/{quote(name, safe='')}"
    async with one.client() as client:
        found = (await client.get(path)).json()
        assert (found["id"], found["name"]) == (f"{P}/triggeredwebjobs/{name}", f"site/{name}")
        answer = await client.post(f"{path}/run")
        assert answer.status_code == 200
        assert (await client.get(answer.headers["location"])).status_code == 200
        assert (await client.delete(path)).status_code == 200
        assert (await client.delete(path)).status_code == 204


@pytest.mark.parametrize("rest", ["job%2Frun", "job%2fhistory", "a%2Fb/run", "..%2Fjob"])
async def test_a_slash_in_a_name_leads_nowhere(one: Shim, rest: str) -> None:
    async with one.client() as client:
        for method in ("GET", "POST"):
            answer = await client.request(method, f"{P}/triggeredwebjobs/{rest}")
            assert answer.status_code in (404, 405)
        assert (await client.delete(f"{P}/triggeredwebjobs/a%2Fb")).status_code == 204
    assert not one.kube.writes


@pytest.mark.parametrize(
    ("host", "path", "namespace"),
    [
        ("s", f"{G}/blog", "blog"),
        ("s", f"{G}/BLOG", "blog"),
        ("s", f"{G}/blog/slots/production", "blog"),
        ("s", f"{G}/main/slots/Staging", "main-staging"),
        ("s", f"{G}/main-staging", "main-staging"),
        (BLOG_HOST, f"{G}/blog", "blog"),
    ],
)
async def test_the_path_says_which_site_is_meant(one: Shim, host: str, path: str, namespace: str) -> None:
    async with one.client(auth=BLOG, host=host) as client:
        found = (await client.get(f"{path}/triggeredwebjobs/job")).json()
        assert found["id"] == f"{path}/triggeredwebjobs/job"
        # Kudu's URLs are those of the site's own host.
        own = f"https://{namespace}.scm.example.com/api/triggeredwebjobs/job"
        assert found["properties"]["url"] == own
        assert (await client.delete(f"{path}/triggeredwebjobs/job")).status_code == 200
    assert {call.namespace for call in one.kube.writes} == {namespace}


@pytest.mark.parametrize(
    ("host", "auth", "site", "status"),
    [
        # right at the host's site: the same for what is not there and for what is another's
        ("s", OWNER, "none", 404),
        ("s", OWNER, "blog", 404),
        ("s", OWNER, "blog/slots/production", 404),
        ("s", OWNER, "main/slots/staging", 404),
        ("s", OWNER, "main/slots/none", 404),
        (BLOG_HOST, BLOG, "main", 404),
        (BLOG_HOST, BLOG, "main-staging", 404),
        (BLOG_HOST, BLOG, "none", 404),
        # right nowhere here: as a wrong password
        ("s", BLOG, "none", 401),
        ("s", BLOG, "main", 401),
        ("s", ("x", "y"), "blog", 401),
        ("s", ("x", "y"), "none", 401),
        ("s", None, "none", 401),
        ("s", None, "main", 401),
        (BLOG_HOST, OWNER, "main", 401),
        (BLOG_HOST, OWNER, "blog", 401),
        ("nobody.scm.example.com", OWNER, "main", 401),
    ],
)
async def test_other_sites_are_never_told_of(
    one: Shim, host: str, auth: tuple[str, str] | None, site: str, status: int
) -> None:
    async with one.client(auth=auth, host=host) as client:
        for method, rest in (("GET", "/webjobs"), ("POST", "/triggeredwebjobs/job/run"), ("GET", "/nothing")):
            answer = await client.request(method, f"{G}/{site}{rest}")
            assert answer.status_code == status
            if status == 401:
                assert (answer.content, answer.headers["www-authenticate"]) == (b"", 'Basic realm="site"')
            else:
                missing = f"The Resource 'Microsoft.Web/sites/{site}' under resource group 'g' was not found."
                assert told(answer) == (404, "ResourceNotFound", missing)
    assert not one.kube.writes
    assert {call.kind for call in one.kube.calls} <= {"Secret"}


async def test_readers_may_list_and_get_jobs(one: Shim) -> None:
    async with one.client(auth=READER) as client:
        for method, rest, status in ROWS:
            readable = method == "GET" and rest.count("/") in (1, 2) and "webjobs" in rest and "/api/" not in rest
            answer = await client.request(method, P + rest)
            assert answer.status_code == (status if readable else 401), rest
        for site in ("none", "blog"):
            assert (await client.get(f"{G}/{site}/webjobs")).status_code == 404
            assert (await client.delete(f"{G}/{site}/triggeredwebjobs/job")).status_code == 401
    assert not one.kube.writes


async def test_tokens_need_the_rights_of_kudus_routes(one: Shim) -> None:
    one.kube.rights |= {("alice", "site", "get", "webjobs"), ("alice", "blog", "list", "webjobs")}
    async with one.client(auth=None) as client:
        assert (await client.get(JOB, headers=TOKEN)).status_code == 200
        assert (await client.get(f"{P}/webjobs/job", headers=TOKEN)).status_code == 200
        assert (await client.get(f"{G}/blog/webjobs", headers=TOKEN)).status_code == 200
        for site in ("site", "none", "blog"):
            refused = await client.post(f"{G}/{site}/triggeredwebjobs/job/run", headers=TOKEN)
            message = "This needs the right to: create webjobruns.webjobs.dev."
            assert told(refused) == (403, "AuthorizationFailed", message)
        for site in ("none", "main-staging"):  # what it may do at the host's site
            assert (await client.get(f"{G}/{site}/triggeredwebjobs/job", headers=TOKEN)).status_code == 404
        for site in ("site", "none"):  # what it may do at another site only
            assert (await client.get(f"{G}/{site}/webjobs", headers=TOKEN)).status_code == 403
        assert (await client.get(JOB, headers={"Authorization": "Bearer bad"})).status_code == 401


@pytest.mark.parametrize("site", ["main", "blog", "none"])
async def test_guessers_wait_whatever_site_they_name(one: Shim, site: str) -> None:
    async with one.client(auth=(USER, "guess")) as client:
        answers = [await client.get(f"{G}/{site}/webjobs") for _ in range(26)]
        assert [answer.status_code for answer in answers] == [401] * 25 + [429]
        assert told(answers[-1])[1] == "TooManyRequests"
        assert answers[-1].headers["retry-after"] == "3"
        for other in ("main", "blog", "none"):
            assert (await client.get(f"{G}/{other}/webjobs")).status_code == 429
    async with one.client(auth=BLOG, host=BLOG_HOST) as blog:
        # Guesses at a site count there, too.
        assert (await blog.get("/api/webjobs")).status_code == (429 if site == "blog" else 200)


async def test_errors(one: Shim, caplog: pytest.LogCaptureFixture) -> None:
    async with one.client(raising=False) as client:
        assert (await client.post(f"{JOB}/run")).status_code == 200
        busy = "Cannot start a new run since job is already running."
        assert told(await client.post(f"{JOB}/run")) == (409, "Conflict", busy)
        assert told(await client.post(f"{JOB}/run", params={"arguments": "\0"}))[:2] == (400, "BadRequest")
        assert told(await client.get(f"{P}/webjobs", params={"$skiptoken": "?"}))[:2] == (400, "BadRequest")
        missing = "The Resource 'Microsoft.Web/sites/site/triggeredwebjobs/x' under resource group 'g' was not found."
        assert told(await client.get(f"{P}/triggeredwebjobs/x")) == (404, "ResourceNotFound", missing)
        assert told(await client.get("/subscriptions/0/providers"))[:2] == (404, "ResourceNotFound")
        assert (await client.head(f"{P}/webjobs")).content == b""
        one.kube.fail(Unreachable("TimeoutError"), kind="WebJob")
        assert told(await client.get(JOB))[:2] == (503, "ServiceUnavailable")
        one.kube.fail(RuntimeError("secret"), kind="WebJob")
        assert told(await client.get(JOB)) == (500, "InternalServerError", "An error has occurred.")
        await client.put("/api/settings", json={"WEBJOBS_STOPPED": "1"})
        stopped = 'WebJobs are currently in "stopped" state.'
        assert told(await client.post(f"{JOB}/run")) == (409, "Conflict", stopped)


async def _pages(client: httpx.AsyncClient, path: str) -> list[list[str]]:
    found, url = [], f"{path}?api-version=2025-05-01"
    while url:
        body = (await client.get(url)).json()
        found.append([entry["name"] for entry in body["value"]])
        url = body.get("nextLink", "")
        assert not url or url.startswith(f"https://s{path}?api-version=2025-05-01&$skiptoken=")
    return found


async def test_long_lists_come_in_pages(one: Shim) -> None:
    for number in range(248):
        one.kube.add(webjob_body({"type": "continuous" if number % 2 else "triggered"}, name=f"n{number:03}"))
    async with one.client() as client:
        pages = await _pages(client, f"{P}/webjobs")
        whole = [f"site/{job['name']}" for job in (await client.get("/api/webjobs")).json()]
        assert [len(page) for page in pages] == [100, 100, 50]
        assert list(chain.from_iterable(pages)) == whole
        assert [len(page) for page in await _pages(client, f"{P}/triggeredwebjobs")] == [100, 25]


@pytest.mark.parametrize(("more", "sizes"), [(paging.PAGE - 1, [100]), (paging.PAGE, [100, 1])])
async def test_a_history_comes_in_pages(one: Shim, more: int, sizes: list[int]) -> None:
    for number in range(more):
        identifier = f"20250101{number:06}0000"
        one.kube.add(run_body(f"job-{identifier}", labels={"webjobs.dev/webjob": "job"}, state="Success"))
    async with one.client() as client:
        pages = await _pages(client, f"{JOB}/history")
        assert [len(page) for page in pages] == sizes
        runs = (await client.get("/api/triggeredwebjobs/job/history")).json()["runs"]
        assert list(chain.from_iterable(pages)) == [f"site/job/{run['id']}" for run in runs]


ARM = {"x-ms-geo-location": "West Europe"}
REFERER = "https://management.azure.com/subscriptions/0/resourceGroups/g/providers/Microsoft.Web/sites/shop/{}?a=b"


@pytest.mark.parametrize(
    ("path", "more", "identifier", "name", "kind"),
    [
        ("triggeredwebjobs/job", {}, "/api/triggeredwebjobs/job", None, None),
        ("continuousjobs/worker", {}, "/api/continuousjobs/worker", None, None),
        (
            "triggeredwebjobs/job",
            {"Referer": REFERER.format("triggeredwebjobs/job")},
            f"{G}/shop/triggeredwebjobs/job",
            "shop/job",
            "Microsoft.Web/sites/triggeredwebjobs",
        ),
        ("continuouswebjobs/worker", {"Referer": "http://["}, "/api/continuouswebjobs/worker", None, None),
    ],
)
async def test_kudus_routes_in_arm_mode(
    one: Shim, path: str, more: Mapping[str, str], identifier: str, name: str | None, kind: str | None
) -> None:
    async with one.client() as client:
        found = (await client.get(f"/api/{path}", headers={**ARM, **more})).json()
        assert (found["id"], found["name"], found["type"]) == (identifier, name, kind)
        assert found["location"] == "West Europe"
        plain = (await client.get(f"/api/{path}")).json()
        assert {**found["properties"], "latest_run": 0} == {
            **plain,
            "latest_run": 0,
            "web_job_type": plain["type"].capitalize(),
        }


async def test_lists_in_arm_mode(one: Shim) -> None:
    headers = ARM | {"Referer": REFERER.format("triggeredwebjobs/")}
    async with one.client() as client:
        found = await client.get("/api/triggeredwebjobs", headers=headers)
        (entry,) = found.json()["value"]
        assert (entry["id"], entry["name"]) == (f"{G}/shop/triggeredwebjobs/job", "shop/job")
        for path in ("/api/webjobs", "/api/triggeredwebjobs", "/jobs/continuous", "/api/triggeredwebjobs/job/history"):
            plain, found = await client.get(path), await client.get(path, headers=ARM)
            assert found.headers["etag"] == plain.headers["etag"]
            tag = {"If-None-Match": found.headers["etag"]}
            assert (await client.get(path, headers=ARM | tag)).status_code == 304
            body = plain.json()
            plain_names = [one["name"] for one in (body if isinstance(body, list) else body["runs"])]
            assert [one["id"] for one in found.json()["value"]] == [f"{path}/{name}" for name in plain_names]
        one_run = (await client.get(f"/api/triggeredwebjobs/job/history/{RUN_ID}", headers=ARM)).json()
        assert one_run["properties"]["id"] == one_run["properties"]["runs"][0]["web_job_id"] == RUN_ID


async def test_writes_in_arm_mode(one: Shim) -> None:
    path = "/api/triggeredwebjobs/job"
    async with one.client() as client:
        ran = await client.post(f"{path}/run", headers=ARM)
        assert (ran.status_code, ran.content) == (200, b"")
        assert ran.headers["location"].startswith(f"https://s{path}/history/2026")
        put = await client.put(path, headers=ARM, json={"properties": {"settings": {"schedule": "0 0 0 * * *"}}})
        assert (put.status_code, put.content) == (200, b"")
        assert (await client.get(f"{path}/settings", headers=ARM)).json() == {"schedule": "0 0 0 * * *"}
        bodies: list[Any] = [{}, {"properties": None}, {"properties": {"settings": []}}, [], None]
        for body in bodies:
            assert (await client.put(path, headers=ARM, json=body)).status_code == 400
        missing = await client.put(f"{path}x", headers=ARM, json={"properties": {"settings": {}}})
        assert (missing.status_code, missing.content) == (404, b"")
        unrouted = await client.put(f"{path}/settings", headers=ARM, json={})
        assert (unrouted.status_code, unrouted.json()) == (404, f"No route registered for '{path}/settings'")
        assert (await client.get(f"{path}/settings")).json() == {"schedule": "0 0 0 * * *"}


async def test_what_has_no_arm_mode_stays_kudus(one: Shim) -> None:
    async with one.client() as client:
        for path in ("/api/triggeredwebjobsswagger", "/api/settings", "/api/vfs/", "/api/triggeredwebjobs/none"):
            plain, found = await client.get(path), await client.get(path, headers=ARM)
            assert (found.status_code, found.content) == (plain.status_code, plain.content)
        assert (await client.post("/api/continuouswebjobs/worker/stop", headers=ARM)).content == b""
        assert (await client.delete("/api/continuouswebjobs/worker", headers=ARM)).status_code == 200
        assert (await client.post("/api/triggeredwebjobs/job", headers=ARM)).status_code == 404


async def test_the_document_does_not_have_them(one: Shim) -> None:
    async with one.client() as client:
        assert not [path for path in (await client.get("/openapi.json")).json()["paths"] if "subscriptions" in path]


async def test_slashes_before_the_path_do_not_count(one: Shim, client: httpx.AsyncClient) -> None:
    """A cloud that is registered with a slash at its end asks for two of them, and so does the GitHub action."""
    plain = await client.get(JOB, params=VERSION)
    for path in (f"/{JOB}", f"//{JOB}"):
        answer = await client.get(f"https://s{path}", params=VERSION)
        assert (answer.status_code, answer.json()) == (200, plain.json())
    assert (await client.get("https://s//metadata/endpoints")).status_code == 200
    async with one.client(auth=READER) as reader:
        assert (await reader.get(f"https://s/{JOB}")).status_code == 200
        for refused in (reader.delete(f"https://s/{JOB}"), reader.put(f"https://s/{P}/extensions/onedeploy", json={})):
            assert (await refused).status_code == 401, "Kudu's answer to a read-only account"
    async with one.client(auth=None) as nobody:
        assert (await nobody.get(f"https://s/{JOB}")).status_code == 401
    assert not one.kube.writes
