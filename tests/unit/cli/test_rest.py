"""The REST client against a server that misbehaves, and imports into an API server in memory and into a folder."""

from __future__ import annotations

import io
import json
from argparse import Namespace
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests import appservice
from tests.fakes.kube import FakeKube
from tests.unit.cli.test_commands import Called
from webjobs_cli import parser
from webjobs_cli.__main__ import main
from webjobs_cli.address import Address
from webjobs_cli.progress import Progress
from webjobs_cli.rest import Rest, RestError, explain, job_folder

PASSWORD = "Basic c2VjcmV0"  # noqa: S105
Handler = Any


@asynccontextmanager
async def site(handler: Handler) -> AsyncIterator[Rest]:
    """A client of a server that answers everything so."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    async with (
        TestServer(app) as server,
        Rest(Address(url=str(server.make_url("")).rstrip("/"), authorization=PASSWORD)) as rest,
    ):
        yield rest


ANSWERS: list[tuple[int, str, str]] = [
    (200, "<html>Sign in</html>", "does not answer as Kudu's API does"),
    (200, '{"jobs": []}', "does not list WebJobs as Kudu does"),
    (302, "", "points elsewhere (status 302)"),
    (401, "", "does not accept the credentials: set WEBJOBS_USER"),
    (403, '{"Message": "This needs the right."}', "may not list WebJobs. This needs the right."),
    (429, "", "Wait a minute"),
    (500, '{"Message": "It broke."}', "could not list WebJobs (status 500): It broke."),
    (502, "<html>bad gateway</html>", "could not list WebJobs (status 502)."),
    (503, "The store is away.", "(status 503): The store is away."),
]


@pytest.mark.parametrize(("status", "body", "message"), ANSWERS)
async def test_answers(status: int, body: str, message: str) -> None:
    async def handler(request: web.Request) -> web.Response:
        headers = {"Location": "https://elsewhere/"} if status == 302 else {}
        return web.Response(status=status, text=body, headers=headers)

    async with site(handler) as rest:
        with pytest.raises(RestError) as told:
            await rest.jobs()
        assert message in str(told.value)
        assert "c2VjcmV0" not in str(told.value)


async def test_nobody_there() -> None:
    async with Rest(Address(url="http://127.0.0.1:1", authorization=PASSWORD)) as rest:
        with pytest.raises(RestError, match="can't be reached"):
            await rest.jobs()


async def test_a_connection_that_breaks_in_the_middle(tmp_path: Path) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Length": "1000"})
        await answer.prepare(request)
        await answer.write(b"PK")
        assert request.transport
        request.transport.close()
        return answer

    async with site(handler) as rest:
        with pytest.raises(RestError, match="can't be reached"):
            await rest.download(job_folder("triggered", "x"), io.BytesIO(), limit=10**6, progress=silent())


async def test_more_than_the_limit_is_not_read() -> None:
    async def handler(request: web.Request) -> web.Response:
        return web.Response(body=bytes(10**6))

    async with site(handler) as rest:
        with pytest.raises(RestError, match="more than 1000 bytes"):
            await rest.download(job_folder("triggered", "x"), io.BytesIO(), limit=1000, progress=silent())


async def test_names_are_escaped_once() -> None:
    seen = []

    async def handler(request: web.Request) -> web.Response:
        seen.append(request.raw_path)
        return web.json_response({"runs": []})

    async with site(handler) as rest:
        await rest.runs("Grüße 100% a+b")
        await rest.download(job_folder("triggered", "a b"), io.BytesIO(), limit=100, progress=silent())
    assert seen == [
        "/api/triggeredwebjobs/Gr%C3%BC%C3%9Fe%20100%25%20a%2Bb/history",
        "/api/zip/site/wwwroot/App_Data/jobs/triggered/a%20b/",
    ]


async def test_a_netrc_is_not_mixed_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login x password y\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))

    async def handler(request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == PASSWORD
        return web.json_response([])

    async with site(handler) as rest:
        assert await rest.jobs() == []


def silent() -> Progress:
    return Progress(io.StringIO(), "")


def test_a_404_says_what_is_not_there() -> None:
    address = Address(url="https://h", authorization=PASSWORD)
    assert explain(404, b"", address=address, what="tell the history") == "https://h has nothing to tell the history."


@pytest.fixture
def wwwroot(tmp_path: Path) -> str:
    root = tmp_path / "wwwroot"
    for name in ("hello", "nightly", "nested"):
        appservice.write(root / "App_Data/jobs/triggered" / name, appservice.TRIGGERED[name])
    appservice.write(root / "App_Data/jobs/continuous/hello", {"run.sh": "sleep 1\n", "disable.job": ""})
    return str(root)


def test_apply_takes_what_fits_into_manifests(wwwroot: str) -> None:
    called = Called(FakeKube())
    assert called("import", wwwroot, "--apply") == 1
    assert (
        "refused: triggered/nested: Its files need an upload: import by --to-url, or push it." in called.err.getvalue()
    )
    specs = {one["metadata"]["name"]: one["spec"] for one in called.kube.of_kind("WebJob")}
    hello = next(name for name in specs if name.startswith("hello-"))
    assert specs["hello"] == {"type": "triggered", "script": {"fileName": "run.sh", "text": "echo hello\n"}}
    assert specs[hello] | {"script": 0} == {"type": "continuous", "jobName": "hello", "script": 0, "stopped": True}
    assert specs["nightly"]["settings"] == {"schedule": "0 0 3 1 1 *"}
    before = called.kube.objects
    writes = len(called.kube.writes)
    assert called("import", wwwroot, "--apply", "--job", "hello", "--job", "nightly") == 0
    assert (called.kube.objects, len(called.kube.writes)) == (before, writes)
    assert called.err.getvalue().endswith("3 jobs: nothing to do.\n")


def test_apply_changes_only_what_is_the_source_s(wwwroot: str) -> None:
    called = Called(FakeKube())
    assert called("import", wwwroot, "--apply", "--job", "nightly") == 0
    there = called.kube.objects["WebJob", "site", "nightly"]
    there["spec"] |= {"retries": 3, "settings": {"other": 1}}
    assert called("import", wwwroot, "--apply", "--job", "nightly", "-o", "json") == 0
    spec = called.kube.objects["WebJob", "site", "nightly"]["spec"]
    assert (spec["retries"], spec["settings"]) == (3, {"schedule": "0 0 3 1 1 *"})


def test_a_folder_is_written_once(wwwroot: str, tmp_path: Path) -> None:
    called, out = Called(FakeKube()), tmp_path / "out"
    assert called("import", wwwroot, "--to-folder", str(out), "--dry-run") == 0
    assert not out.exists()
    assert called("import", wwwroot, "--to-folder", str(out)) == 0
    written = sorted(str(path.relative_to(out)) for path in out.rglob("*.*"))
    assert [path for path in written if path.startswith("packages")] == ["packages/triggered/nested.zip"]
    assert len(written) == 5
    (out / "manifests/hello.yaml").write_text("changed")
    called.out.truncate(0)
    called.out.seek(0)
    assert called("import", wwwroot, "--to-folder", str(out), "-o", "json") == 0
    actions = {f"{one['type']}/{one['name']}": one["action"] for one in json.loads(called.out.getvalue())["jobs"]}
    assert actions == {
        "triggered/hello": "update",
        "triggered/nested": "none",
        "triggered/nightly": "none",
        "continuous/hello": "none",
    }


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--help"], 0, ""),
        (["completion", "bash"], 0, ""),
        (["--version"], 0, ""),
        ([], 2, "A command is missing"),
        (["import"], 2, "Give one source"),
        (["import", "x", "--from-url", "y"], 2, "Give one source"),
        (["import", "x"], 2, "Say where the jobs go"),
        (["push", "x", "nowhere"], 2, "There is no 'nowhere'"),
        (["list", "--kubeconfig", "/nowhere"], 1, "--kubeconfig or KUBECONFIG"),
    ],
)
def test_exit_codes(
    words: list[str], code: int, said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WEBJOBS_URL", raising=False)
    assert main(words) == code
    assert said in capsys.readouterr().err


def test_completion_never_complains(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["__complete", "--kubeconfig", "/nowhere", "show", ""]) == 0
    assert capsys.readouterr() == ("", "")
    assert main(["__complete", "sch"]) == 0
    assert capsys.readouterr().out == "schedule\n"


def test_all_options_of_an_import_are_known() -> None:
    options: Namespace = parser.parse(["import", "x", "--apply"])
    assert {"source", "from_url", "to_url", "to_folder", "apply", "job", "settings", "dry_run"} <= vars(options).keys()
