"""Pages of other sites in a browser that knows the login, and pages that a job or a file would like to be."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.site import Site, eventually

PAGE = "<html><script>fetch('/api/settings')</script></html>"
SERVER = """
import http.server, os
class Evil(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print("asked", dict(self.headers), flush=True)
        body = b"<script>fetch('/api/settings')</script>"
        self.send_response(200)
        for name, value in [
            ("Content-Type", "text/html"), ("Set-Cookie", "auth_tkt=stolen; Path=/"), ("Set-Cookie", "mine=1"),
            ("Clear-Site-Data", '"*"'), ("Strict-Transport-Security", "max-age=1"), ("Service-Worker-Allowed", "/"),
            ("Content-Security-Policy", "default-src *"), ("X-Content-Type-Options", "sniff"),
            ("Access-Control-Allow-Origin", "*"), ("Access-Control-Allow-Credentials", "true"),
            ("Content-Length", str(len(body))),
        ]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
http.server.ThreadingHTTPServer(("", int(os.environ["WEBJOBS_PORT"])), Evil).serve_forever()
"""
ARM = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Web/sites/shop"
FOREIGN = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "Cross-Site", "Origin": "{own}"},
    {"Sec-Fetch-Site": "nonsense"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "{own}.evil.example"},
    {"Origin": "http://user@evil.example"},
    {"Origin": "{own}@evil.example"},
    {"Origin": "file://"},
    {"Origin": "http://["},
]
WRITES = [
    ("POST", "/api/triggeredwebjobs/target/run"),
    ("POST", "/jobs/triggered/target/run"),
    ("PUT", "/api/triggeredwebjobs/target"),
    ("DELETE", "/api/triggeredwebjobs/target"),
    ("PUT", "/api/triggeredwebjobs/target/settings"),
    ("POST", "/api/settings"),
    ("POST", "/api/hooks"),
    ("PUT", "/api/vfs/site/wwwroot/App_Data/jobs/triggered/target/x"),
    ("DELETE", "/api/vfs/site/wwwroot/App_Data/jobs/triggered/target/run.sh"),
    ("PUT", "/api/zip/site/wwwroot/"),
    ("POST", "/api/continuouswebjobs/page/stop"),
    ("POST", "/api/continuouswebjobs/page/passthrough/x"),
    ("POST", "/api/v1/jobs"),
    ("POST", "/api/v1/login"),
    ("POST", ARM + "/triggeredwebjobs/target/run"),
    ("DELETE", ARM + "/triggeredwebjobs/target"),
]


@pytest.fixture(scope="module", autouse=True)
def target(site: Site) -> Iterator[None]:
    site.put_script("target", "echo x\n")
    site.put_script("page", SERVER, file_name="run.py", kind="continuous")
    for name in ("evil.html", "evil.svg", "evil.js", "evil.xml", "evil"):
        path = f"/api/vfs/site/wwwroot/App_Data/jobs/triggered/target/{name}"
        assert site.http.put(path, content=PAGE.encode()).status_code == 201
    eventually(lambda: site.http.get("/api/continuouswebjobs/page/passthrough/").status_code == 200, seconds=60)
    yield
    site.http.delete("/api/triggeredwebjobs/target")
    site.http.delete("/api/continuouswebjobs/page")


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_a_foreign_page_writes_nothing(site: Site, method: str, path: str) -> None:
    before = site.object("wj", "target")["spec"], site.object("wj", "page")["spec"], len(site.objects("wjr"))
    own = site.stack.url
    for headers in FOREIGN:
        told = {name: value.format(own=own) for name, value in headers.items()}
        for kind in ("text/plain", "application/x-www-form-urlencoded", "application/json"):
            more = {"Content-Type": kind, "If-Match": "*", "Content-Disposition": "attachment; filename=run.sh"}
            answer = site.http.request(method, path, headers=told | more, content=b'{"A": "b"}')
            assert answer.status_code == 403, f"{told}: {answer.text}"
    after = site.object("wj", "target")["spec"], site.object("wj", "page")["spec"], len(site.objects("wjr"))
    assert after == before


def test_an_own_page_and_a_program_write(site: Site) -> None:
    own = {"Origin": site.stack.url}
    for headers in ({}, own, own | {"Sec-Fetch-Site": "same-origin"}, {"Sec-Fetch-Site": "none"}):
        assert site.http.post("/api/settings", json={"BROWSER": "1"}, headers=headers).status_code == 204
    assert site.http.delete("/api/settings/BROWSER", headers=own).status_code == 204


@pytest.mark.parametrize("host", ["evil.example", "localhost"])
def test_a_name_that_is_rebound_is_its_own_origin_and_needs_a_login(site: Site, host: str) -> None:
    """A browser sends a page of evil.example no login of another host, whatever address the name has."""
    answer = httpx.post(
        f"{site.stack.url}/api/settings", headers={"Host": host, "Origin": f"http://{host}"}, json={"A": "b"}
    )
    assert answer.status_code == 401


@pytest.mark.parametrize("path", ["/api/webjobs", "/api/settings", "/api/v1/jobs", "/api/vfs/", ARM + "/webjobs", "/x"])
@pytest.mark.parametrize("login", [True, False])
def test_preflights_allow_nothing(site: Site, path: str, login: bool) -> None:
    headers = {
        "Origin": "https://evil.example",
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "authorization,content-type",
        "Access-Control-Request-Private-Network": "true",
    }
    url = site.stack.url + path
    answers = [httpx.options(url, headers=headers, auth=site.http.auth if login else None)]
    answers.append(httpx.get(url, headers={"Origin": "https://evil.example"}, auth=site.http.auth if login else None))
    for answer in answers:
        assert not [name for name in answer.headers if name.startswith("access-control-")], answer.headers
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("name", ["evil.html", "evil.svg", "evil.js", "evil.xml", "evil"])
@pytest.mark.parametrize("root", ["/api/vfs", "/vfs", "/API/VFS/"])
def test_files_are_no_pages_of_ours(site: Site, name: str, root: str) -> None:
    answer = site.http.get(f"{root}/site/wwwroot/App_Data/jobs/triggered/target/{name}")
    assert answer.text == PAGE
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"


@pytest.mark.parametrize(
    "path", ["/nothing", "/api/webjobs/<script>", "/api/vfs/<svg onload=alert(1)>", "/api/vfs/%00"]
)
def test_errors_are_no_pages_of_ours(site: Site, path: str) -> None:
    answer = site.http.get(path)
    assert 400 <= answer.status_code < 500
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "text/html" not in answer.headers.get("content-type", "")


def _job_log(site: Site) -> str:
    return site.http.get("/api/vfs/data/jobs/continuous/page/job_log.txt").text


def test_a_jobs_page_is_no_page_of_ours(site: Site) -> None:
    cookies = {"auth_tkt": "ours-3c59dc048e88", "theme": "dark"}
    answer = httpx.get(
        f"{site.stack.url}/api/continuouswebjobs/page/passthrough/", auth=site.http.auth, cookies=cookies
    )
    assert not [one for one in answer.headers.get_list("set-cookie") if "auth_tkt" in one.lower()]
    assert "theme=dark" in eventually(
        lambda: told if "theme=dark" in (told := _job_log(site)) else None, what="its log"
    )
    policies = answer.headers.get_list("content-security-policy")
    assert policies[-1].startswith("sandbox ")
    assert "allow-same-origin" not in " ".join(policies)
    assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
    for name in ("clear-site-data", "strict-transport-security", "service-worker-allowed"):
        assert name not in answer.headers
    log = _job_log(site)
    for secret in (site.stack.password, "ours-3c59dc048e88", "Basic "):
        assert secret not in log


def test_the_cookie_of_a_login(site: Site) -> None:
    """A browser that has it sends it for no page of another site, and no script reads it."""
    login = {"username": site.stack.user, "password": site.stack.password}
    answer = httpx.post(f"{site.stack.url}/api/v1/login", json=login)
    assert answer.headers.get_list("set-cookie"), answer.text
    for cookie in answer.headers.get_list("set-cookie"):
        assert "httponly" in cookie.lower()
        assert "samesite=" in cookie.lower()
    assert site.stack.password not in str(answer.headers)
    assert "domain=" not in str(answer.headers.get_list("set-cookie")).lower(), "for this host only"
