"""A deployment of 200 MB with 20 jobs: in bounded memory, and its time beside that of unzip."""

from __future__ import annotations

import os
import time
import zipfile
from pathlib import Path

import pytest

from tests.faults import peak
from tests.site import Site

JOBS, FILES = 20, 10
SIZE = 2**20
"""Bytes of each file: 200 of them, and none can be made smaller."""
MOST = 160 * 2**20
"""Bytes of memory that the shim may ever have, whatever the size of a zip."""


@pytest.mark.parametrize("content", [False, True], ids=["jobs", "jobs in a web site"])
def test_two_hundred_megabytes(site: Site, tmp_path: Path, content: bool) -> None:
    """``content``: the large files are the site's, and the jobs are small."""
    package = tmp_path / "site.zip"
    with zipfile.ZipFile(package, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(JOBS):
            job = f"App_Data/jobs/triggered/job{number:02d}"
            archive.writestr(f"{job}/run.sh", "ls\n")
            for part in range(FILES):
                archive.writestr(f"files/{number}-{part}" if content else f"{job}/{part}", os.urandom(SIZE))
    begun = time.monotonic()
    with zipfile.ZipFile(package) as archive:
        archive.extractall(tmp_path / "plain")
    plain = time.monotonic() - begun
    begun = time.monotonic()
    with package.open("rb") as body:
        answer = site.http.post("/api/zipdeploy", content=body, timeout=300)
    taken = time.monotonic() - begun
    assert answer.status_code == 200, answer.text
    most = peak(site, "apiserver")
    print(f"{taken:.1f} s, unzip {plain:.1f} s; the shim had {most / 2**20:.0f} MiB at most")
    assert site.http.get("/api/deployments/latest").json()["status"] == 4
    run = site.ended(site.run("job07").headers["Location"])
    assert run["status"] == "Success"
    assert ("INFO] 9" in site.log(run)) != content, "the job has its files"
    assert most < MOST
    for number in range(JOBS):
        site.http.delete(f"/api/triggeredwebjobs/job{number:02d}")
