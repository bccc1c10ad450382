"""Bad uploads are a clear 4xx, and the job that was there still runs."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from collections.abc import Iterator

import httpx
import pytest

from tests.site import Site, zip_of

GOOD = zip_of({"run.sh": "echo still here\n"})


def bomb() -> bytes:
    """64 MiB of zeros, 300 times smaller packed."""
    return zip_of({"run.sh": "true", "zeros": bytes(64 * 2**20)})


def encrypted() -> bytes:
    """A zip whose entry says that it is encrypted."""
    content = bytearray(zip_of({"run.sh": "true"}))
    content[content.index(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def special(mode: int, content: str = "") -> bytes:
    """A zip whose script is no regular file. ``mode``: as of a Unix inode."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        info = zipfile.ZipInfo("run.sh")
        info.external_attr = mode << 16
        archive.writestr(info, content)
    return out.getvalue()


@pytest.fixture(scope="module")
def job(site: Site) -> Iterator[str]:
    assert site.upload("solid", GOOD).status_code == 200
    yield "solid"
    site.http.delete("/api/triggeredwebjobs/solid")


UPLOADS = {
    "corrupt": (GOOD[:-30], "not a readable zip"),
    "no zip at all": (b"#!/bin/sh\n", "not a readable zip"),
    "empty": (b"", "not a readable zip"),
    "climbs out": (zip_of({"run.sh": "true", "../../evil.sh": "true"}), "outside of its folder"),
    "absolute": (zip_of({"/etc/cron.d/evil": "true"}), "absolute path"),
    "drive": (zip_of({"C:\\run.cmd": "true"}), "absolute path"),
    "bomb": (bomb(), "times its size"),
    "encrypted": (encrypted(), "encrypted"),
    "link": (special(0o120777, "/etc/passwd"), "symbolic link"),
    "device": (special(0o060666), "special file"),
    "too many entries": (zip_of({f"{number}": "" for number in range(100_000)}), "at most 10000 are allowed"),
    "nothing to run": (zip_of({"readme.md": "hello"}), "No runnable script file was found."),
    "no files": (zip_of({}), "No runnable script file was found."),
}


@pytest.mark.parametrize("name", UPLOADS)
def test_bad_zip(site: Site, job: str, name: str) -> None:
    content, message = UPLOADS[name]
    before = site.object("wj", job)["spec"]
    answer = site.upload(job, content)
    assert answer.status_code == 400
    assert message in answer.text
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert site.object("wj", job)["spec"] == before


def test_an_endless_stream_is_cut_off(site: Site, job: str) -> None:
    """1 GiB is offered to a pod that may use half of that: refused at the limit of an upload, in bounded memory."""
    content = (bytes(2**20) for _ in range(1024))
    headers = {"Content-Type": "application/zip", "Content-Disposition": "attachment; filename=big.zip"}
    try:
        status = site.http.put(f"/api/triggeredwebjobs/{job}", content=content, headers=headers).status_code
    except httpx.WriteError:
        status = 413  # the connection was closed while we were still sending
    assert status == 413
    pods = site.kubectl(
        "get", "pods", "-l", "app.kubernetes.io/component=apiserver", "-o", "json", namespace="webjobs-system"
    )
    restarts = [c["restartCount"] for pod in json.loads(pods)["items"] for c in pod["status"]["containerStatuses"]]
    assert restarts == [0], "its memory is bounded"


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({}, "Missing Content-Disposition header."),
        ({"Content-Disposition": "attachment"}, "Missing Content-Disposition header."),
        ({"Content-Disposition": "attachment; filename=notes.txt"}, "No runnable script file was found."),
    ],
)
def test_bad_headers(site: Site, job: str, headers: dict[str, str], message: str) -> None:
    answer = site.http.put(f"/api/triggeredwebjobs/{job}", content=b"true", headers=headers)
    assert (answer.status_code, answer.text) == (400, message)


@pytest.mark.parametrize("name", ["a%3Ab", "%2e%2e", "x" * 200, "a%00b", "bad%7Cname"])
def test_bad_name(site: Site, name: str) -> None:
    headers = {"Content-Disposition": "attachment; filename=run.sh"}
    answer = site.http.put(f"/api/triggeredwebjobs/{name}", content=b"true", headers=headers)
    assert 400 <= answer.status_code < 500
    assert answer.text


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"webjobs:wrong").decode(),
        "Basic " + base64.b64encode(b"webjobs").decode(),
        "Bearer something",
    ],
)
@pytest.mark.parametrize("path", ["/api/triggeredwebjobs/solid", "/api/triggeredwebjobs/nothing", "/nowhere"])
def test_wrong_credentials_learn_nothing(site: Site, job: str, path: str, authorization: str | None) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    answer = httpx.get(site.stack.url + path, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Basic")


def test_packages_are_for_pods_of_their_namespace_only(site: Site, job: str) -> None:
    digest = site.object("wj", job)["spec"]["package"]["digest"]
    url = f"{site.stack.url}/internal/packages/shop/{digest}"
    foreign = site.kubectl("create", "token", "default", "--audience=webjobs.dev/packages", namespace="default").strip()
    wrong_audience = site.kubectl("create", "token", "default").strip()
    right = site.kubectl("create", "token", "default", "--audience=webjobs.dev/packages").strip()
    codes = {
        name: httpx.get(url, headers={"Authorization": f"Bearer {token}"}).status_code
        for name, token in {"foreign": foreign, "audience": wrong_audience, "junk": "x", "right": right}.items()
    }
    assert codes["right"] == 200
    assert all(codes[name] in (401, 403) for name in ("foreign", "audience", "junk"))
    assert site.http.get(url).status_code in (401, 403), "the site's own credentials open no packages"


def test_after_all_that_the_job_still_runs(site: Site, job: str) -> None:
    run = site.ended(site.run(job).headers["Location"])
    assert run["status"] == "Success"
    assert "still here" in site.log(run)
