"""The Kragle Jobs API on a real cluster: both texts request by request, and what they promise of time and deletion."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.cookies import SimpleCookie
from typing import Any

import httpx
import pytest

from tests import stack as stacks
from tests.site import Site, eventually, shell

Body = dict[str, Any]

JOB_JANUARY: Body = {"id": int, "name": (str, type(None)), "stack": int, "schedule": int, "do_run": bool}
JOB_NOVEMBER: Body = JOB_JANUARY | {"next_run": (int, type(None)), "do_del": bool}
PUT_JANUARY: Body = {key: one for key, one in JOB_JANUARY.items() if key != "id"} | {"owner": int, "do_del": bool}
PUT_NOVEMBER: Body = PUT_JANUARY | {"next_run": (int, type(None))}
LIST: Body = {"count": int, "pagesize": int, "page": int, "jobs": list}


class Client:
    """As the texts tell one to be made: it logs in once and shows its cookie from then on."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.http = httpx.Client(base_url=f"{site.stack.url}/api/v1", timeout=30)
        login = {"username": site.stack.user, "password": site.stack.password}
        answer = self.http.post("/authenticate", json=login)
        assert (answer.status_code, answer.json()) == (200, {"code": 0, "user_id": 1})
        # Its cookie is for https, and so nothing that a client would send to the address in clear of this cluster.
        self.cookie = f"auth_tkt={SimpleCookie(answer.headers['set-cookie'])['auth_tkt'].value}"
        self.http.headers["Cookie"] = self.cookie

    def ask(self, method: str, path: str, body: Any = None, **options: Any) -> tuple[int, Body]:
        """Status and body."""
        if body is not None:
            options["json"] = body
        answer = self.http.request(method, path, **options)
        return answer.status_code, answer.json()

    def ok(self, method: str, path: str, body: Any = None) -> Body:
        """The reply of a success."""
        status, found = self.ask(method, path, body)
        assert status == 200, found
        return found

    def schedule(self, **config: int) -> int:
        """A new Schedule."""
        body = {"config": config, "once": "timestamp" in config}
        return int(self.ok("POST", "/schedules", body)["id"])

    def job(self, **body: Any) -> int:
        """A new Job."""
        return int(self.ok("POST", "/jobs", body)["id"])

    def runs(self, job: int) -> list[Body]:
        """The WebJobRuns that a Job made."""
        return self.site.objects("wjr", f"webjobs.dev/schedule=kragle-{job}")

    def is_gone(self, job: int) -> bool:
        """Whether a Job was deleted."""
        return self.ask("GET", f"/jobs/byid/{job}")[1].get("code") == 6


@pytest.fixture(scope="module")
def api(site: Site) -> Iterator[Client]:
    """Two Stacks; nothing else is left of an earlier session."""
    site.kubectl("delete", "wjs", "-l", "webjobs.dev/kragle-job")
    site.kubectl("delete", "wj", "--all")
    site.kubectl("patch", "configmap/webjobs-kragle", "--type=merge", "-p", '{"data": null}')
    for name in ("first", "second"):
        site.apply(name, {"type": "triggered", "concurrencyPolicy": "Allow"} | shell("echo hello\n"))
    made = Client(site)
    eventually(lambda: len(made.ok("GET", "/blockstacks")["blockstacks"]) == 2, what="both Stacks")
    yield made
    made.http.close()
    site.kubectl("delete", "wjs", "-l", "webjobs.dev/kragle-job")
    site.kubectl("delete", "wj", "first", "second")
    site.kubectl("patch", "configmap/webjobs-kragle", "--type=merge", "-p", '{"data": null}')


def stack(api: Client, name: str = "first") -> int:
    """A Stack's id by its name."""
    return int(api.ok("GET", f"/blockstacks/byname/{name}")["id"])


def has(body: Body, fields: Body) -> None:
    """All these fields, of these types."""
    for name, types in fields.items():
        assert isinstance(body[name], types), name
        assert types is not int or not isinstance(body[name], bool), name


