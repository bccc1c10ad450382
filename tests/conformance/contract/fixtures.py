"""The jobs that are there while rows are tried; those who change something make jobs of their own."""

from __future__ import annotations

import json

from tests.conformance.contract import shapes
from tests.conformance.contract.row import Call, put, upload
from tests.site import zip_of

ACCENTS = "Café au lait"
ACCENTS_ESCAPED = "Caf%C3%A9%20au%20lait"
ZIP = {"Content_Disposition": "attachment; filename=job.zip", "Content_Type": "application/zip"}
SETTINGS = '{"deep":{"list":[1,null,true,"60"]},"note":"é / ü"}'
"""In the order of the keys that Kubernetes keeps (docs/rest.md)."""

_SERVER = """
import http.server, os

class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self):
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        body = f"{self.command} {self.path} {sent}".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/x-answer")
        self.send_header("ETag", '"own"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PATCH = answer

http.server.HTTPServer(("", int(os.environ["WEBJOBS_PORT"])), Handler).serve_forever()
"""

_RAN = zip_of({"run.sh": 'echo "hello $*"\ntest "$1" != fail\n', "settings.job": SETTINGS})
_SCHEDULED = zip_of({"run.sh": "echo tick\n", "settings.job": json.dumps({"schedule": "0 0 0 1 1 *"})})
_AWAKE = "echo awake\nexec sleep 100000\n"

MAKE: tuple[Call, ...] = (
    put("/api/triggeredwebjobs/ran", _RAN, **ZIP),
    put("/api/triggeredwebjobs/planned", _SCHEDULED, **ZIP),
    upload("triggered", "fresh"),
    upload("triggered", "both"),
    upload("triggered", ACCENTS_ESCAPED),
    upload("continuous", "both", _AWAKE),
    upload("continuous", "server", _SERVER, file_name="run.py"),
    upload("continuous", "stopped", _AWAKE),
    Call(method="POST", url="/api/continuouswebjobs/stopped/stop"),
)

RUNS = (
    Call(method="POST", url="/api/triggeredwebjobs/ran/run?arguments=fail+now"),
    Call(method="POST", url="/api/triggeredwebjobs/ran/run", headers={"User-Agent": ""}),
)
"""One after another; the last is the newest."""


def newest(of: int = 1, *, identifier: str = "<run id>") -> str:
    """The newest run of the job that ran."""
    return shapes.run("ran", identifier=identifier, status="Success", trigger="External - ", of=of)


def oldest(of: int = 1, *, identifier: str = "<run id>") -> str:
    """The first one."""
    return shapes.run("ran", identifier=identifier, status="Failed", trigger="External - contract/1", of=of)


TRIGGERED = {
    "both": shapes.triggered("both"),
    ACCENTS: shapes.triggered(ACCENTS),
    "fresh": shapes.triggered("fresh"),
    "planned": shapes.triggered("planned", settings='{"schedule":"0 0 0 1 1 *"}', planned=True),
    "ran": shapes.triggered("ran", settings=SETTINGS, latest=newest()),
}
"""As clients see them, in the order of the list."""


def _continuous(name: str, status: str, *, of: int, command: str = "run.sh") -> str:
    return shapes.continuous(name, status=status, detailed=f"<instance {of}> - {status}\\r\\n", command=command)


CONTINUOUS = {
    "both": _continuous("both", "Running", of=1),
    "server": _continuous("server", "Running", of=2, command="run.py"),
    "stopped": _continuous("stopped", "Stopped", of=3),
}
