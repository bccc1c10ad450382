"""A site goes through a backup: what was there is there again, and nothing of it would run again."""

from __future__ import annotations

import contextlib
import io
import json
import re
import tarfile
from collections.abc import Iterator
from typing import Any

import httpx
import obstore
import pytest

from tests.fakes.backup import packed
from tests.fakes.kube import Call, Died
from tests.fakes.objects import run_body, webjob_body
from tests.fakes.shim import ZIP, Shim, shim, zipped
from webjobs.model import WebJobRun
from webjobs.store import stored_run
from webjobs_apiserver.service.backup.objects import BEFORE
from webjobs_apiserver.service.schedules.registry import Registry
from webjobs_kube.errors import ApiError

BACKUP = "/api/backup"
OWNER = {"kind": "WebJob", "name": "job", "uid": "uid-job"}
ENDED = {"endTime": "2026-01-01T00:00:09.000000Z", "exitCode": 3, "message": "no", "startTime": "2026-01-01T00:00:00Z"}
RUNS = [f"job-20260101000000000{one}" for one in range(3)]
LOG = b"[01/01/2026 00:00:00 > abcdef: INFO] hello\r\n" * 20_000


def secret(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "site"}}


def of_run(name: str, file: str, webjob: str = "job") -> str:
    return f"site/data/jobs/triggered/{webjob}/{name[-18:]}/{file}"


def fill(one: Shim) -> None:
    """A site with a triggered job, a worker, runs in all states, a schedule, settings and hooks."""
    add = one.kube.add
    stored = {"newest": "202512310000000000", "limit": 50}
    add(webjob_body(status={"lastScheduleTime": "2026-01-01T00:00:00Z", "skippedRuns": 2, "storedRuns": stored}))
    add(webjob_body({"type": "continuous", "script": None, "image": "w:1"}, name="worker"))
    for name, state in zip(RUNS, ("Success", "Failed", "Aborted"), strict=True):
        status = ENDED | {"runId": name[-18:], "logPath": of_run(name, "output_log.txt")}
        if state == "Failed":
            status["errorLogPath"] = of_run(name, "error_log.txt")
        add(
            run_body(name, state=state, status=status, ownerReferences=[OWNER], annotations={"webjobs.dev/hooks": "{}"})
        )
        obstore.put(one.store, of_run(name, "output_log.txt"), LOG)
    obstore.put(one.store, of_run(RUNS[1], "error_log.txt"), b"oops")
    add(run_body("by-hand", state="Running", spec={"arguments": "a b"}, managedFields=[{"manager": "kubectl"}]))
    add(run_body("waits", uid="uid-waits"))
    add(
        {
            "apiVersion": "webjobs.dev/v1",
            "kind": "WebJobSchedule",
            "metadata": {"name": "further", "namespace": "site", "labels": {"a": "b"}, "uid": "s"},
            "spec": {"webJobName": "job", "periodSeconds": 60},
            "status": {"lastScheduleTime": "2026-01-01T00:01:00Z", "lastOutcome": "Started", "observedGeneration": 1},
        }
    )
    add(secret("webjobs-settings") | {"data": {"NAME": "dmFsdWU="}})
    add(secret("webjobs-hooks"))
    older = run_body("job-202512310000000000", state="Success", status=ENDED)
    run = WebJobRun.parse(older)
    obstore.put(one.store, of_run("job-202512310000000000", "status"), stored_run.to_json(run, owner="uid-job"))
    obstore.put(one.store, of_run("job-202512310000000000", "output_log.txt"), b"")
    obstore.put(one.store, "site/data/jobs/triggered/job/job_scheduler.log", b"lines")
    obstore.put(one.store, "site/data/jobs/continuous/worker/job_log.txt", b"worker's")
    journal = (
        json.dumps({"owner": "uid-worker", "base": 8, "rolled": False, "positions": {"p": {}}}).encode() + b"\nmore\n"
    )
    obstore.put(one.store, "site/data/jobs/continuous/worker/job_log.journal", journal)
    obstore.put(one.store, "site/guard/uploads/x", b"\n")
    obstore.put(one.store, "site/data/jobs/triggered/gone/202512310000000000/output_log.txt", b"of nobody")
    obstore.put(one.store, "other/blobs/" + "0" * 64, b"of others")