@pytest.mark.parametrize(
    ("job_fields", "put_fields"),
    [(JOB_JANUARY, PUT_JANUARY), (JOB_NOVEMBER, PUT_NOVEMBER)],
    ids=["January", "November"],
)
def test_the_texts_request_by_request(api: Client, job_fields: Body, put_fields: Body) -> None:
    name = f"text of {len(job_fields)} fields"
    schedule, other = api.schedule(period=3600), api.schedule(period=7200)
    # POST /jobs
    created = api.ok("POST", "/jobs", {"schedule_id": schedule, "stack_id": stack(api)})
    has(created, {"id": int})
    assert set(created) == {"id"}
    identifier = created["id"]
    # GET /jobs, GET /jobs/byid/<id>: no name by default, not active
    listed = api.ok("GET", "/jobs", None)
    has(listed, LIST)
    assert set(listed) == set(LIST)
    assert (listed["pagesize"], listed["page"]) == (10, 1)
    assert api.ok("GET", "/jobs?page=1") == listed
    for job in listed["jobs"]:
        has(job, job_fields)
        assert set(job) == set(JOB_NOVEMBER), "the later text has all of the earlier one"
    job = api.ok("GET", f"/jobs/byid/{identifier}")
    assert job == {
        "id": identifier,
        "name": None,
        "stack": stack(api),
        "schedule": schedule,
        "next_run": None,
        "do_run": False,
        "do_del": False,
    }
    # PUT /jobs/<id>: each of its parameters, the others stay
    expected = {key: one for key, one in job.items() if key != "id"} | {"owner": 1}
    for parameter, value, field in (
        ("name", name, "name"),
        ("stack_id", stack(api, "second"), "stack"),
        ("schedule_id", other, "schedule"),
        ("enabled", True, "do_run"),
    ):
        before = int(time.time())
        changed = api.ok("PUT", f"/jobs/{identifier}", {parameter: value})
        expected[field] = value
        if parameter == "enabled":
            assert before + 7200 <= changed["next_run"] <= time.time() + 7201
            expected["next_run"] = changed["next_run"]
        has(changed, put_fields)
        assert changed == expected
    # GET /jobs/byname/<name>
    job = api.ok("GET", f"/jobs/byname/{name}")
    assert job == {key: one for key, one in expected.items() if key != "owner"} | {"id": identifier}
    # What the operator says of the next run is the same.
    shown = eventually(lambda: api.site.object("wjs", f"kragle-{identifier}")["status"].get("nextRunTime"))
    assert shown == time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(job["next_run"]))
    # DELETE /jobs/<id>: active and queued for another run
    assert api.ok("DELETE", f"/jobs/{identifier}") == {"queued_for_deletion": identifier}
    job = api.ok("GET", f"/jobs/byid/{identifier}")
    assert (job["do_del"], job["do_run"]) == (True, True)
    # and one that is not
    assert api.ok("PUT", f"/jobs/{identifier}", {"enabled": False})["do_run"] is False
    assert api.ask("GET", f"/jobs/byid/{identifier}")[1]["code"] == 6
    second = api.job(schedule_id=schedule, stack_id=stack(api), name=name, enabled=False)
    assert second > identifier
    assert api.ok("DELETE", f"/jobs/{second}") == {"deleted": second}


def test_fifty_posts_at_once(api: Client) -> None:
    body = {"schedule_id": api.schedule(period=86400), "stack_id": stack(api), "enabled": True}
    before = api.ok("GET", "/jobs")["count"]
    began = time.monotonic()
    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda _: api.ask("POST", "/jobs", body), range(50)))
    print(f"50 POSTs at once took {time.monotonic() - began:.1f} s")
    assert {status for status, _ in answers} == {200}
    ids = sorted(found["id"] for _, found in answers)
    assert len(set(ids)) == 50
    pages = range(1, (before + 50) // 10 + 2)
    listed = [job["id"] for page in pages for job in api.ok("GET", f"/jobs?page={page}")["jobs"]]
    assert listed == sorted(set(listed))
    assert set(ids) <= set(listed)
    objects = {one["metadata"]["name"] for one in api.site.objects("wjs", "webjobs.dev/kragle-job")}
    assert {f"kragle-{one}" for one in ids} <= objects
    with ThreadPoolExecutor(10) as pool:
        off = list(pool.map(lambda one: api.ok("PUT", f"/jobs/{one}", {"enabled": False}), ids))
        gone = list(pool.map(lambda one: api.ok("DELETE", f"/jobs/{one}"), ids))
    assert {one["do_run"] for one in off} == {False}
    assert gone == [{"deleted": one} for one in ids]
    assert api.ok("GET", "/jobs")["count"] == before


def test_one_name_at_once(api: Client) -> None:
    body = {"schedule_id": api.schedule(period=86400), "stack_id": stack(api), "name": "only one"}
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: api.ask("POST", "/jobs", body), range(10)))
    assert sorted((status, found.get("code", 0)) for status, found in answers) == [(200, 0), *[(500, 12)] * 9]
    assert api.ok("DELETE", f"/jobs/{api.ok('GET', '/jobs/byname/only one')['id']}").keys() == {"deleted"}


