"""Read-only accounts, tokens of Kubernetes, and guessers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.objects import run_body, webjob_body
from tests.fakes.shim import PASSWORD, USER, Shim, script, shim
from tests.unit.apiserver.test_sites import JOB, ROUTES
from webjobs_apiserver.auth.rights import needs
from webjobs_kube.errors import Unreachable

READER = ("reader", "only")
TOKEN = {"Authorization": "Bearer abc.def"}


@pytest.fixture
def one() -> Any:
    with shim() as made:
        made.kube.add(webjob_body(name="job"))
        made.kube.add(run_body(labels={"webjobs.dev/webjob": "job"}, state="Success"))
        (made.directory / "readonlyUsername").write_text(READER[0])
        (made.directory / "readonlyPassword").write_text(READER[1])
        made.kube.users["abc.def"] = "alice"
        yield made


READABLE = [
    *("/api/webjobs", "/api/triggeredwebjobs", "/api/continuouswebjobs/", JOB, "/API/TriggeredWebJobs/job"),
    *("/jobs/", "/api/jobs/triggered/job", "/api/triggeredjobs/job/"),  # the same places: the right is of the place
]


@pytest.mark.parametrize("path", READABLE)
async def test_readers_may_list_and_get_jobs(one: Shim, path: str) -> None:
    async with one.client(auth=READER) as client:
        assert (await client.get(path)).status_code == 200
        assert (await client.head(path)).status_code == 405
        for method in ("PUT", "POST", "DELETE", "PATCH", "OPTIONS", "NONSENSE"):
            assert (await client.request(method, path)).status_code == 401
    assert not one.kube.writes


@pytest.mark.parametrize(
    ("method", "path"),
    [route for route in ROUTES if not (route[0] == "GET" and route[1] in (*READABLE, "/api/continuouswebjobs"))],
)
async def test_readers_may_nothing_else(one: Shim, method: str, path: str) -> None:
    async with one.client(auth=READER) as client:
        assert (await client.request(method, path)).status_code == 401
    assert not one.kube.calls


async def test_without_a_readers_password_there_is_no_reader(one: Shim) -> None:
    (one.directory / "readonlyPassword").unlink()
    async with one.client(auth=(READER[0], "")) as client:
        assert (await client.get("/api/webjobs")).status_code == 401
    async with one.client() as client:
        assert (await client.get("/api/webjobs")).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/api/webjobs", "list webjobs"),
        ("HEAD", "/jobs/", "list webjobs"),
        ("GET", "/api/jobs/continuous", "list webjobs"),
        ("GET", "/api/triggeredwebjobsswagger", "list webjobs"),
        ("GET", JOB, "get webjobs"),
        ("PUT", JOB, "create webjobs, update webjobs"),
        ("DELETE", "/jobs/triggered/x", "delete webjobs"),
        ("POST", f"{JOB}/run", "create webjobruns"),
        ("POST", f"{JOB}/RUN/", "create webjobruns"),
        ("GET", f"{JOB}/run", "create webjobruns"),
        ("GET", f"{JOB}/history", "list webjobruns"),
        ("GET", f"{JOB}/history/1", "get webjobruns"),
        ("DELETE", f"{JOB}/history/1", "patch webjobruns"),
        ("DELETE", f"{JOB}/history", "update webjobs"),
        ("GET", f"{JOB}/settings", "get webjobs"),
        ("PUT", f"{JOB}/settings", "update webjobs"),
        ("POST", "/api/continuouswebjobs/x/stop", "update webjobs"),
        ("GET", "/api/continuouswebjobs/x/passthrough/a/b", "update webjobs"),
        ("GET", "/vfs/data/jobs/triggered/x/1/output_log.txt", "get webjobruns"),
        ("GET", "/vfs/DATA/jobs/triggered/x/1/", "get webjobruns"),
        ("GET", "/vfs/data/jobs/triggered/x/", "get webjobruns, list webjobruns"),  # as the history
        ("GET", "/vfs/data/jobs/triggered/x", "get webjobruns, list webjobruns"),
        ("GET", "/vfs/data/jobs/continuous/x/", "get webjobruns"),
        ("GET", "/vfs/data/jobs/triggered", "get webjobruns, list webjobs"),  # names of jobs
        ("GET", "/vfs/data", "get webjobruns"),
        ("GET", "/api/vfs/data/else", "get webjobruns"),
        ("GET", "/api/vfs", "get webjobs"),
        ("GET", "/api/vfs/", "get webjobs"),
        ("GET", "/api/vfs/site/wwwroot/", "get webjobs"),
        ("GET", "/api/vfs/site/jobs/triggered/", "get webjobs, list webjobs"),
        ("GET", "/api/vfs/site/jobs/triggered/x/run.sh", "get webjobs"),
        ("GET", "/api/vfs/site/../data/", "get webjobs, list webjobs, get webjobruns, list webjobruns"),
        ("GET", "/api/zip", "get webjobs, list webjobs, get webjobruns, list webjobruns"),
        ("GET", "/zip//", "get webjobs, list webjobs, get webjobruns, list webjobruns"),
        ("GET", "/api/zip/site", "get webjobs, list webjobs"),
        ("GET", "/api/zip/site/jobs/triggered/", "get webjobs, list webjobs"),
        ("GET", "/api/zip/site/jobs/triggered/x/", "get webjobs"),
        ("GET", "/api/zip/data/", "get webjobruns, list webjobs, list webjobruns"),
        ("GET", "/api/zip/data/jobs/triggered/", "get webjobruns, list webjobs, list webjobruns"),
        ("GET", "/api/zip/data/jobs/triggered/x/", "get webjobruns, list webjobruns"),
        ("GET", "/api//vfs/site/", "update webjobs"),
        ("GET", "/azurejobs/", "update webjobs"),
        ("POST", f"{JOB}/run\n", "update webjobs"),  # no route, with a line feed as without one
        ("PUT", "/api/vfs/site/x", "create webjobs, update webjobs"),
        ("DELETE", "/api/vfs/site/x", "delete webjobs, update webjobs"),
        ("PUT", "/api/zip/site/", "create webjobs, update webjobs"),
        ("GET", "/api/logstream/x", "get webjobruns"),
        ("GET", "/api/settings", "update webjobs"),
        ("POST", "/api/hooks", "update webjobs"),
        ("GET", "/", "update webjobs"),
        ("NONSENSE", "/x", "update webjobs"),
    ],
)
def test_needs(method: str, path: str, expected: str) -> None:
    assert ", ".join(f"{need.verb} {need.resource}" for need in needs(method, path)) == expected


async def test_a_token_may_what_kubernetes_lets_its_user_do(one: Shim) -> None:
    one.kube.rights |= {("alice", "site", "list", "webjobs"), ("alice", "site", "create", "webjobruns")}
    async with one.client(auth=None) as client:
        assert (await client.get("/api/webjobs", headers=TOKEN)).status_code == 200
        assert (await client.post(f"{JOB}/run", headers=TOKEN)).status_code == 202
        refused = await client.get(JOB, headers=TOKEN)
        assert (refused.status_code, refused.text) == (403, "This needs the right to: get webjobs.webjobs.dev.")
        assert (await client.get("/api/triggeredwebjobs/none", headers=TOKEN)).text == refused.text
        assert (await client.get("/nope", headers=TOKEN)).status_code == 403
        put = await client.put(JOB, content=b"", headers=TOKEN | script())
        assert put.status_code == 403


async def test_answers_about_tokens_are_remembered_for_seconds(one: Shim) -> None:
    one.kube.rights.add(("alice", "site", "list", "webjobs"))

    def reviews() -> int:
        return sum(call.kind.endswith("Review") for call in one.kube.calls)

    async with one.client(auth=None) as client:
        for _ in range(3):
            assert (await client.get("/api/webjobs", headers=TOKEN)).status_code == 200
        assert reviews() == 2
        one.kube.rights.clear()
        one.pass_time(seconds=11)
        assert (await client.get("/api/webjobs", headers=TOKEN)).status_code == 403
        one.kube.users.clear()
        one.pass_time(seconds=11)
        assert (await client.get("/api/webjobs", headers=TOKEN)).status_code == 401


async def test_tokens_that_cannot_be_reviewed(one: Shim, caplog: pytest.LogCaptureFixture) -> None:
    async with one.client(auth=None) as client:
        one.kube.fail(Unreachable("TimeoutError"), kind="TokenReview")
        assert (await client.get("/api/webjobs", headers=TOKEN)).status_code == 503
        for header in ("Bearer", "Bearer ", "Bearer a b", "Bearer " + "x" * 20_000, "Bearer wrong"):
            assert (await client.get("/api/webjobs", headers={"Authorization": header})).status_code == 401
    assert "abc.def" not in caplog.text


async def test_a_client_that_asks_without_credentials_first_is_no_guesser(one: Shim) -> None:
    async with one.client(auth=None) as client, one.client() as right:
        for _ in range(50):
            assert (await client.get("/api/webjobs")).status_code == 401
        assert (await right.get("/api/webjobs")).status_code == 200


async def test_the_password_is_still_needed_beside_a_token(one: Shim) -> None:
    async with one.client(auth=(USER, PASSWORD)) as client:
        assert (await client.get("/api/webjobs")).status_code == 200
    assert not [call for call in one.kube.calls if call.kind.endswith("Review")]
