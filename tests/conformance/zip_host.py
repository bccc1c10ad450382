"""A host of zips inside of the cluster: a WebJob that serves what it was uploaded with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from tests.site import Site, eventually, zip_of

_SERVER = """\
import http.server, os
server = http.server.ThreadingHTTPServer(("", int(os.environ["WEBJOBS_PORT"])), http.server.SimpleHTTPRequestHandler)
print("serving", flush=True)
server.serve_forever()
"""
_LOG = "/api/vfs/data/jobs/continuous/zip-host/job_log.txt"


@contextmanager
def zip_host(site: Site, files: Mapping[str, str | bytes]) -> Iterator[str]:
    """Give the address of a zip of files."""
    content = zip_of({"run.py": _SERVER, "site.zip": zip_of(files)})
    assert site.upload("zip-host", content, kind="continuous").status_code == 200
    try:
        eventually(lambda: "serving" in site.http.get(_LOG).text, seconds=60, what="the host of the zip")
        (pod,) = site.pods("zip-host")
        yield f"http://{pod['status']['podIP']}:8100/site.zip"
    finally:
        site.http.delete("/api/continuouswebjobs/zip-host")
