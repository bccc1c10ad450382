"""The command doctor: what it prints, its exit code, and what it does with few rights, or without a cluster."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
import yaml
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.cluster.paths import repo_root
from tests.unit.cli.doctor.installed import FURTHER, HIDDEN, NOW, SITE, SYSTEM, Installed, healthy, job, not_ready
from tests.unit.cli.doctor.test_jobs import run
from tests.unit.cli.doctor.test_namespaces import hook
from webjobs_cli import parser
from webjobs_cli.commands.doctor import doctor
from webjobs_cli.session import Session
from webjobs_kube.errors import ApiError, Unreachable
from webjobs_kube.paths import plural_of


class Desk(Session):
    """A session whose cluster is in memory."""

    fake: Installed

    @asynccontextmanager
    async def kube(self) -> AsyncIterator[Installed]:
        yield self.fake

    @property
    def namespace(self) -> str:
        return self.options.namespace or SITE


async def call(kube: Installed, *words: str, environ: dict[str, str] | None = None) -> tuple[int, str, str]:
    """Exit code, output, and what is said beside it."""
    out, err = io.StringIO(), io.StringIO()
    options = parser.parse(["doctor", *words])
    desk = Desk(options=options, environ=environ or {}, out=out, err=err, clock=lambda: NOW)
    desk.fake = kube
    code = await doctor(desk)
    return code, out.getvalue(), err.getvalue()


async def test_a_healthy_installation() -> None:
    code, out, err = await call(healthy())
    assert (code, err.endswith(" ok.\n")) == (0, True)
    assert out.splitlines()[0].split() == ["RESULT", "ABOUT", "WHAT", "IS", "THE", "CASE"]
    assert {line.split()[0] for line in out.splitlines()[1:]} == {"ok"}


async def test_what_is_worst_comes_first_and_says_what_to_do() -> None:
    kube = healthy()
    kube.at("Deployment", "webjobs-operator")["spec"]["replicas"] = 0
    kube.add(job("odd", status=not_ready("UnknownScript", "No\x1b[2J idea.")))
    code, out, err = await call(kube)
    table, _, advice = out.partition("\nWhat to do:\n")
    assert code == 1
    assert [line.split()[0] for line in table.splitlines()[1:3]] == ["bad", "warn"]
    assert advice.splitlines() == [
        "1. operator: kubectl scale deployment webjobs-operator -n system --replicas=1",
        "2. WebJobs: Use a known extension, or name image and command in settings.job.",
    ]
    assert err.startswith("1 bad, 1 warn, ")
    assert "\x1b" not in out
    wide = (await call(kube, "-o", "wide"))[1]
    assert "WHAT TO DO" in wide.splitlines()[0]
    assert "What to do:" not in wide


async def test_the_answer_for_programs() -> None:
    kube = healthy()
    kube.drop("Secret", "webjobs-credentials")
    code, out, _ = await call(kube, "-o", "json")
    body = json.loads(out)
    assert (code, body["healthy"]) == (1, False)
    assert body["findings"][0]["level"] == "bad"
    assert set(body["findings"][0]) == {"level", "subject", "what", "do"}
    assert not any(hidden in out for hidden in HIDDEN)


async def test_without_any_right_all_is_unknown() -> None:
    kube = healthy()
    kube.forbidden = {("*", "*", "*")}
    code, out, _ = await call(kube)
    rows = [line.split()[0] for line in out.partition("\nWhat to do:\n")[0].splitlines()[1:]]
    assert code == 0
    assert rows.count("unknown") == len([row for row in rows if row != "ok"]) > 5
    assert "you may not list deployments in all namespaces" in out
    assert "you may not get the version of the API server" in out


async def test_with_rights_in_the_own_namespace_its_webjobs_are_looked_at() -> None:
    """Whoever may see WebJobs of one site hears of them, and what could not be looked at."""
    kube = healthy()
    run(status={})(kube)
    for verb, kind in (("get", "Secret"), ("get", "CustomResourceDefinition"), ("proxy", "Pod")):
        kube.forbidden.add((verb, kind, "*"))
    for kind in ("Deployment", "WebJob", "WebJobRun", "WebJobSchedule"):
        kube.forbidden.add(("list", kind, ""))
    kube.forbidden |= {("list", "Deployment", "webjobs-system"), ("create", "SubjectAccessReview", "")}
    _, out, _ = await call(kube)
    assert "nobody has taken up 1 run: shop/job-202601010000000000" in out
    assert "you may not list webjobs in all namespaces" in out
    code, out, _ = await call(kube, "--release-namespace", SYSTEM)
    assert "system/webjobs-operator: 1 of 1 available" in out
    for what in (
        "get secrets in system",
        "get customresourcedefinitions",
        "ask pods in system for their health (get pods/proxy)",
        "ask for the rights of service accounts (create subjectaccessreviews)",
    ):
        assert f"you may not {what}\n" in out, what
    assert code == 1


async def test_the_example_role_is_enough_and_not_more() -> None:
    kube = healthy()
    kube.at("PersistentVolumeClaim", "webjobs-store")["status"] = {"phase": "Pending"}
    hook()(kube)
    await call(kube)
    (role,) = yaml.safe_load_all((repo_root() / "examples/cli/doctor-role.yaml").read_text())
    given = {(verb, one) for rule in role["rules"] for one in rule["resources"] for verb in rule["verbs"]}
    others = {("get", "version"): None, ("proxy", "Pod"): ("get", "pods/proxy")}
    others[("create", "SubjectAccessReview")] = ("create", "subjectaccessreviews")
    asked = {others[one] if one in others else (one[0], plural_of(one[1])) for one in kube.asked}
    assert asked - {None} == given


async def test_a_release_that_is_not_in_its_namespace() -> None:
    code, out, _ = await call(healthy(), "--release-namespace", "elsewhere")
    assert (code, "there is no installation in elsewhere" in out) == (1, True)


async def test_only_the_webjobs_of_a_namespace() -> None:
    kube = healthy()
    kube.add(job("odd", status=not_ready("PackageMissing")))
    assert (await call(kube))[0] == 1
    assert (await call(kube, "-n", FURTHER))[0] == 0


async def test_no_api_server_and_unknown_people_are_told_once() -> None:
    for error in (Unreachable("refused"), ApiError(401, "Unauthorized", "who are you")):
        kube = healthy()
        kube.fail(error, verb="list", kind="Deployment")
        kube.fail(error, verb="list", kind="Deployment")
        if isinstance(error, Unreachable):
            _, out, _ = await call(kube)
            assert "nobody could list deployments in all namespaces: refused" in out
        else:
            with pytest.raises(ApiError, match="who are you"):
                await call(kube)


class Front:
    """A shim over HTTP."""

    def __init__(self) -> None:
        self.status = 200
        self.date = NOW

    async def answer(self, request: web.Request) -> web.Response:
        headers = {"Date": f"{self.date:%a, %d %b %Y %H:%M:%S} GMT"}
        if self.status != 200:
            return web.Response(status=self.status, headers=headers)
        return web.json_response([{"name": "job", "type": "triggered"}], headers=headers)


@pytest.fixture
async def front() -> AsyncIterator[tuple[Front, dict[str, str]]]:
    made, app = Front(), web.Application()
    app.router.add_get("/api/webjobs", made.answer)
    async with TestServer(app) as server:
        url = str(server.make_url("")).rstrip("/")
        yield made, {"WEBJOBS_URL": url, "WEBJOBS_USER": "u", "WEBJOBS_PASSWORD": "never-to-be-shown"}


async def test_the_shim_at_its_address(front: tuple[Front, dict[str, str]]) -> None:
    made, environ = front
    code, out, _ = await call(healthy(), environ=environ)
    assert (code, f"{environ['WEBJOBS_URL']} answers, and lists 1 WebJob\n" in out) == (0, True)
    made.date = datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(minutes=2)
    _, out, _ = await call(healthy(), environ=environ)
    assert f"the clock behind {environ['WEBJOBS_URL']} is 120 s ahead of" in out
    made.status = 401
    code, out, _ = await call(healthy(), environ=environ)
    assert (code, "does not accept the credentials" in out) == (1, True)
    assert "never-to-be-shown" not in out


async def test_an_address_that_leads_nowhere_or_lacks_credentials() -> None:
    environ = {"WEBJOBS_URL": "http://127.0.0.1:9", "WEBJOBS_USER": "u", "WEBJOBS_PASSWORD": "p"}
    code, out, _ = await call(healthy(), environ=environ)
    assert (code, "can't be reached" in out) == (1, True)
    code, out, _ = await call(healthy(), "--url", "http://127.0.0.1:9")
    assert "Credentials for http://127.0.0.1:9 are missing" in out
    assert code == 0
