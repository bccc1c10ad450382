"""Deployments on a real cluster, as Microsoft's documentation has them for curl; and a replica that is killed."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests import stack as stacks
from tests.conformance.zip_host import zip_host
from tests.site import Site, eventually, shell, zip_of

JOBS = "App_Data/jobs"
FILES = {
    f"{JOBS}/triggered/report/run.sh": "cat lib/text\n",
    f"{JOBS}/triggered/report/lib/text": "first\n",
    f"{JOBS}/continuous/worker/run.sh": "echo up\nexec sleep 1000\n",
    "index.html": "<p>hello</p>",
}
MANY = 80
COMPONENT = "app.kubernetes.io/component=apiserver"


@pytest.fixture
def empty(site: Site) -> Iterator[Site]:
    """A site without jobs, and without deployments: what one test puts is in no other's way."""

    def clear() -> None:
        site.kubectl("delete", "wj", "--all")
        site.kubectl("patch", "configmap/webjobs-deployments", "--type=merge", "-p", '{"data": null}')

    clear()
    yield site
    clear()


def curl(site: Site, *arguments: str, content: bytes | None = None) -> tuple[int, str]:
    """Status and body, as the program of that name has them."""
    login = ["--user", f"{site.stack.user}:{site.stack.password}"]
    form = ["--silent", "--show-error", "--write-out", "\n%{http_code}"]
    command = ["curl", *login, *form, *arguments]
    out = subprocess.run(command, input=content, check=True, capture_output=True, timeout=120).stdout.decode()
    body, _, code = out.rpartition("\n")
    return int(code), body


def over(site: Site, *, seconds: float = 60) -> dict[str, Any]:
    """The latest deployment at its end."""

    def look() -> dict[str, Any] | None:
        answer = site.http.get("/api/deployments/latest")
        return dict(answer.json()) if answer.status_code == 200 else None

    return eventually(look, seconds=seconds, what="the end of the deployment")


def jobs(site: Site) -> set[str]:
    return {f"{one['type']}/{one['name']}" for one in site.http.get("/api/webjobs").json()}


def test_curl_and_wait(empty: Site) -> None:
    site = empty
    url = f"{site.stack.url}/api/zipdeploy"
    answer = curl(site, "--request", "POST", "--data-binary", "@-", url, content=zip_of(FILES))
    assert answer == (200, "")
    assert jobs(site) == {"triggered/report", "continuous/worker"}
    run = site.ended(site.run("report").headers["Location"])
    assert run["status"] == "Success"
    assert "first" in site.log(run)
    eventually(lambda: site.object("wj", "worker")["status"]["state"] == "Running", seconds=60, what="the worker")


def test_curl_and_poll(empty: Site) -> None:
    """A job that did not change goes on; one that is gone from the zip goes."""
    site = empty
    assert curl(site, "-X", "POST", "--data-binary", "@-", f"{site.stack.url}/api/zipdeploy", content=zip_of(FILES))[0]
    eventually(lambda: site.object("wj", "worker")["status"]["state"] == "Running", seconds=60, what="the worker")
    before = [pod["metadata"]["uid"] for pod in site.pods("worker")]
    files = {path: text for path, text in FILES.items() if "report" not in path}
    url = f"{site.stack.url}/api/publish?type=zip&async=true"
    code, _ = curl(site, "-X", "POST", "-T", "-", url, content=zip_of(files | {f"{JOBS}/triggered/new/run.sh": "echo"}))
    assert code == 202
    ended = over(site)
    assert (ended["status"], ended["deployer"]) == (4, "OneDeploy")
    assert jobs(site) == {"triggered/new", "continuous/worker"}
    assert [pod["metadata"]["uid"] for pod in site.pods("worker")] == before, "it was not restarted"


def test_the_calls_of_dotnet_publish(empty: Site) -> None:
    """As its sources have them, replayed: ZipDeploy, OneDeploy, and OneDeploy of one WebJob (docs/kudu-contract.md)."""
    site = empty
    zipped = {"Content-Type": "application/zip", "Content-Encoding": "utf-8"}
    polled = site.http.post("/api/zipdeploy?isAsync=true", content=zip_of(FILES), headers=zipped)
    assert polled.status_code == 202

    def polls() -> bool:
        answer = site.http.get(polled.headers["location"])
        assert answer.status_code in (200, 202)
        return bool(answer.json()["status"] == 4)

    eventually(polls, seconds=60, what="the deployment")
    one = site.http.post("/api/publish?RemoteBuild=false", content=zip_of(FILES), headers=zipped)
    assert one.status_code == 200, one.text
    named = {**zipped, "Content-Disposition": "attachment; filename=report.zip"}
    job = site.http.put("/api/triggeredwebjobs/dotnet", content=zip_of({"run.sh": "echo\n"}), headers=named)
    assert (job.status_code, job.json()["run_command"]) == (200, "run.sh")
    assert jobs(site) == {"triggered/report", "continuous/worker", "triggered/dotnet"}