def test_a_one_time_job_runs_once_and_switches_itself_off(api: Client) -> None:
    """And the Stack that it is moved to meanwhile is what runs."""
    moment = int(time.time()) + 4
    job = api.job(schedule_id=api.schedule(timestamp=moment), stack_id=stack(api), enabled=True)
    found = api.ok("PUT", f"/jobs/{job}", {"stack_id": stack(api, "second")})
    assert (found["do_run"], found["next_run"]) == (True, moment)

    def off() -> Body | None:
        found = api.ok("GET", f"/jobs/byid/{job}")
        return None if found["do_run"] else found

    found = eventually(off, what="switching itself off")
    assert time.time() >= moment
    assert (found["next_run"], found["do_del"]) == (None, False)
    (run,) = api.runs(job)
    assert run["spec"]["webJobName"] == "second"
    assert api.ok("DELETE", f"/jobs/{job}") == {"deleted": job}


def _operator(site: Site, *arguments: str) -> None:
    site.kubectl(*arguments, namespace=stacks.SYSTEM)


def test_a_queued_job_goes_instead_of_running(api: Client) -> None:
    """Also when the operator is restarted in between, or away when the time comes; and when it is queued only then."""
    site, first = api.site, stack(api)

    def job(name: str, *, seconds: int) -> int:
        moments[name] = int(time.time()) + seconds
        schedule = api.schedule(timestamp=moments[name])
        jobs[name] = api.job(schedule_id=schedule, stack_id=first, enabled=True, name=name)
        return jobs[name]

    def queue(name: str) -> None:
        assert api.ok("DELETE", f"/jobs/{jobs[name]}") == {"queued_for_deletion": jobs[name]}
        found = api.ok("GET", f"/jobs/byname/{name}")
        assert (found["do_run"], found["do_del"], found["next_run"]) == (True, True, moments[name])

    def wait_for_the_end(name: str) -> None:
        eventually(lambda: api.is_gone(jobs[name]), what=f"the end of {name}")
        assert time.time() >= moments[name]

    moments: dict[str, int] = {}
    jobs: dict[str, int] = {}
    job("stays", seconds=3)
    job("restarted", seconds=20)
    queue("stays")
    queue("restarted")
    wait_for_the_end("stays")
    _operator(site, "scale", "deployment/webjobs-operator", "--replicas=0")
    try:
        _operator(site, "wait", "--for=delete", "pod", "-l", "app.kubernetes.io/component=operator", "--timeout=60s")
        job("away", seconds=2)
        job("late", seconds=2)
        queue("away")
        time.sleep(max(moments["late"] + 1 - time.time(), 0))  # the times must pass while nobody is there
        queue("late")
        assert not api.is_gone(jobs["away"])
    finally:
        _operator(site, "scale", "deployment/webjobs-operator", "--replicas=1")
        _operator(site, "rollout", "status", "deployment/webjobs-operator", "--timeout=60s")
    for name in ("away", "late", "restarted"):
        wait_for_the_end(name)
    time.sleep(1)  # what could begin wrongly would have
    assert {name: api.runs(one) for name, one in jobs.items()} == {key: [] for key in jobs}


def _state(site: Site) -> Any:
    schedules = site.objects("wjs", "webjobs.dev/kragle-job")
    kept = [(one["metadata"]["uid"], one["metadata"]["labels"], one["spec"]) for one in schedules]
    return kept, site.object("configmap", "webjobs-kragle")["data"]


