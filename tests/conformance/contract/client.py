"""Sends the calls of rows, and compares answers with them."""

from __future__ import annotations

import io
import json
import re
import time
import zipfile
from dataclasses import dataclass, field

import httpx

from tests.conformance.contract.matching import matches
from tests.conformance.contract.row import COMPARED, Call, Row
from tests.site import Site, eventually

SETTLED = {"both": "Running\r\n", "server": "Running\r\n", "stopped": "Stopped\r\n"}
"""What the continuous jobs say in detail."""


@dataclass
class Client:
    """Sends calls, and remembers what later ones need."""

    site: Site
    known: dict[str, str] = field(default_factory=dict)
    """Texts of placeholders in calls."""
    restarts: bool = False
    """App settings were written since the jobs were settled: continuous jobs start anew by that."""

    @property
    def base(self) -> str:
        """Scheme and host."""
        return str(self.site.http.base_url).rstrip("/")

    def fill(self, text: str) -> str:
        """A call's text with what is known."""
        return re.sub(r"<(etag|id|newest|oldest)>", lambda found: self.known[found[1]], text)

    def send(self, call: Call) -> httpx.Response:
        """The answer; of a log stream its first bytes."""
        http = self.site.http
        given = httpx.Headers({key.encode(): self.fill(value).encode() for key, value in call.headers.items()})
        content = call.content if call.content is not None or call.method in ("GET", "HEAD", "DELETE") else b""
        request = http.build_request(call.method, self.base + self.fill(call.url), headers=given, content=content)
        if "User-Agent" not in call.headers:
            request.headers["User-Agent"] = "contract/1"
        elif not call.headers["User-Agent"]:
            del request.headers["User-Agent"]
        answer = http.send(request, auth=httpx.USE_CLIENT_DEFAULT if call.auth else None, stream=True)
        try:
            if "logstream" in call.url.lower() and answer.status_code == 200:
                first = next(answer.iter_bytes())
                return httpx.Response(200, headers=answer.headers, content=first)
            answer.read()
        finally:
            answer.close()
        if call.method != "GET" and re.match("(/api)?/settings(/|$)", call.url, re.IGNORECASE):
            self.restarts = True
        if tag := answer.headers.get("etag"):
            self.known["etag"] = tag
        if (found := re.match(rb'\{"id":"(\d+)"|\[\{"id":"(\d+)"', answer.content)) and "hooks" in call.url.lower():
            self.known["id"] = (found[1] or found[2]).decode()
        return answer

    def settle(self) -> None:
        """Waits until the jobs are as the rows know them: none has a second instance."""

        def look() -> bool:
            jobs = self.site.http.get("/api/continuouswebjobs").json()
            found = {job["name"]: re.sub("^[0-9a-f]{6} - ", "", job["detailed_status"]) for job in jobs}
            planned = self.site.http.get("/api/triggeredwebjobs/planned").json()["scheduler_logs_url"]
            return bool(planned) and found == SETTLED

        if self.restarts:
            time.sleep(1)  # the operator has to hear of it, or the jobs would look as before
        eventually(look, seconds=60, what="the state of the jobs")
        self.restarts = False


def shown(answer: httpx.Response) -> str:
    """The whole body as a text; a zip as the object of its files."""
    if answer.headers.get("content-type") == "application/zip":
        with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
            found = {name: archive.read(name).decode() for name in archive.namelist()}
        return json.dumps(found, separators=(",", ":"))
    return answer.content.decode()


def check(client: Client, row: Row) -> None:
    """One row: status, the whole body, and every header that counts."""
    client.known.pop("etag", None)
    try:
        for call in row.before:
            assert client.send(call).status_code < 300, call
        answer = client.send(row.call)
        assert answer.status_code == row.status, answer.text
        text = shown(answer)
        assert matches(client.fill(row.body), text, base=client.base), f"{text!r}\nis not\n{row.body!r}"
        found = {name: answer.headers[name] for name in COMPARED if name in answer.headers}
        assert found.keys() == row.expected.keys(), found
        for name, value in row.expected.items():
            assert matches(value, found[name], base=client.base), (name, found[name], value)
        length = answer.headers.get("content-length")
        if row.call.method != "HEAD" and length is not None:
            assert length == str(len(answer.content))
        if not text and row.call.method != "HEAD" and row.status not in (204, 304):
            assert length == "0"
    finally:
        for call in row.after:
            client.send(call)