def empty(one: Shim) -> None:
    one.kube.add(secret("webjobs-settings"))
    one.kube.add(secret("webjobs-hooks"))


@pytest.fixture
def old() -> Iterator[Shim]:
    with shim() as made:
        fill(made)
        yield made


@pytest.fixture
def new() -> Iterator[Shim]:
    with shim() as made:
        empty(made)
        yield made


async def get(one: Shim) -> bytes:
    async with one.client() as client:
        answer = await client.get(BACKUP)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-tar"
    return answer.content


async def put(one: Shim, content: bytes, query: str = "") -> httpx.Response:
    async with one.client(raising=False) as client:
        return await client.put(BACKUP + query, content=content, headers={"Content-Type": "application/x-tar"})


def files(content: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(content)) as archive:
        return {one.name: archive.extractfile(one).read() for one in archive}  # type: ignore[union-attr]


async def test_what_is_in_a_backup(old: Shim) -> None:
    found = files(await get(old))
    names = list(found)
    assert names[0] == "backup.json"
    assert json.loads(found["backup.json"]) == {
        "format": 1,
        "namespace": "site",
        "site": "webjobs",
        "time": "2026-01-01T12:00:00.123400Z",
    }
    assert not [name for name in names if "guard" in name or "gone" in name or name.startswith("store/other")]
    assert found[f"store/data/jobs/triggered/job/{RUNS[0][-18:]}/output_log.txt"] == LOG
    text = b"".join(content for name, content in found.items() if name.startswith("objects/"))
    for word in (b"uid-job", b"resourceVersion", b"managedFields", b"ownerReferences"):
        assert word not in text
    runs = [json.loads(found[name]) for name in names if name.startswith("objects/WebJobRun/")]
    unfinished = [one for one in runs if "when the backup was made" in one["status"].get("message", "")]
    assert {one["status"]["state"] for one in unfinished} == {"Aborted"}
    assert len(unfinished) == 2
    by_hand = next(one for one in unfinished if one["spec"].get("arguments"))
    assert by_hand["spec"]["trigger"] == "External - kubectl"
    assert by_hand["metadata"]["name"] == f"job-{by_hand['status']['runId']}"


async def test_a_site_comes_back(old: Shim, new: Shim) -> None:
    content = await get(old)
    answer = await put(new, content)
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert said["restored"] == {"WebJob": 2, "file": 9, "WebJobRun": 5, "WebJobSchedule": 1}
    assert (said["kept"], said["notes"]) == ({}, [])
    job = new.kube.objects["WebJob", "site", "job"]
    assert job["spec"] == old.kube.objects["WebJob", "site", "job"]["spec"]
    assert job["status"] == {
        "lastScheduleTime": "2026-01-01T00:00:00Z",
        "skippedRuns": 2,
        "storedRuns": {"newest": "202512310000000000"},
    }
    assert "webjobs.dev/restoring" not in job["metadata"].get("annotations", {}), "the operator may begin"
    run = new.kube.objects["WebJobRun", "site", RUNS[1]]
    assert run["metadata"]["ownerReferences"][0]["uid"] == job["metadata"]["uid"]
    assert run["metadata"]["annotations"] == {"webjobs.dev/webjob-uid": BEFORE, "webjobs.dev/hooks": "{}"}
    assert run["status"]["state"] == "Failed"
    assert run["status"]["logPath"] == of_run(RUNS[1], "output_log.txt")
    assert run["status"]["errorLogPath"] == of_run(RUNS[1], "error_log.txt")
    assert "errorLogPath" not in new.kube.objects["WebJobRun", "site", RUNS[2]]["status"], "there is none"
    assert all(one["status"]["state"] in ("Success", "Failed", "Aborted") for one in new.kube.of_kind("WebJobRun"))
    schedule = new.kube.objects["WebJobSchedule", "site", "further"]
    assert schedule["spec"]["startTime"], "its periods go on as they were"
    assert schedule["status"]["lastScheduleTime"] == "2026-01-01T00:01:00Z"
    settings = new.kube.objects["Secret", "site", "webjobs-settings"]
    assert settings["data"] == {"NAME": "dmFsdWU="}
    journal = bytes(obstore.get(new.store, "site/data/jobs/continuous/worker/job_log.journal").bytes())
    worker = new.kube.objects["WebJob", "site", "worker"]["metadata"]["uid"]
    head, _, lines = journal.partition(b"\n")
    assert json.loads(head) == {"owner": worker, "base": 8, "rolled": False, "positions": {}}
    assert lines == b"more\n"


