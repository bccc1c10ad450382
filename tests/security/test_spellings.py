"""A token reads what its rights allow, however a path is spelled; an account that only reads writes nothing."""

from __future__ import annotations

import itertools
import json
import string
from collections.abc import Callable, Iterator
from urllib.parse import quote

import httpx
import pytest

from tests.security.attacker import client, token
from tests.site import Site, eventually

SECRET = "a-line-of-a-log-7f3a"  # noqa: S105
SETTING = "value-of-a-setting-91c2"


@pytest.fixture(scope="module")
def run_id(site: Site) -> Iterator[str]:
    """A run with a log, a setting, and a hook, which the attacker would like to see."""
    site.put_script("guarded", f"echo {SECRET}\n")
    found = site.ended(site.run("guarded").headers["Location"])["id"]
    site.http.post("/api/settings", json={"GUARDED": SETTING})
    yield found
    site.empty_secrets()
    site.http.delete("/api/triggeredwebjobs/guarded")


@pytest.fixture(scope="module")
def few(site: Site) -> Iterator[httpx.Client]:
    """A client with a token that may get webjobs, and nothing else."""
    with client(site, token(site, "gets-webjobs", ("get", "webjobs"))) as made:
        yield made


SPELLINGS: list[Callable[[str], str]] = [
    lambda path: path,
    lambda path: "/" + path,
    lambda path: "///" + path,
    lambda path: path.replace("/", "//"),
    lambda path: path.replace("/", "%2F"),
    lambda path: path.replace("/", "%5C"),
    lambda path: path.replace("/", "\\"),
    lambda path: "\\" + path,
    lambda path: "%5C%2F" + path,
    lambda path: path.replace("/", "/./"),
    lambda path: "./" + path,
    lambda path: "%2e/" + path,
    lambda path: "site/../" + path,
    lambda path: "site%2F..%5C" + path,
    lambda path: "site/wwwroot/App_Data/jobs/../../../../" + path,
    lambda path: path.upper().replace("GUARDED", "guarded"),
    lambda path: path.replace("data", "DaTa"),
    lambda path: path.replace("data", "%64%61t%61"),
    lambda path: path.replace("data", "data."),
    lambda path: path.replace("data", "data "),
    lambda path: path.replace("data", "data%20"),
    lambda path: path.replace("data", "data::$DATA"),
    lambda path: path.replace("guarded", "guarded."),
    lambda path: path.replace("guarded", "GUARDED"),
    lambda path: path + "%00.txt",
    lambda path: path + "%0a",
    lambda path: path + ";a=b",
    lambda path: path + "?x=/site/wwwroot",
    lambda path: path + "%3Fx=1",
    lambda path: "%0d%0a" + path,
    lambda path: path.replace("/", "%252F"),
    lambda path: path.replace("data", "d\u0430ta"),
    lambda path: path.replace("/", "\u2215"),
]
ROOTS = ["/api/vfs/", "/vfs/", "/API/VFS/", "/api//vfs/", "/api/zip/", "/zip/", "//api/vfs/", "/%61pi/vfs/"]


def targets(run_id: str) -> list[str]:
    """Paths that lead to data."""
    folder = f"data/jobs/triggered/guarded/{run_id}"
    return [f"{folder}/output_log.txt", f"{folder}/", "data/jobs/triggered/guarded/", "data/", ""]


def raw_get(asks: httpx.Client, path: str) -> httpx.Response:
    """GET of a path as it is, byte by byte."""
    return asks.get(asks.base_url.copy_with(raw_path=quote(path, safe=string.printable).encode()))


def test_get_webjobs_reads_no_data(site: Site, run_id: str, few: httpx.Client) -> None:
    owner = site.http.get(f"/api/vfs/{targets(run_id)[0]}")
    assert SECRET in owner.text
    assert few.get("/api/triggeredwebjobs/guarded").status_code == 200, "the token is good for something"
    assert few.get("/api/vfs/site/wwwroot/App_Data/jobs/triggered/guarded/run.sh").status_code == 200
    for root, spell, target in itertools.product(ROOTS, SPELLINGS, targets(run_id)):
        path = root + spell(target)
        answer = raw_get(few, path)
        is_zip = answer.content.startswith(b"PK") and "zip" in root.lower()
        assert answer.status_code < 500, path
        assert SECRET.encode() not in answer.content, path
        if answer.status_code == 200:  # some spelling of the root of the tree, whose listing tells nothing
            assert not is_zip, path
            assert run_id.encode() not in answer.content, path


OTHERS = [
    "/api/settings",
    "/settings/",
    "/API/Settings/GUARDED",
    "/api/settings%2FGUARDED",
    "/api//settings",
    "/api/hooks",
    "/hooks",
    "/api/logstream",
    "/logstream/jobs/triggered/guarded",
    "/api/logs/recent",
    "/LOGS/recent",
    "/api/triggeredwebjobs/guarded/history",
    "/api/triggeredwebjobs/guarded/history/{run}",
    "/jobs/triggered/guarded/History/{run}",
    "/api/continuouswebjobs/guarded/passthrough/x",
    "/api/dump",
    "/dump",
    "/api/webjobs",
    "/api/triggeredwebjobs",
    "/api/triggeredwebjobsswagger",
    "/api/v1/jobs",
    "/api/v1/jobs/",
    "/API/V1/jobs",
    "/api/v1//jobs",
    "/api/v1/%2e%2e/settings",
    "{arm}/webjobs",
    "{arm}/triggeredwebjobs/guarded/history",
    "{arm}/triggeredwebjobs/guarded/history/{run}",
    "{arm}//triggeredwebjobs/guarded/history",
    "{arm}/config/appsettings/list",
    "{arm}/slots/production/triggeredwebjobs/guarded/history/{run}",
]
ARM = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/shop"