def test_bad_input_changes_nothing(api: Client) -> None:
    used, free, first = api.schedule(period=3600), api.schedule(period=3600), stack(api)
    job = api.job(schedule_id=used, stack_id=first, name="kept", enabled=True)
    other = api.job(schedule_id=used, stack_id=first)
    body = {"schedule_id": used, "stack_id": first}
    before = _state(api.site)
    for code, method, path, sent in [
        (1, "GET", "/jobs?page=x", None),
        (1, "PUT", "/jobs/x", {}),
        (4, "POST", "/jobs", {"stack_id": first}),
        (4, "POST", "/jobs", body | {"unknown": 1}),
        (4, "PUT", f"/jobs/{job}", {"enabled": 1, "name": "changed"}),
        (6, "GET", "/jobs/byid/999999", None),
        (6, "GET", "/jobs/byname/nobody", None),
        (6, "DELETE", "/jobs/999999", None),
        (12, "POST", "/jobs", body | {"name": "kept"}),
        (12, "PUT", f"/jobs/{other}", {"name": "kept", "enabled": True}),
        (24, "POST", "/jobs", body | {"stack_id": 999999}),
        (24, "PUT", f"/jobs/{job}", {"stack_id": 999999, "name": "changed"}),
        (25, "POST", "/jobs", body | {"schedule_id": 999999}),
        (25, "PUT", f"/jobs/{job}", {"schedule_id": 999999, "enabled": False}),
        (26, "POST", "/schedules", {"config": {"period": 59}}),
        (26, "PUT", f"/schedules/{free}", {"config": {"period": 60, "timestamp": 1}}),
        (27, "PUT", f"/schedules/{used}", {"name": "changed"}),
        (27, "DELETE", f"/schedules/{used}", None),
    ]:
        status, found = api.ask(method, path, sent)
        assert (status, found["code"], sorted(found)) == (500, code, ["code", "msg"]), (method, path, sent)
    status, found = api.ask("POST", "/jobs", content=b'{"schedule_id":')
    assert (status, found["code"]) == (500, 2)
    login = {"username": api.site.stack.user, "password": "wrong"}
    status, found = api.ask("POST", "/login", login)
    assert (status, found["code"]) == (500, 3)
    for headers in ({"Cookie": api.cookie + "x"}, {"Cookie": ""}):
        status, found = api.ask("DELETE", f"/jobs/{job}", headers=headers)
        assert (status, found["code"]) == (403, 3)
    assert _state(api.site) == before


def test_inline_auth_and_the_site_s_other_credentials(api: Client) -> None:
    stack_ = api.site.stack
    body = {
        "auth": {"email": stack_.user, "password": stack_.password},
        "payload": {"schedule_id": api.schedule(period=60), "stack_id": stack(api)},
    }
    with httpx.Client(base_url=f"{stack_.url}/api/v1", timeout=30) as stranger:
        job = stranger.post("/jobs", json=body).json()["id"]
        assert stranger.get(f"/jobs/byid/{job}").status_code == 403
        basic = (stack_.user, stack_.password)
        assert stranger.get(f"/jobs/byid/{job}", auth=basic).json()["id"] == job
    token = api.site.kubectl("create", "token", "default").strip()
    bearer = {"Authorization": f"Bearer {token}", "Cookie": ""}
    rules = {"apiGroups": ["webjobs.dev"], "resources": ["webjobschedules"], "verbs": ["list"]}
    meta = {"name": "kragle-reader"}
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": meta, "rules": [rules]}
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": meta,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "kragle-reader"},
        "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": stacks.SITE}],
    }
    for manifest in (role, binding):
        api.site.kubectl("apply", "-f", "-", stdin=json.dumps(manifest))
    eventually(lambda: api.ask("GET", "/jobs", headers=bearer)[0] == 200, what="the right to list")
    assert api.ask("DELETE", f"/jobs/{job}", headers=bearer)[0] == 403
    api.site.kubectl("delete", "role/kragle-reader", "rolebinding/kragle-reader")
    api.ok("DELETE", f"/jobs/{job}")


def test_the_document_shows_it(api: Client) -> None:
    paths = api.site.http.get("/openapi.json").json()["paths"]
    assert {"get", "post"} == set(paths["/api/v1/jobs"])