def test_all_or_none(empty: Site) -> None:
    """What the API server refuses is found out before anything is written."""
    site = empty
    assert curl(site, "-X", "POST", "--data-binary", "@-", f"{site.stack.url}/api/zipdeploy", content=zip_of(FILES))[0]
    before = {one["metadata"]["name"]: one["metadata"]["resourceVersion"] for one in site.objects("wj")}
    eventually(lambda: quota_counts(site), seconds=90, what="the quota in force")
    try:
        more = {f"{JOBS}/triggered/new{number}/run.sh": "echo" for number in range(4)}
        answer = site.http.post("/api/zipdeploy", content=zip_of(FILES | more))
        assert answer.status_code in (400, 503)
    finally:
        site.kubectl("delete", "quota", "wj")
    assert over(site)["status"] == 3
    now = {one["metadata"]["name"] for one in site.objects("wj") if "deletionTimestamp" not in one["metadata"]}
    assert now == set(before)


def quota_counts(site: Site) -> bool:
    """Make a quota of WebJobs; take it away again, and say no, when it does not count them.

    The controller learns of custom resources half a minute after it has begun, and looks at a quota from before that
    no more for minutes.
    """
    site.kubectl("create", "quota", "wj", "--hard=count/webjobs.webjobs.dev=3")
    try:
        eventually(lambda: site.object("quota", "wj")["status"]["used"], seconds=5)
    except AssertionError:
        site.kubectl("delete", "quota", "wj")
        return False
    return True


