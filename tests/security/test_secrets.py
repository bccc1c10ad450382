"""Values that are secret stand in no log, Event, status, workload or error, whatever is done with them."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Iterator

import httpx
import pytest

from tests import stack as stacks
from tests.security.attacker import client, token
from tests.site import Site, eventually, zip_of

SETTING = "setting-5d41402abc4b"
TOKEN = "hook-token-7d793037a076"  # noqa: S105
TRIED = "password-tried-9f86d081884c"
WHERE = ("events", "webjobs", "webjobruns", "webjobschedules", "deployments", "jobs", "cronjobs", "pods", "configmaps")


@pytest.fixture(scope="module")
def answers(site: Site) -> Iterator[list[httpx.Response]]:
    """Whatever the shim answered while settings and hooks were in use, errors above all."""
    seen: list[httpx.Response] = []
    hook = {"event": "TriggeredJobFinished", "url": f"http://user:{TOKEN}@127.0.0.1:9/x?token={TOKEN}"}
    put = site.http.post("/api/settings", json={"API_KEY": SETTING, "WEBJOBS_HISTORY_SIZE": SETTING})
    assert put.status_code == 204, put.text
    made = site.http.post("/api/hooks", json=hook)
    assert made.status_code == 201, made.text
    site.apply_all(
        {
            "apiVersion": "webjobs.dev/v1",
            "kind": "WebJob",
            "metadata": {"name": "careful", "namespace": stacks.SITE},
            "spec": {
                "type": "triggered",
                "schedule": "0 0 3 1 * *",
                "script": {"fileName": "run.sh", "text": 'test -n "$API_KEY" && exit 3'},
            },
        }
    )
    site.put_script("steady", "sleep 1000\n", kind="continuous")
    site.kubectl("wait", "wj/careful", "--for=condition=Ready", "--timeout=60s")
    seen.append(site.ended(site.run("careful").headers["Location"]))  # type: ignore[arg-type]
    assert seen.pop()["status"] == "Failed", "the job had the value"  # type: ignore[index]
    site.kubectl("wait", "wj/steady", "--for=condition=Ready", "--timeout=60s")
    eventually(lambda: site.http.get(f"/api/hooks/{made.json()['id']}").json()["last_status"] == "Failure", seconds=60)
    ask = site.http.request
    seen += [
        ask("POST", "/api/settings", json={"API KEY": SETTING}),
        ask("POST", "/api/settings", json={"A": {"deep": SETTING}}),
        ask("POST", "/api/settings", json={"a": SETTING, "A": SETTING, "x=y": "z"}),
        ask("POST", "/api/settings", content=f'{{"A": "{SETTING}"'.encode()),
        ask("POST", "/api/settings", json={"BIG": SETTING + "x" * 2_000_000}),
        ask("POST", "/api/hooks", json=hook),
        ask("POST", "/api/hooks", json=hook | {"url": f"ftp://{TOKEN}@x"}),
        ask("POST", "/api/hooks", json=hook | {"url": f"http://169.254.169.254/?{TOKEN}"}),
        ask("POST", "/api/hooks", json=hook | {"event": "Other"}),
        ask("GET", "/api/settings/NONE"),
        ask("GET", "/api/triggeredwebjobs/none"),
        ask("PUT", "/api/triggeredwebjobs/careful", content=b"x", headers={"Content-Disposition": "attachment"}),
        ask("PUT", "/api/vfs/data/x", content=SETTING.encode()),
        ask("PUT", "/api/zip/", content=zip_of({"../x": SETTING})),
        ask("GET", "/api/triggeredwebjobs/careful/history"),
        ask("GET", "/api/webjobs"),
        ask("GET", "/api/triggeredwebjobsswagger"),
        ask("GET", "/openapi.json"),
        httpx.get(site.stack.url + "/api/settings", auth=("webjobs", TRIED)),
        httpx.get(site.stack.url + "/api/settings", headers={"Authorization": f"Bearer {TRIED}"}),
        httpx.get(f"{site.stack.url}/api/settings?password={TRIED}"),
        httpx.get(f"{site.stack.url}/api/settings", cookies={"session": TRIED}),
    ]
    with client(site, token(site, "nobody-of-secrets", ("get", "webjobs"))) as few:
        seen += [few.get(path) for path in ("/api/settings", "/api/hooks", "/api/settings/API_KEY")]
    yield seen
    site.http.delete(f"/api/hooks/{made.json()['id']}")
    for kind, name in (("triggered", "careful"), ("continuous", "steady")):
        site.http.delete(f"/api/{kind}webjobs/{name}")
    site.empty_secrets()


def spellings(secret: str) -> list[str]:
    """A secret as it could stand somewhere, its base64 among them."""
    encoded = base64.b64encode(secret.encode()).decode().rstrip("=")
    return [secret, encoded[:-1], secret[::-1]]


def logs(site: Site) -> str:
    """All that operator and shim wrote."""
    written = ""
    for component in ("operator", "apiserver"):
        for more in ((), ("--previous",)):
            try:
                command = ("logs", f"deploy/{stacks.RELEASE}-{component}", "--tail=-1", *more)
                written += site.kubectl(*command, namespace=stacks.SYSTEM)
            except subprocess.CalledProcessError:
                continue  # there was none before
    return written


def test_in_no_log(site: Site, answers: list[httpx.Response]) -> None:
    written = logs(site)
    assert "/api/settings" in written, "the shim writes down who asked for what"
    for secret in (SETTING, TOKEN, TRIED, site.stack.password):
        assert not [text for text in spellings(secret) if text in written]


def test_in_no_object(site: Site, answers: list[httpx.Response]) -> None:
    for kind in WHERE:
        for namespace in (stacks.SITE, stacks.SYSTEM):
            found = site.kubectl("get", kind, "-o", "yaml", namespace=namespace)
            for secret in (SETTING, TOKEN, TRIED, site.stack.password):
                assert not [text for text in spellings(secret) if text in found], f"{kind} in {namespace}"
    assert TOKEN not in site.kubectl("get", "secret", "webjobs-settings", "-o", "yaml")


def test_in_no_answer(site: Site, answers: list[httpx.Response]) -> None:
    assert len({answer.status_code for answer in answers}) > 4
    for answer in answers:
        assert answer.status_code < 500, answer.text
        told = answer.text + str(answer.headers)
        for secret in (SETTING, TRIED, TOKEN, site.stack.password):
            assert secret not in told, f"{answer.request.method} {answer.request.url}: {told[:500]}"


def test_in_no_metric_and_no_document(site: Site, answers: list[httpx.Response]) -> None:
    for path in ("/healthz", "/readyz", "/docs", "/openapi.json"):
        told = site.http.get(path).text
        assert not [secret for secret in (SETTING, TOKEN, TRIED, site.stack.password) if secret in told]


def test_they_are_where_they_belong(site: Site, answers: list[httpx.Response]) -> None:
    """Else all that was searched for would be nowhere anyhow."""
    assert site.http.get("/api/settings/API_KEY").json() == SETTING
    settings = site.object("secret", "webjobs-settings")["data"]
    assert base64.b64decode(settings["API_KEY"]).decode() == SETTING
    assert TOKEN.encode() in base64.b64decode("".join(site.object("secret", "webjobs-hooks")["data"].values()))
