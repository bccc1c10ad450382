"""Files by VFS and zip, log streams and passthrough, on a real cluster."""

from __future__ import annotations

import io
import threading
import zipfile
from urllib.parse import quote

import httpx

from tests.site import Site, eventually, zip_of

JOBS = "/api/vfs/site/wwwroot/App_Data/jobs"
LONG_NAME = "Job file with long name and accents àéè"
ANY = {"If-Match": "*"}


def test_a_script_written_by_vfs_runs(site: Site) -> None:
    folder = f"{JOBS}/triggered/by-vfs"
    assert site.http.put(f"{folder}/lib/words.txt", content=b"hello from a file\n").status_code == 201
    assert site.http.get("/api/triggeredwebjobs/by-vfs").status_code == 404, "no script, no job"
    assert site.http.put(f"{folder}/run.sh", content=b"cat lib/words.txt\n").status_code == 201
    run = site.ended(site.run("by-vfs").headers["Location"])
    assert "INFO] hello from a file" in site.log(run)
    assert site.http.put(f"{folder}/lib/words.txt", content=b"x").status_code == 412
    assert site.http.put(f"{folder}/lib/words.txt", content=b"changed\n", headers=ANY).status_code == 204
    again = eventually(
        lambda: answer if (answer := site.run("by-vfs")).status_code == 202 else None, what="the next run"
    )
    log = site.log(site.ended(again.headers["Location"]))
    assert "INFO] changed" in log
    # the log's own URL, in parts
    url = site.http.get(again.headers["Location"]).json()["output_url"]
    eventually(lambda: "etag" in site.http.head(url).headers, what="the archived log")
    part = site.http.get(url, headers={"Range": "bytes=0-10"})
    assert (part.status_code, part.text) == (206, log[:11])
    assert site.http.delete(f"{folder}?recursive=true").status_code == 200
    eventually(lambda: not site.objects("wj,job,pod,configmap", "webjobs.dev/webjob=by-vfs"), what="the end")


def test_a_continuous_job_that_loses_its_script_and_gets_it_back(site: Site) -> None:
    folder = f"{JOBS}/continuous/hider"
    site.http.put(f"{folder}/run.sh", content=b"sleep 1000\n")
    site.kubectl("wait", "--for=condition=Ready", "wj/hider", "--timeout=30s")
    assert site.http.delete(f"{folder}/run.sh", headers=ANY).status_code == 200
    assert site.http.get("/api/continuouswebjobs/hider").status_code == 404
    eventually(lambda: not site.objects("deployment", "webjobs.dev/webjob=hider"), what="the end of the deployment")
    site.http.put(f"{folder}/run.sh", content=b"sleep 1000\n")
    assert site.http.put(f"{folder}/settings.job", content=b'{"is_singleton": true}').status_code == 201
    assert site.http.put(f"{folder}/disable.job", content=b"").status_code == 201
    eventually(lambda: site.http.get("/api/continuouswebjobs/hider").json()["status"] == "Stopped", what="the stop")
    assert site.http.delete(f"{folder}/disable.job", headers=ANY).status_code == 200
    site.kubectl("wait", "--for=condition=Ready", "wj/hider", "--timeout=30s")
    assert site.object("deployment", "hider")["spec"]["strategy"]["type"] == "Recreate"
    site.http.delete("/api/continuouswebjobs/hider")


def test_a_zip_of_a_whole_site(site: Site) -> None:
    root = "App_Data/jobs"
    files: dict[str, str | bytes] = {
        "index.html": "<html>",
        f"{root}/triggered/zip-one/run.sh": "echo one\n",
        f"{root}/triggered/zip-two/run.py": "print('two')\n",
        f"{root}/continuous/zip-three/run.sh": "echo three; sleep 1000\n",
        f"{root}/continuous/zip-three/big.bin": bytes(range(256)) * 8192,
    }
    put = site.http.put("/api/zip/site/wwwroot/", content=zip_of(files))
    assert (put.status_code, put.headers["x-webjobs-ignored-files"]) == (200, "1")
    for name, text in (("zip-one", "one"), ("zip-two", "two")):
        assert f"INFO] {text}" in site.log(site.ended(site.run(name).headers["Location"]))
    site.kubectl("wait", "--for=condition=Ready", "wj/zip-three", "--timeout=60s")
    back = site.http.get("/api/zip/site/wwwroot/")
    with zipfile.ZipFile(io.BytesIO(back.content)) as archive:
        assert archive.testzip() is None
        for path, content in files.items():
            if path != "index.html":
                assert archive.read(path) == (content.encode() if isinstance(content, str) else content)
    for kind, name in (("triggered", "zip-one"), ("triggered", "zip-two"), ("continuous", "zip-three")):
        assert site.http.delete(f"/api/{kind}webjobs/{name}").status_code == 200


