"""Uploads a job to the REST shim, runs it, compares its log and deletes it: the program of ``helm test``.

It runs in the project's image, and needs the standard library alone. Settings are in the environment: WEBJOBS_URL,
WEBJOBS_IMAGE (of the job), WEBJOBS_CREDENTIALS (a directory with the files username and password), WEBJOBS_SECONDS (for
the run), and WEBJOBS_CERTIFICATE (a file: the one certificate that is believed).
"""

import base64
import http.client
import io
import json
import os
import secrets
import signal
import ssl
import sys
import time
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

ENDS = ("Success", "Failed", "Aborted")
SCRIPT = 'echo "$1 from $WEBJOBS_NAME"\n'


class Failure(Exception):
    """A step that did not come out as it should; the message is for people."""


class Site:
    """The REST API of the default site."""

    def __init__(self, url: str, *, credentials: Path, certificate: str = "") -> None:
        self._url = url
        pair = ":".join((credentials / key).read_text().rstrip("\r\n") for key in ("username", "password"))
        self._headers = {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        self._context = _believing(certificate) if certificate else None

    def _connection(self) -> http.client.HTTPConnection:
        parts = urlsplit(self._url)
        if self._context:
            return http.client.HTTPSConnection(parts.hostname or "", parts.port, timeout=30, context=self._context)
        return http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)

    def ask(
        self, method: str, path: str, *, expect: int, body: bytes | None = None, **headers: str
    ) -> tuple[str, bytes]:
        """Return the Location and the body of an answer. Raises Failure for another status, or none."""
        connection = self._connection()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, body=body, headers=self._headers | named)
            answer = connection.getresponse()
            content = answer.read()
        except (OSError, http.client.HTTPException) as problem:
            raise Failure(f"{method} {path}: no answer of {self._url}: {problem}") from None
        finally:
            connection.close()
        if answer.status != expect:
            raise Failure(
                f"{method} {path}: {answer.status}, and not {expect}: {content[:500].decode(errors='replace')}"
            )
        return answer.headers.get("Location", ""), content


def _believing(certificate: str) -> ssl.SSLContext:
    """Return a context that believes this one certificate, whatever names are in it: the Service's is none of them."""
    context = ssl.create_default_context(cafile=certificate)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def package(image: str) -> bytes:
    """Return the zip of a job that prints its argument and runs in an image."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("run.sh", SCRIPT)
        archive.writestr("settings.job", json.dumps({"image": image}))
    return out.getvalue()


def check(site: Site, job: str, *, image: str, seconds: float) -> None:
    """Run a job, compare its log and delete it. Raises Failure."""
    route, word = f"/api/triggeredwebjobs/{job}", secrets.token_hex(8)
    zipped = {"Content_Type": "application/zip", "Content_Disposition": f"attachment; filename={job}.zip"}
    site.ask("PUT", route, expect=200, body=package(image), **zipped)
    print(f"{job}: uploaded", flush=True)
    try:
        location, _ = site.ask("POST", f"{route}/run?arguments={word}", expect=202)
        run = _ended(site, urlsplit(location).path, seconds=seconds)
        _, log = site.ask("GET", urlsplit(run["output_url"]).path, expect=200)
        text = log.decode(errors="replace")
        if run["status"] != "Success":
            raise Failure(f"the run ended as {run['status']}:\n{text}")
        if f"{word} from {job}" not in text:
            raise Failure(f"the log does not have what the job printed:\n{text}")
    finally:
        site.ask("DELETE", route, expect=200)
        print(f"{job}: deleted", flush=True)


def _ended(site: Site, path: str, *, seconds: float) -> dict[str, str]:
    """Return a run as the history shows it, once it has ended. Raises Failure when that takes too long."""
    deadline, before = time.monotonic() + seconds, ""
    while True:
        _, content = site.ask("GET", path, expect=200)
        run: dict[str, str] = json.loads(content)
        if run["status"] != before:
            before = run["status"]
            print(f"{path}: {before}", flush=True)
        if before in ENDS:
            return run
        if time.monotonic() >= deadline:
            raise Failure(
                f"the run is {before} after {seconds:g} s: look at `kubectl describe pod` in the site's namespace"
            )
        time.sleep(0.5)


def main() -> int:
    """Exit code 0 when a job ran as it should."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended from outside"))  # and what was made is deleted
    settings = os.environ
    try:
        directory = Path(settings["WEBJOBS_CREDENTIALS"])
        site = Site(settings["WEBJOBS_URL"], credentials=directory, certificate=settings.get("WEBJOBS_CERTIFICATE", ""))
        job = f"helm-test-{secrets.token_hex(4)}"
        check(site, job, image=settings["WEBJOBS_IMAGE"], seconds=float(settings["WEBJOBS_SECONDS"]))
    except Failure as failure:
        problem: BaseException | None = failure
        while problem:  # one of the deletion has hidden what came before
            if isinstance(problem, Failure):
                print(f"failed: {problem}", file=sys.stderr)
            problem = problem.__context__
        return 1
    print("a job was uploaded, ran, and its log has what it printed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
