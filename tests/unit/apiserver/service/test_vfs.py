"""Files over HTTP: every row of docs/kudu-contract.md, section 1.5, and what Kubernetes has afterwards."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.kube import Call
from tests.fakes.objects import run_body, webjob_body
from tests.fakes.shim import RUN_ID, ZIP, Shim, answer_of, shim, zipped
from webjobs_apiserver.config import LimitsConfig
from webjobs_apiserver.http import media_types, ranges
from webjobs_apiserver.service.files.writing import NO_TAG, OWN_IMAGE, READ_ONLY, STALE

JSON = "application/json; charset=utf-8"
JOBS = "/api/vfs/site/wwwroot/App_Data/jobs"
JOB = f"{JOBS}/triggered/job"
WORK = f"{JOBS}/continuous/work"
ANY = {"If-Match": "*"}


@pytest.fixture
def one() -> Any:
    with shim(limits=LimitsConfig(upload_bytes=2**16, files=5, settings_bytes=100)) as made:
        yield made


def _spec(one: Shim, name: str = "job") -> dict[str, Any]:
    spec: dict[str, Any] = one.kube.objects[("WebJob", "site", name)]["spec"]
    return spec


def _told(message: str) -> str:
    return f'{{"Message":"{message}"}}'


async def test_a_script_makes_a_job_and_takes_it_away(one: Shim, client: httpx.AsyncClient) -> None:
    put = await client.put(f"{JOB}/run.sh", content=b"echo 1")
    assert answer_of(put) == (201, None, "")
    spec = _spec(one)
    assert spec == {
        "type": "triggered",
        "package": {"digest": spec["package"]["digest"], "entrypoint": "run.sh", "size": 6, "files": 1},
    }
    got = await client.get(f"{JOB}/run.sh")
    assert answer_of(got) == (200, "application/octet-stream", "echo 1")
    assert got.headers["etag"] == put.headers["etag"]
    assert len(got.headers["etag"]) == 18
    assert got.headers["last-modified"] == "Thu, 01 Jan 2026 12:00:00 GMT"
    assert [job["name"] for job in (await client.get("/api/webjobs")).json()] == ["job"]
    await client.put(f"{JOB}/data.txt", content=b"x")
    assert (await client.delete(f"{JOB}/run.sh", headers=ANY)).status_code == 200
    assert "entrypoint" not in _spec(one)["package"]
    assert (await client.get("/api/webjobs")).text == "[]"
    assert (await client.get("/api/triggeredwebjobs/job")).status_code == 404
    assert (await client.post("/api/triggeredwebjobs/job/run")).status_code == 404
    assert (await client.get(f"{JOB}/data.txt")).text == "x"
    assert [entry["name"] for entry in (await client.get(f"{JOBS}/triggered/")).json()] == ["job"]
    await client.put(f"{JOB}/go.py", content=b"print()")
    assert (await client.get("/api/triggeredwebjobs/job")).json()["run_command"] == "go.py"


async def test_listings(one: Shim, client: httpx.AsyncClient) -> None:
    await client.put(f"{JOBS}/triggered/My Jöb/in/run.sh", content=b"echo 1")
    root = await client.get("/api/vfs/?x=1")
    assert answer_of(root) == (
        200,
        JSON,
        '[{"name":"site","size":0,"mtime":"1970-01-01T00:00:00+00:00","crtime":"1970-01-01T00:00:00+00:00",'
        '"mime":"inode/directory","href":"https://s/api/vfs/site/?x=1","path":"/home/site"},'
        '{"name":"data","size":0,"mtime":"1970-01-01T00:00:00+00:00","crtime":"1970-01-01T00:00:00+00:00",'
        '"mime":"inode/directory","href":"https://s/api/vfs/data/?x=1","path":"/home/data"}]',
    )
    assert (await client.get("/vfs/")).json()[0]["href"] == "https://s/vfs/site/"
    folder = await client.get("/vfs/site/wwwroot/App_Data/jobs/triggered/?a=b&c")
    assert folder.json() == [
        {
            "name": "My Jöb",
            "size": 0,
            "mtime": "2026-01-01T12:00:00+00:00",
            "crtime": "2026-01-01T12:00:00+00:00",
            "mime": "inode/directory",
            "href": "https://s/vfs/site/wwwroot/App_Data/jobs/triggered/My%20J%C3%B6b/?a=b&c",
            "path": "/home/site/wwwroot/App_Data/jobs/triggered/My Jöb",
        }
    ]
    (inner,) = (await client.get(folder.json()[0]["href"])).json()
    (file,) = (await client.get(inner["href"])).json()
    assert (file["name"], file["size"], file["mime"]) == ("run.sh", 6, "application/octet-stream")
    assert (await client.get(file["href"])).text == "echo 1"
    assert (await client.get("/api/vfs/site/jobs/triggered/my jöb/in/run.sh")).text == "echo 1"
    head = await client.head("/api/vfs/")
    assert (head.status_code, head.content, int(head.headers["content-length"]) > 100) == (200, b"", True)


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/api/vfs", "https://s/api/vfs/"),
        ("/vfs/site?x=%20", "https://s/vfs/site/?x=%20"),
        (f"{JOB}", f"https://s{JOB}/"),
        (f"{JOB}/run.sh/?x", f"https://s{JOB}/run.sh?x"),
    ],
)
async def test_slashes(one: Shim, client: httpx.AsyncClient, path: str, location: str) -> None:
    one.kube.add(webjob_body(name="job"))
    for method in ("GET", "HEAD"):
        answer = await client.request(method, path)
        assert (answer.status_code, answer.headers.get("location"), answer.content) == (307, location, b"")


TRIGGERED = "site/wwwroot/App_Data/jobs/triggered"
MISSING = "'/home/{}' not found."


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "message"),
    [
        ("GET", "nothing", {}, 404, MISSING),
        ("GET", "site/wwwroot/index.html", {}, 404, MISSING),
        ("GET", f"{TRIGGERED}/none/", {}, 404, MISSING),
        ("GET", f"{TRIGGERED}/job/none.sh", {}, 404, MISSING),
        ("GET", f"{TRIGGERED}/a:b/", {}, 404, MISSING),
        ("GET", "data/jobs/triggered/job/1/", {}, 404, MISSING),
        ("GET", "data/jobs/triggered/job/1/2/3", {}, 404, MISSING),
        ("PUT", "site/wwwroot/index.html", {}, 403, READ_ONLY),
        ("PUT", "data/jobs/triggered/job/x", {}, 403, READ_ONLY),
        (
            "PUT",
            f"{TRIGGERED}/a:b/run.sh",
            {},
            400,
            'The WebJob name must not contain control characters or any of \\\\ / : * ? \\" < > |.',
        ),
        ("PUT", f"{TRIGGERED}/a/%2e%2e/b", {}, 400, "The path must not contain '.' or '..' as a part."),
        ("PUT", f"{TRIGGERED}/job", {}, 409, "'/home/{}': A folder is there."),
        ("PUT", f"{TRIGGERED}/job/", {}, 409, "'/home/{}': The folder exists already."),
        ("PUT", f"{TRIGGERED}/job/in", {}, 409, "'/home/{}': A folder is there."),
        ("PUT", f"{TRIGGERED}/job/in/", {}, 409, "'/home/{}': A folder is there."),
        ("PUT", f"{TRIGGERED}/job/run.sh/", {}, 409, "'/home/{}': A file is there."),
        ("PUT", f"{TRIGGERED}/job/run.sh/x", {}, 409, "'/home/{}': A part of the path is a file."),
        ("PUT", f"{TRIGGERED}/job/run.sh", {}, 412, NO_TAG),
        ("PUT", f"{TRIGGERED}/job/run.sh", {"If-Match": '"x"'}, 412, STALE),
        ("DELETE", f"{TRIGGERED}/job/run.sh", {}, 412, NO_TAG),
        ("DELETE", f"{TRIGGERED}/job/run.sh", {"If-Match": '"x"'}, 412, STALE),
        ("DELETE", f"{TRIGGERED}/job/none", ANY, 404, MISSING),
        ("DELETE", f"{TRIGGERED}/none", ANY, 404, MISSING),
        (
            "DELETE",
            f"{TRIGGERED}/job/in",
            {},
            409,
            "'/home/{}': The folder is not empty: delete it with ?recursive=true.",
        ),
        (
            "DELETE",
            f"{TRIGGERED}/job/",
            {},
            409,
            "'/home/{}': The folder is not empty: delete it with ?recursive=true.",
        ),
        ("DELETE", "site/wwwroot/App_Data/jobs/triggered?recursive=true", {}, 403, READ_ONLY),
    ],
)
async def test_errors(
    one: Shim, client: httpx.AsyncClient, method: str, path: str, headers: dict[str, str], status: int, message: str
) -> None:
    await client.put("/jobs/triggered/job", content=zipped({"run.sh": "", "in/a": ""}), headers=ZIP)
    before = str(one.kube.objects)
    answer = await client.request(method, f"/api/vfs/{path}", headers=headers)
    plain = path.partition("?")[0].replace("%2e", ".")
    assert answer_of(answer) == (status, JSON, _told(message.replace("{}", plain)))
    if status == 412:
        tag = (await client.get(f"/api/vfs/{path}")).headers["etag"]
        assert answer.headers["etag"] == tag
    assert str(one.kube.objects) == before


async def test_put_over_a_file(one: Shim, client: httpx.AsyncClient) -> None:
    tag = (await client.put(f"{JOB}/run.sh", content=b"1", headers=ANY)).headers["etag"]
    first = _spec(one)["package"]["digest"]
    one.pass_time(seconds=5)
    for header in ("*", "{}", '"other", {}'):
        answer = await client.put(f"{JOB}/run.sh", content=b"22", headers={"If-Match": header.format(tag)})
        tag = answer.headers["etag"]
        assert (answer.status_code, answer.content) == (204, b"")
    assert (await client.get(f"{JOB}/run.sh")).headers["etag"] == tag
    assert _spec(one)["package"]["digest"] != first
    assert _spec(one)["package"]["size"] == 2


async def test_conditional_get_and_ranges(client: httpx.AsyncClient) -> None:
    tag = (await client.put(f"{JOB}/a.txt", content=b"0123456789")).headers["etag"]
    url = f"{JOB}/a.txt"
    for header in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        same = await client.get(url, headers={"If-None-Match": header})
        assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", tag)
    assert (await client.get(url, headers={"If-None-Match": '"x"'})).status_code == 200
    for header, expected, where in (
        ("bytes=2-4", b"234", "bytes 2-4/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=-2", b"89", "bytes 8-9/10"),
        ("bytes=5-99", b"56789", "bytes 5-9/10"),
    ):
        part = await client.get(url, headers={"Range": header})
        assert (part.status_code, part.content, part.headers["content-range"]) == (206, expected, where)
        assert part.headers["content-length"] == str(len(expected))
    for header in ("bytes=10-", "bytes=-0"):
        refused = await client.get(url, headers={"Range": header})
        assert answer_of(refused) == (416, JSON, _told("The range is outside of the file."))
        assert refused.headers["content-range"] == "bytes */10"
    modified = (await client.get(url)).headers["last-modified"]
    for header, status in (
        (tag, 206),
        (modified, 206),
        ('"x"', 200),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 200),
        ("x", 200),
    ):
        part = await client.get(url, headers={"Range": "bytes=0-0", "If-Range": header})
        assert part.status_code == status, header
    head = await client.head(url)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "10")


@given(st.text(alphabet="bytes=-0123456789, x", max_size=14), st.integers(min_value=0, max_value=30))
def test_ranges_stay_in_the_file(header: str, size: int) -> None:
    found = ranges.parse(header, size=size)
    assert found is None or found == "unsatisfiable" or 0 <= found[0] < found[1] <= size


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.txt", "text/plain"),
        ("a.LOG", "application/octet-stream"),
        ("a.json", "application/json"),
        ("a.js", "application/javascript"),
        ("run.sh", "application/octet-stream"),
        ("none", "application/octet-stream"),
    ],
)
def test_media_types(name: str, expected: str) -> None:
    assert media_types.media_type(name) == expected


async def test_settings_job_is_the_settings(one: Shim, client: httpx.AsyncClient) -> None:
    await client.put(f"{JOB}/run.sh", content=b"")
    text = b'{ "schedule": "0 0 * * * *" }\n'
    put = await client.put(f"{JOB}/settings.job", content=text)
    assert put.status_code == 201
    assert _spec(one)["settings"] == {"schedule": "0 0 * * * *"}
    got = await client.get(f"{JOB}/settings.job")
    assert (got.content, got.headers["etag"]) == (text, put.headers["etag"])
    await client.put("/api/triggeredwebjobs/job/settings", json={"x": 1})
    assert (await client.get(f"{JOB}/settings.job")).text == '{"x":1}'
    assert (await client.put(f"{JOB}/settings.job", content=text, headers=ANY)).status_code == 204
    assert (await client.get("/api/triggeredwebjobs/job/settings")).json() == {"schedule": "0 0 * * * *"}
    assert (await client.delete(f"{JOB}/settings.job", headers=ANY)).status_code == 200
    assert _spec(one)["settings"] == {}
    assert (await client.get(f"{JOB}/settings.job")).status_code == 404
    large = await client.put(f"{JOB}/settings.job", content=b" " * 101)
    assert answer_of(large) == (413, JSON, _told("settings.job has more than 100 bytes."))


async def test_settings_job_that_can_not_be_read_is_not_written(one: Shim, client: httpx.AsyncClient) -> None:
    await client.put(f"{JOB}/settings.job", content=b'{"a":1}')
    refused = await client.put(f"{JOB}/settings.job", content=b'{"a":', headers=ANY)
    assert refused.status_code == 400
    assert "Nothing was written. settings.job is no JSON: line 1, column 6: a value is missing." in refused.text
    assert (await client.get(f"{JOB}/settings.job")).text == '{"a":1}'
    assert _spec(one)["settings"] == {"a": 1}


async def test_settings_before_the_script(one: Shim, client: httpx.AsyncClient) -> None:
    await client.put(f"{JOB}/settings.job", content=b'{"a":1}')
    assert (await client.get("/api/triggeredwebjobs")).text == "[]"
    assert (await client.get("/api/triggeredwebjobs/job/settings")).text == '{"a":1}'
    assert (await client.put("/api/triggeredwebjobs/job/settings", json={"b": 1})).status_code == 200
    await client.put(f"{JOB}/run.sh", content=b"")
    assert (await client.get("/api/triggeredwebjobs/job")).json()["settings"] == {"b": 1}


async def test_disable_job_stops_and_starts(one: Shim, client: httpx.AsyncClient) -> None:
    await client.put(f"{WORK}/run.sh", content=b"")
    digest = _spec(one, "work")["package"]["digest"]
    assert (await client.put(f"{WORK}/disable.job", content=b"")).status_code == 201
    assert _spec(one, "work")["stopped"] is True
    assert (await client.get(f"{WORK}/disable.job")).status_code == 200
    await client.post("/api/continuouswebjobs/work/start")
    assert (await client.get(f"{WORK}/disable.job")).status_code == 404
    await client.post("/api/continuouswebjobs/work/stop")
    assert (await client.delete(f"{WORK}/disable.job", headers=ANY)).status_code == 200
    assert "stopped" not in _spec(one, "work")
    assert _spec(one, "work")["package"]["digest"] == digest


async def test_a_job_of_kubectl(one: Shim, client: httpx.AsyncClient) -> None:
    one.kube.add(webjob_body({"settings": {"a": 1}, "env": [{"name": "X", "value": "1"}]}, name="job"))
    names = [entry["name"] for entry in (await client.get(f"{JOB}/")).json()]
    assert names == ["run.sh", "settings.job"]
    assert (await client.get(f"{JOB}/run.sh")).text == "echo hello\n"
    await client.put(f"{JOB}/settings.job", content=b'{"a":2}', headers=ANY)
    assert _spec(one)["script"]["fileName"] == "run.sh"
    assert _spec(one)["settings"] == {"a": 2}
    await client.put(f"{JOB}/lib.py", content=b"")
    assert "script" not in _spec(one)
    assert _spec(one)["package"]["files"] == 2
    assert _spec(one)["env"] == [{"name": "X", "value": "1"}]
    assert (await client.get(f"{JOB}/run.sh")).text == "echo hello\n"


async def test_a_job_with_an_image_of_its_own(one: Shim, client: httpx.AsyncClient) -> None:
    one.kube.add(webjob_body({"script": None, "image": "tool:1"}, name="job"))
    assert (await client.get(f"{JOB}/")).text == "[]"
    assert answer_of(await client.put(f"{JOB}/data.txt", content=b"")) == (400, JSON, _told(OWN_IMAGE))
    assert (await client.put(f"{JOB}/settings.job", content=b'{"a":1}')).status_code == 201
    assert _spec(one) == {"type": "triggered", "image": "tool:1", "settings": {"a": 1}}
    assert (await client.put(f"{JOB}/run.sh", content=b"")).status_code == 201
    assert (await client.get("/api/triggeredwebjobs/job")).json()["run_command"] == "run.sh"


async def test_folders(one: Shim, client: httpx.AsyncClient) -> None:
    assert answer_of(await client.put(f"{JOB}/", content=b"")) == (201, None, "")
    assert (await client.get(f"{JOB}/")).text == "[]"
    assert (await client.put(f"{JOB}/a/b/", content=b"")).status_code == 201
    assert (await client.put(f"{JOB}/a/b/", content=b"")).status_code == 409
    assert [entry["name"] for entry in (await client.get(f"{JOB}/a/")).json()] == ["b"]
    await client.put(f"{JOB}/a/run.sh", content=b"")
    assert (await client.delete(f"{JOB}/a/b")).status_code == 200
    assert (await client.get(f"{JOB}/a/b/")).status_code == 404
    assert (await client.delete(f"{JOB}/a?recursive=true")).status_code == 200
    assert (await client.get(f"{JOB}/")).text == "[]"
    assert (await client.delete(f"{JOB}/")).status_code == 200
    assert not one.kube.of_kind("WebJob")


@pytest.mark.parametrize("path", ["/api/vfs/site/wwwroot/App_Data/jobs/triggered/job", "/vfs/site/jobs/triggered/JOB/"])
async def test_the_wikis_way_to_delete_a_job(one: Shim, client: httpx.AsyncClient, path: str) -> None:
    one.kube.add(webjob_body(name="job"))
    assert answer_of(await client.delete(f"{path}?recursive=true")) == (200, None, "")
    assert not one.kube.of_kind("WebJob")


async def test_two_writers_lose_nothing(one: Shim, client: httpx.AsyncClient) -> None:
    await client.put(f"{JOB}/run.sh", content=b"")
    answers = await asyncio.gather(*(client.put(f"{JOB}/{name}.txt", content=b"") for name in "abc"))
    assert [answer.status_code for answer in answers] == [201] * 3
    assert [entry["name"] for entry in (await client.get(f"{JOB}/")).json()] == ["a.txt", "b.txt", "c.txt", "run.sh"]


async def test_a_precondition_holds_at_the_write(one: Shim, client: httpx.AsyncClient) -> None:
    tag = (await client.put(f"{JOB}/run.sh", content=b"1")).headers["etag"]
    other = {"done": False}

    async def meanwhile(call: Call) -> None:
        if call.verb == "replace" and not other["done"]:
            other["done"] = True
            async with one.client() as second:
                assert (await second.put(f"{JOB}/run.sh", content=b"2", headers=ANY)).status_code == 204

    one.kube.before_call = meanwhile
    assert (await client.put(f"{JOB}/run.sh", content=b"3", headers={"If-Match": tag})).status_code == 412
    assert (await client.get(f"{JOB}/run.sh")).text == "2"


async def test_limits(one: Shim, client: httpx.AsyncClient) -> None:
    large = await client.put(f"{JOB}/run.sh", content=b"x" * 2**17)
    assert answer_of(large) == (
        413,
        JSON,
        _told("The upload has more than 65536 bytes (apiserver.limits.uploadBytes of the chart)."),
    )
    for at in range(5):
        assert (await client.put(f"{JOB}/{at}", content=b"")).status_code == 201
    more = await client.put(f"{JOB}/6", content=b"")
    assert answer_of(more) == (
        400,
        JSON,
        _told("The WebJob would have more than 5 files (apiserver.limits.files of the chart)."),
    )


async def test_a_job_that_is_being_deleted(one: Shim, client: httpx.AsyncClient) -> None:
    body = webjob_body(name="job")
    body["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    one.kube.add(body)
    answer = await client.put(f"{JOB}/run.sh", content=b"")
    assert answer_of(answer) == (409, JSON, _told("The WebJob is being deleted. Try again when it is gone."))


async def test_data_of_a_triggered_job(one: Shim, client: httpx.AsyncClient) -> None:
    one.kube.add(webjob_body(name="job"))
    ended = {"state": "Success", "endTime": "2026-01-01T12:00:09Z"}
    labels = {"webjobs.dev/webjob": "job"}
    one.kube.add(run_body(f"job-{RUN_ID}", spec={"trigger": "External - x"}, status=ended, labels=labels))
    assert [entry["name"] for entry in (await client.get("/vfs/data/jobs/triggered/")).json()] == ["job"]
    (folder,) = (await client.get("/vfs/data/jobs/triggered/job/")).json()
    assert (folder["name"], folder["mtime"]) == (RUN_ID, "2026-01-01T12:00:00.1234+00:00")
    files = (await client.get(folder["href"])).json()
    assert [(file["name"], file["mime"]) for file in files] == [
        ("output_log.txt", "text/plain"),
        ("status", "application/octet-stream"),
    ]
    assert (await client.get(files[1]["href"])).text == (
        '{"Trigger":"External - x","Status":"Success","StartTime":"2026-01-01T12:00:00.1234Z",'
        '"EndTime":"2026-01-01T12:00:09Z"}'
    )
    assert (await client.delete(f"/vfs/data/jobs/triggered/job/{RUN_ID}?recursive=true")).status_code == 403


async def test_data_of_a_continuous_job(one: Shim, client: httpx.AsyncClient) -> None:
    instances = [{"id": "abc123", "pod": "p", "status": "Running"}]
    one.kube.add(webjob_body({"type": "continuous"}, name="work", status={"instances": instances}))
    assert [entry["name"] for entry in (await client.get("/vfs/data/jobs/continuous/work/")).json()] == [
        "status_abc123"
    ]
    assert (await client.get("/vfs/data/jobs/continuous/work/status_abc123")).text == '{"Status":"Running"}'