def test_a_long_name_with_accents(site: Site) -> None:
    path = f"/api/triggeredwebjobs/{quote(LONG_NAME)}"
    headers = {b"Content-Disposition": f'attachment; filename="{LONG_NAME}.sh"'.encode()}
    put = site.http.put(path, content=b'echo "I am $WEBJOBS_NAME: $1"\n', headers=headers)
    assert (put.status_code, put.json()["run_command"]) == (200, f"{LONG_NAME}.sh")
    started = site.http.post(f"{path}/run", params={"arguments": '"à b"'})
    assert started.status_code == 202
    run = site.ended(started.headers["Location"])
    assert run["job_name"] == LONG_NAME
    log = site.log(run)
    assert f"Run script '{LONG_NAME}.sh' with script host - 'BashScriptHost'" in log
    assert f"INFO] I am {LONG_NAME}: à b" in log
    listed = site.http.get(f"{JOBS}/triggered/").json()
    (href,) = (entry["href"] for entry in listed if entry["name"] == LONG_NAME)
    (file,) = site.http.get(href).json()
    assert "$WEBJOBS_NAME" in site.http.get(file["href"]).text
    assert site.http.delete(href + "?recursive=true").status_code == 200


SERVER = """
import http.server, os
class Echo(http.server.BaseHTTPRequestHandler):
    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        text = f"{self.command} {self.path} {self.headers.get('Authorization')} {body.decode()}".encode()
        self.send_response(203)
        self.send_header("X-Mine", "yes")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
    do_GET = do_PUT = do_POST = do_DELETE = do_PATCH = answer
http.server.ThreadingHTTPServer(("", int(os.environ["WEBJOBS_PORT"])), Echo).serve_forever()
"""


def test_passthrough(site: Site) -> None:
    url = "/api/continuouswebjobs/web/passthrough/a%20b?c=d"
    assert site.http.get(url).status_code == 404
    site.put_script("web", SERVER, file_name="run.py", kind="continuous")
    site.kubectl("wait", "--for=condition=Ready", "wj/web", "--timeout=30s")
    eventually(lambda: site.http.get(url).status_code == 203, what="the server")
    for method in ("GET", "PUT", "POST", "DELETE", "PATCH"):
        answer = site.http.request(method, url, content=b"hello")
        assert (answer.status_code, answer.headers["x-mine"]) == (203, "yes")
        assert answer.text == f"{method} /a%20b?c=d None hello"
    site.http.delete("/api/continuouswebjobs/web")


def test_a_stream_shows_a_line_while_the_run_goes_on(site: Site) -> None:
    site.put_script("talker", "sleep 2; echo first; sleep 600\n")
    seen: list[str] = []
    ready, found = threading.Event(), threading.Event()

    def listen() -> None:
        with (
            httpx.Client(base_url=site.stack.url, auth=(site.stack.user, site.stack.password), timeout=60) as client,
            client.stream("GET", "/api/logstream/jobs/triggered/talker") as answer,
        ):
            assert answer.status_code == 200
            for line in answer.iter_lines():
                seen.append(line)
                ready.set()
                if "talker: first" in line:
                    found.set()
                    return

    listener = threading.Thread(target=listen, daemon=True)
    listener.start()
    assert ready.wait(10), "the stream begins"
    location = site.run("talker").headers["Location"]
    assert found.wait(40), seen
    assert site.http.get(location).json()["status"] == "Running"
    listener.join(10)
    assert not listener.is_alive()
    assert "Welcome" in seen[0]
    assert any("talker: first" in entry["message"] for entry in site.http.get("/api/logs/recent").json())
    site.http.delete("/api/triggeredwebjobs/talker")


def test_a_stopped_site(site: Site) -> None:
    site.put_script("idle", "true\n")
    assert site.http.post("/api/settings", json={"WEBJOBS_STOPPED": "1"}).status_code == 204
    try:
        assert site.object("secret", "webjobs-settings")["data"]["WEBJOBS_STOPPED"] == "MQ=="
        refused = site.run("idle")
        assert (refused.status_code, refused.text) == (409, 'WebJobs are currently in "stopped" state.')
    finally:
        assert site.http.delete("/api/settings/WEBJOBS_STOPPED").status_code == 204
    assert site.ended(site.run("idle").headers["Location"])["status"] == "Success"
    site.http.delete("/api/triggeredwebjobs/idle")


RECEIVER = SERVER.replace("text = f", "print('told', body.decode(), flush=True); text = f")


def test_a_hook_is_told_of_an_ended_run(site: Site) -> None:
    site.put_script("receiver", RECEIVER, file_name="run.py", kind="continuous")
    site.kubectl("wait", "--for=condition=Ready", "wj/receiver", "--timeout=30s")
    (pod,) = site.objects("pod", "webjobs.dev/webjob=receiver")
    hook = {"event": "TriggeredJobFinished", "url": f"http://{pod['status']['podIP']}:8100/"}
    made = site.http.post("/api/hooks", json=hook)
    assert made.status_code == 201
    site.put_script("told", "exit 3\n")
    run = site.ended(site.run("told").headers["Location"])
    log = "/vfs/data/jobs/continuous/receiver/job_log.txt"
    text = eventually(lambda: text if "told {" in (text := site.http.get(log).text) else None, what="the call")
    assert f'"id": "{run["id"]}"' in text
    assert '"status": "Failed"' in text
    assert text.count("told {") == 1
    assert site.http.delete(f"/api/hooks/{made.json()['id']}").status_code == 200
    assert site.http.get("/api/hooks").text == "[]"
    for kind, name in (("continuous", "receiver"), ("triggered", "told")):
        site.http.delete(f"/api/{kind}webjobs/{name}")
