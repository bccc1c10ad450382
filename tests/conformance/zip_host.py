"""A host of a zip inside of the cluster: a WebJob that serves the zip in its own script."""

from __future__ import annotations

import subprocess
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tests.site import Site, eventually, zip_of

NAME = "zip-host"
_SERVER = """\
import base64, http.server, os

class Host(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        there = self.path.partition("?")[0] == "/site.zip"
        content = base64.b64decode(ZIP) if there else b""
        self.send_response(200 if there else 404)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

server = http.server.ThreadingHTTPServer(("", int(os.environ["WEBJOBS_PORT"])), Host)
print("serving", flush=True)
server.serve_forever()
"""


@contextmanager
def zip_host(site: Site, files: Mapping[str, str | bytes]) -> Iterator[str]:
    """Give the address of a zip of files."""
    text = f"ZIP = {b64encode(zip_of(files))!r}\n{_SERVER}"
    site.apply(NAME, {"type": "continuous", "script": {"fileName": "run.py", "text": text}})
    try:
        eventually(lambda: "serving" in _log(site), seconds=60, what="the host of the zip")
        (pod,) = site.pods(NAME)
        yield f"http://{pod['status']['podIP']}:8100/site.zip"
    finally:
        site.kubectl("delete", "wj", NAME)


def _log(site: Site) -> str:
    try:
        return site.kubectl("logs", "-l", f"webjobs.dev/webjob={NAME}", "-c", "job")
    except subprocess.CalledProcessError:
        return ""