@pytest.mark.parametrize("path", OTHERS)
def test_get_webjobs_reads_nothing_else(site: Site, run_id: str, few: httpx.Client, path: str) -> None:
    real = path.format(arm=ARM, run=run_id)
    for headers in ({}, {"x-ms-geo-location": "here"}):
        answer = few.get(few.base_url.copy_with(raw_path=real.encode()), headers=headers)
        assert answer.status_code in (400, 401, 403, 404, 405, 500 if "/v1" in real.lower() else 404), answer.text
        assert SECRET not in answer.text
        assert SETTING not in answer.text
        assert run_id not in answer.text or run_id in real


WRITES = [
    ("PUT", "/api/triggeredwebjobs/guarded"),
    ("DELETE", "/api/triggeredwebjobs/guarded"),
    ("POST", "/api/triggeredwebjobs/guarded/run"),
    ("POST", "/JOBS/triggered/guarded/RUN"),
    ("PUT", "/api/triggeredwebjobs/guarded/settings"),
    ("DELETE", "/api/triggeredwebjobs/guarded/history/{run}"),
    ("PUT", "/api/vfs/site/wwwroot/App_Data/jobs/triggered/guarded/run.sh"),
    ("PUT", "/vfs//site\\wwwroot/App_Data/jobs/triggered/guarded/run.sh"),
    ("DELETE", "/api/vfs/site/wwwroot/App_Data/jobs/triggered/guarded?recursive=true"),
    ("PUT", "/api/zip/site/wwwroot/"),
    ("POST", "/api/settings"),
    ("DELETE", "/api/settings/GUARDED"),
    ("POST", "/api/hooks"),
    ("POST", "/api/continuouswebjobs/guarded/stop"),
    ("POST", "/api/v1/jobs"),
    ("PUT", ARM + "/triggeredwebjobs/guarded"),
    ("POST", ARM + "/triggeredwebjobs/guarded/run"),
    ("DELETE", ARM + "/triggeredwebjobs/guarded"),
    ("PUT", ARM + "/config/appsettings"),
    ("PUT", ARM + "/Config/ConnectionStrings/"),
    ("POST", ARM + "/config/appsettings/list"),
    ("POST", ARM + "/config/publishingcredentials/list"),
]


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_who_may_only_read_writes_nothing(site: Site, run_id: str, few: httpx.Client, method: str, path: str) -> None:
    before = site.object("wj", "guarded")["spec"], len(site.objects("wjr", "webjobs.dev/webjob=guarded"))
    url = few.base_url.copy_with(raw_path=path.format(run=run_id).encode())
    for override in ({}, {"X-HTTP-Method-Override": method}, {"X-HTTP-Method": method}):
        verb = "GET" if override else method
        headers = override | {"Content-Disposition": "attachment; filename=run.sh", "If-Match": "*"}
        body = b"" if override else b'{"GUARDED": "x"}'
        answer = few.request(verb, url, headers=headers, content=body)
        # For want of rights: the Kragle API says it with 500.
        assert answer.status_code in (401, 403, 404, 405, 500 if "/v1/" in path else 403) or override, answer.text
    after = site.object("wj", "guarded")["spec"], len(site.objects("wjr", "webjobs.dev/webjob=guarded"))
    assert after == before
    assert site.http.get("/api/settings/GUARDED").json() == SETTING


def test_a_token_that_reads_runs_reads_logs_and_no_settings(site: Site, run_id: str) -> None:
    """The other side of the table: else a shim that refuses all would do."""
    bearer = token(site, "gets-runs", ("get,list", "webjobruns"))
    with client(site, bearer) as reads:
        log = f"/api/vfs/data/jobs/triggered/guarded/{run_id}/output_log.txt"
        assert SECRET in eventually(lambda: reads.get(log) if reads.get(log).status_code == 200 else None).text
        assert reads.get("/api/settings").status_code == 403
        assert reads.get("/api/vfs/site/wwwroot/App_Data/jobs/triggered/guarded/run.sh").status_code == 403


def test_a_token_of_another_audience_or_none(site: Site, run_id: str) -> None:
    good = token(site, "gets-webjobs", ("get", "webjobs"))
    header, _, rest = good.partition(".")
    other = site.kubectl("create", "token", "gets-webjobs", "--audience=vault").strip()
    for bad in (other, good[:-3] + "AAA", f"{header}.{rest[::-1]}", "a.b.c", json.dumps({"token": good})):
        with client(site, bad) as asks:
            assert asks.get("/api/triggeredwebjobs/guarded").status_code in (401, 403, 429)