def test_a_replica_is_killed_in_the_middle(empty: Site) -> None:
    """``latest`` never tells an old end, the other replica goes on to the end, and the next deployment begins."""
    site = empty
    scale(site, 2)
    try:
        many = {f"{JOBS}/triggered/many{number:03d}/run.sh": f"echo {number}" for number in range(MANY)}
        begun = site.http.post("/api/zipdeploy?isAsync=true", content=zip_of(many))
        assert begun.status_code == 202
        identifier = begun.headers["SCM-DEPLOYMENT-ID"]
        eventually(lambda: len(site.objects("wj")) > MANY // 8, what="some of its jobs")
        holder = json.loads(site.object("configmap", "webjobs-deployments")["data"]["deployments.json"])
        pod = holder["deployments"][0]["holder"].partition("/")[0]
        site.kubectl("delete", "pod", pod, "--force", "--grace-period=0", namespace=stacks.SYSTEM)
        assert len(site.objects("wj")) < MANY, "it was killed in the middle"

        def latest() -> dict[str, Any] | None:
            answer = site.http.get("/api/deployments/latest")
            if answer.status_code >= 500:
                return None
            told = answer.json()
            assert told["id"] == identifier
            return told if told["complete"] else None

        ended = eventually(lambda: patient(latest), seconds=120, what="the end by the other replica")
        assert ended["status"] == 4, ended
        assert jobs(site) == {f"triggered/many{number:03d}" for number in range(MANY)}
        log = [line["message"] for line in site.http.get(f"/api/deployments/{identifier}/log").json()]
        assert "Goes on in another process." in log
        two = [site.http.post("/api/zipdeploy?isAsync=true", content=zip_of(FILES)).status_code for _ in range(2)]
        assert two == [202, 409]
        assert over(site)["status"] == 4
        assert jobs(site) == {"triggered/report", "continuous/worker"}
    finally:
        scale(site, 1)


IN_PLACE = f"{JOBS}/triggered/in place"
SCRIPT = """set -e
echo "by path: $(cat ../../../../lib/price.txt)"
echo "by home: $(cat "$HOME/site/wwwroot/lib/price.txt")"
echo "by root: $(cat "$WEBROOT_PATH/lib/price.txt")"
echo "in $PWD"
echo "beside: $(ls "$HOME" | tr '\\n' ' ')"
echo mine > ../../../../lib/price.txt
echo mine > "$HOME/LogFiles/a.log"
echo mine > "$WEBJOBS_DATA_PATH/a"
"""
APART = 'echo "home $HOME root ${WEBROOT_PATH-none} in $PWD site $WEBSITE_SITE_NAME"\n'
FOLDER = "/home/site/wwwroot/App_Data/jobs/triggered/in place"


def of_site(price: str) -> bytes:
    """The zip of a site with a job in place, one that is not, and a continuous one that shows the price."""
    files: dict[str, str | bytes] = {
        f"{IN_PLACE}/run.sh": SCRIPT,
        f"{IN_PLACE}/settings.job": '{"is_in_place": true}',
        f"{JOBS}/triggered/apart/run.sh": APART,
        f"{JOBS}/continuous/shown/run.sh": 'cat "$WEBROOT_PATH/lib/price.txt"\nexec sleep 1000\n',
        f"{JOBS}/continuous/shown/settings.job": '{"is_in_place": true}',
        f"{JOBS}/continuous/shown/big.bin": b"\0" * 600_000,
        "lib/price.txt": f"{price}\n",  # a line that has an end is in the log
        **{f"img/{number}.txt": str(number) for number in range(200)},
    }
    return zip_of(files)


def told(site: Site, name: str) -> str:
    """The log of a run that has ended well."""
    run = site.ended(site.run(name).headers["Location"])
    log = site.log(run)
    assert run["status"] == "Success", log
    return log


def test_jobs_in_the_web_site(empty: Site) -> None:
    """By all three ways a job reads the files of the site; what it changes is its own; an earlier deployment again
    brings the files of then."""
    site = empty
    assert site.http.post("/api/zipdeploy", content=of_site("10")).status_code == 200
    first = over(site)["id"]
    for _ in range(2):
        log = told(site, "in place")
        for line in ("by path: 10", "by home: 10", "by root: 10", f"in {FOLDER}", "beside: LogFiles data site "):
            assert line in log, log
    assert "home /tmp root none in /webjobs/work site " in told(site, "apart")
    eventually(lambda: "INFO] 10" in shown(site), seconds=60, what="the price in the log of the continuous job")
    assert "No such file" not in shown(site), "it never ran without the content"
    assert site.http.post("/api/zipdeploy", content=of_site("20")).status_code == 200
    assert "by root: 20" in told(site, "in place")
    eventually(lambda: "INFO] 20" in shown(site), seconds=60, what="the new price in the continuous job")
    assert site.http.put(f"/api/deployments/{first}").status_code == 200
    assert "by path: 10" in told(site, "in place")


def test_content_that_is_not_there_is_told(empty: Site) -> None:
    site = empty
    assert (
        site.http.post("/api/zipdeploy", content=zip_of({f"{JOBS}/triggered/plain/run.sh": "echo"})).status_code == 200
    )
    site.apply("wants", {"type": "triggered", "siteContent": True} | shell('cat "$WEBROOT_PATH/lib/price.txt"\n'))
    eventually(lambda: "NoSiteContent" in site.kubectl("get", "wj", "wants", "-o", "yaml"), what="the reason")
    assert "zipdeploy" in site.http.get("/api/triggeredwebjobs/wants").json()["error"]
    site.create_run("wants")
    assert site.http.post("/api/zipdeploy", content=of_site("30")).status_code == 200
    runs = "/api/triggeredwebjobs/wants/history"
    eventually(lambda: site.http.get(runs).json()["runs"][0]["status"] == "Success", seconds=60, what="the run")
    assert "30" in site.log(site.http.get(runs).json()["runs"][0])


def test_a_zip_from_elsewhere(empty: Site) -> None:
    """The shim fetches it from a listed host, and from no other."""
    site = empty
    url, form = f"{site.stack.url}/api/zipdeploy?isAsync=true", ["-H", "Content-Type: application/json"]
    with zip_host(site, FILES) as address:
        code, _ = curl(site, *form, "-d", json.dumps({"packageUri": address}), url)
        assert code == 202
        assert over(site)["status"] == 4
        assert jobs(site) == {"triggered/report", "continuous/worker", "continuous/zip-host"}
        code, body = curl(site, *form, "-d", json.dumps({"packageUri": f"{address}x?sig=secret"}), url)
        assert (code, "answers 404" in body, "secret" in body) == (400, True, False)
    code, body = curl(site, *form, "-d", '{"packageUri": "https://elsewhere.example/site.zip"}', url)
    assert (code, "apiserver.packageUri.allow" in body) == (400, True)
    assert jobs(site) == {"triggered/report", "continuous/worker"}


def shown(site: Site) -> str:
    return site.http.get("/api/vfs/data/jobs/continuous/shown/job_log.txt").text


def scale(site: Site, replicas: int) -> None:
    """So many replicas of the REST shim, all ready."""
    site.kubectl("scale", "deployment", "-l", COMPONENT, f"--replicas={replicas}", namespace=stacks.SYSTEM)
    eventually(lambda: len(ready(site)) == replicas, seconds=60, what=f"{replicas} replicas")


def ready(site: Site) -> list[str]:
    """Names of the replicas of the REST shim that are ready."""
    text = site.kubectl("get", "pods", "-l", COMPONENT, "-o", "json", namespace=stacks.SYSTEM)
    found = [one for one in json.loads(text)["items"] if "deletionTimestamp" not in one["metadata"]]
    return [
        one["metadata"]["name"]
        for one in found
        if any(c["type"] == "Ready" and c["status"] == "True" for c in one.get("status", {}).get("conditions", []))
    ]


def patient(look: Any) -> Any:
    """What a look gives; None while the connection to a replica that is gone breaks."""
    try:
        return look()
    except httpx.TransportError:
        return None