async def test_urls_and_history_are_as_before(old: Shim, new: Shim) -> None:
    paths = [f"/api/triggeredwebjobs/job/history/{name[-18:]}" for name in [*RUNS, "job-202512310000000000"]]
    paths += [f"/api/vfs/data/jobs/triggered/job/{RUNS[0][-18:]}/output_log.txt"]
    await put(new, await get(old))
    for path in paths:
        answers = []
        for one in (old, new):
            async with one.client() as client:
                answers.append(await client.get(path))
        assert answers[0].status_code == answers[1].status_code == 200, path
        assert answers[0].content == answers[1].content


async def test_packages_come_along(old: Shim, new: Shim) -> None:
    async with old.client() as client:
        await client.put("/api/triggeredwebjobs/zip", content=zipped({"run.sh": "echo zip\n"}), headers=ZIP)
    assert (await put(new, await get(old))).status_code == 200
    async with new.client() as client:
        answer = await client.get("/api/vfs/site/wwwroot/App_Data/jobs/triggered/zip/run.sh")
    assert answer.text == "echo zip\n"
    assert not [one for batch in obstore.list(new.store, "site/guard") for one in batch], "nothing is held off any more"


async def test_into_another_namespace(old: Shim) -> None:
    with shim(settings={"sites": [{"namespace": "bee", "host": "b"}]}) as other:
        for name in ("webjobs-settings", "webjobs-hooks"):
            body = secret(name)
            body["metadata"]["namespace"] = "bee"
            other.kube.add(body)
        credentials = {"username": "dXNlcg==", "password": "cGFzcw=="}
        name = other.config.credentials_secret
        other.kube.add(
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "bee"}, "data": credentials}
        )
        async with other.client(host="b", auth=("user", "pass")) as client:
            answer = await client.put(BACKUP, content=await get(old))
        assert answer.status_code == 200, answer.text
        assert {key[1] for key in other.kube.objects if key[0].startswith("WebJob")} == {"bee"}
        assert {one["path"].partition("/")[0] for batch in obstore.list(other.store) for one in batch} == {"bee"}
        run = other.kube.objects["WebJobRun", "bee", RUNS[0]]
        assert run["status"]["logPath"].startswith("bee/")


async def test_it_can_be_repeated(old: Shim, new: Shim) -> None:
    content = await get(old)
    await put(new, content)
    before = json.dumps(sorted(new.kube.objects.items()), default=str)
    said = (await put(new, content)).json()
    assert said["restored"] == {}
    assert said["kept"] == {"WebJob": 2, "file": 9, "WebJobRun": 5, "WebJobSchedule": 1}
    after = json.dumps(sorted(new.kube.objects.items()), default=str)
    versions = re.compile(r'"resourceVersion": "\d+"')
    assert versions.sub("", after) == versions.sub("", before)


@pytest.mark.parametrize("lost", [False, True], ids=["dies", "loses the answer"])
async def test_it_goes_on_after_a_death(old: Shim, lost: bool) -> None:
    content = await get(old)
    with shim() as whole:
        empty(whole)
        await put(whole, content)
        writes = len(whole.kube.writes)
        wanted = {key: body.get("status") for key, body in whole.kube.objects.items()}
    assert writes > 10
    for number in range(1, writes + 1):
        with shim() as new:
            empty(new)
            count = iter(range(1, 10_000))

            async def trouble(call: Call, one: Shim = new, at: int = number, count: Iterator[int] = count) -> None:
                if call.verb in ("create", "patch", "replace") and next(count) == at:
                    if not lost:
                        raise Died
                    one.kube.fail(ApiError(500, "Timeout", "lost"), verb=call.verb, kind=call.kind, after=True)

            new.kube.before_call = trouble
            with contextlib.suppress(Died):
                assert (await put(new, content)).status_code >= 500
            new.kube.before_call = None
            for run in new.kube.of_kind("WebJobRun"):
                assert run["metadata"]["annotations"]["webjobs.dev/webjob-uid"] == BEFORE, "it would not run"
            answer = await put(new, content)
            assert answer.status_code == 200, answer.text
            assert {key: body.get("status") for key, body in new.kube.objects.items()} == wanted, (
                f"after write {number}"
            )
            assert not [one for one in new.kube.of_kind("WebJob") if one["metadata"].get("annotations")]


async def test_another_webjob_of_the_name_is_refused(old: Shim, new: Shim) -> None:
    content = await get(old)
    new.kube.add(webjob_body({"timeoutSeconds": 5}))
    before = dict(new.kube.objects)
    answer = await put(new, content)
    assert answer.status_code == 409
    assert "there and differ: job. Nothing was restored." in answer.json()["Message"]
    assert new.kube.objects == before
    assert [one for batch in obstore.list(new.store) for one in batch] == []


async def test_the_same_webjob_gets_its_history(old: Shim, new: Shim) -> None:
    content = await get(old)
    new.kube.add(webjob_body(status={"skippedRuns": 7}))
    assert (await put(new, content)).status_code == 200
    assert new.kube.objects["WebJob", "site", "job"]["status"]["skippedRuns"] == 7
    assert RUNS[0] in {one["metadata"]["name"] for one in new.kube.of_kind("WebJobRun")}


async def test_a_dry_run_changes_nothing(old: Shim, new: Shim) -> None:
    before = dict(new.kube.objects)
    answer = await put(new, await get(old), "?dryRun=true")
    assert answer.json()["restored"] == {"WebJob": 2, "file": 9, "WebJobRun": 5, "WebJobSchedule": 1}
    assert new.kube.objects == before
    assert [one for batch in obstore.list(new.store) for one in batch] == []


HEAD = {"backup.json": b'{"format": 1}'}
JOB = {"objects/WebJob/job.json": json.dumps(webjob_body()).encode()}
RUN = run_body(RUNS[0], state="Success", status=ENDED | {"runId": RUNS[0][-18:]})


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ({}, "empty"),
        (JOB, "comes first"),
        ({"backup.json": b'{"format": 2}'}, "format 2"),
        ({"backup.json": b"[]"}, "no JSON object"),
        (HEAD | {"objects/Pod/x.json": b"{}"}, "in no backup"),
        (HEAD | {"objects/Secret/credentials.json": b"{}"}, "in no backup"),
        (HEAD | {"objects/WebJob/../x.json": b"{}"}, "in no backup"),
        (HEAD | JOB | {"store/../other/blobs/x": b""}, "in no backup"),
        (HEAD | JOB | {"/store/blobs/" + "0" * 64: b""}, "in no backup"),
        (HEAD | JOB | {"store/guard/uploads/x": b""}, "in no backup"),
        (HEAD | JOB | {"store/data/jobs/triggered/job/202601010000000000/../x": b""}, "in no backup"),
        (HEAD | JOB | {"store/data/jobs/triggered/job/999999999999999999/status": b""}, "in no backup"),
        (HEAD | JOB | {"store/data/jobs/triggered/more/job_scheduler.log": b""}, "not in the backup"),
        (HEAD | JOB | {"store/blobs/" + "0" * 64: b"x"}, "damaged"),
        (HEAD | JOB | {"store/data/jobs/triggered/job/202601010000000000/status": b"x"}, "can't be read"),
        (HEAD | {"objects/WebJob/other.json": JOB["objects/WebJob/job.json"]}, "WebJob other of the backup"),
        (HEAD | {"objects/WebJob/job.json": b'{"kind": "WebJob"}'}, "can't be read"),
        (HEAD | {"objects/Secret/webjobs-settings.json": b'{"values": [1]}'}, "settings"),
        (HEAD | {"objects/Secret/webjobs-hooks.json": b'{"hooks": [1]}'}, "hooks"),
        (HEAD | JOB | {f"objects/WebJobRun/{RUNS[1]}.json": json.dumps(RUN).encode()}, "its place"),
        (
            HEAD | JOB | {f"objects/WebJobRun/{RUNS[0]}.json": json.dumps(RUN | {"status": {}}).encode()},
            "its place",
        ),
        (HEAD | {f"objects/WebJobRun/{RUNS[0]}.json": json.dumps(RUN).encode()}, "can't be read"),
        (
            HEAD | {f"objects/WebJobRun/{RUNS[0]}.json": json.dumps(RUN).encode()} | JOB,
            "can't be read",
        ),
    ],
)
async def test_what_is_no_backup(entries: dict[str, bytes], says: str, new: Shim) -> None:
    answer = await put(new, packed(entries))
    assert (answer.status_code, says in answer.text) == (400, True), answer.text
    assert not [one for one in new.kube.of_kind("WebJobRun") if one.get("status", {}).get("state")]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"no tar at all" * 100, 400),
        (b"", 400),
        (packed(HEAD | JOB)[:700], 400),
        (packed(HEAD | JOB)[: 4 * 512], 400),
        (packed(HEAD, type=tarfile.SYMTYPE, linkname="/etc/passwd"), 400),
        (packed(HEAD | {"objects/WebJob/job.json": b" " * (5 * 2**20)}), 413),
    ],
)
async def test_what_is_no_tar(body: bytes, status: int, new: Shim) -> None:
    assert (await put(new, body)).status_code == status
    assert new.kube.of_kind("WebJob") == []


async def test_what_a_status_says_is_not_believed(new: Shim) -> None:
    forged = RUN | {"status": RUN["status"] | {"logPath": "other/x", "jobName": "x", "jobUID": "y"}}
    body = packed(HEAD | JOB | {f"objects/WebJobRun/{RUNS[0]}.json": json.dumps(forged).encode()})
    assert (await put(new, body)).status_code == 200
    status = new.kube.objects["WebJobRun", "site", RUNS[0]]["status"]
    assert not {"logPath", "jobName", "jobUID"} & set(status)


async def test_settings_and_hooks_that_are_there_stay(old: Shim, new: Shim) -> None:
    async with old.client() as client:
        hook = {"event": "TriggeredJobFinished", "url": "https://example.com/old"}
        assert (await client.post("/api/hooks", json=hook)).status_code == 201
    content = await get(old)
    async with new.client() as client:
        await client.post("/api/settings", json={"NAME": "mine"})
        await client.post("/api/hooks", json=hook | {"url": "https://example.com/new"})
        notes = (await put(new, content)).json()["notes"]
        assert notes == [
            "App settings that are there with another value stay: NAME.",
            "The web hooks are left out: the site has some already.",
        ]
        assert (await client.get("/api/settings")).json() == {"NAME": "mine"}
        assert len((await client.get("/api/hooks")).json()) == 1


async def test_hooks_come_back(old: Shim, new: Shim) -> None:
    async with old.client() as client:
        await client.post("/api/hooks", json={"event": "TriggeredJobFinished", "url": "https://example.com/old"})
        before = (await client.get("/api/hooks")).json()
    await put(new, await get(old))
    async with new.client() as client:
        assert (await client.get("/api/hooks")).json() == before


def registry(data: dict[str, str] | None) -> dict[str, Any]:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "webjobs-kragle", "namespace": "site"}}
    return body | ({"data": data} if data else {})


@pytest.mark.parametrize(
    ("there", "note"),
    [
        ([registry(None)], None),
        ([registry({"registry.json": "{ }"})], "The registry of Kragle's jobs is left out: the site has one."),
        ([], "The registry of Kragle's jobs is left out: the Kragle API is not switched on here."),
    ],
)
async def test_the_registry_of_kragle(there: list[dict[str, Any]], note: str | None, old: Shim, new: Shim) -> None:
    data = {"registry.json": Registry().stored()}
    old.kube.add(registry(data))
    for body in there:
        new.kube.add(body)
    assert (await put(new, await get(old))).json()["notes"] == ([note] if note else [])
    if note is None:
        assert new.kube.objects["ConfigMap", "site", "webjobs-kragle"]["data"] == data
