"""A Job that somebody else suspends and resumes stays one run, on a real control plane."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.integration.test_reasons import condition, is_told
from tests.site import Site, eventually, shell

NAME = "stuck-suspended"


@pytest.fixture
def waiting(site: Site) -> Iterator[Site]:
    """A site with a job that runs until somebody ends it."""
    script = "trap 'exit 3' TERM; echo begun; sleep 1000 & wait\n"
    site.apply(NAME, {"type": "triggered", "stoppingWaitSeconds": 1} | shell(script))
    yield site
    site.kubectl("delete", "wj", NAME)


def test_a_job_that_somebody_suspends_stays_one_run(waiting: Site) -> None:
    """As Kueue does it to make room: the run waits, keeps its turn, and its script runs again when it goes on."""
    site = waiting
    location = site.run(NAME).headers["Location"]
    eventually(lambda: site.http.get(location).json()["status"] == "Running", what="the process")
    run = f"{NAME}-{site.http.get(location).json()['id']}"
    for _ in range(3):
        site.kubectl("patch", "job", run, "--type=merge", "-p", '{"spec":{"suspend":true}}')
        is_told(site, NAME, "JobSuspended")
        assert condition(site, "wjr", run, "Started")[:2] == ("False", "JobSuspended")
        assert site.run(NAME).status_code == 409, "its turn is kept"
        # As Kueue does it: the Job's controller would take a pod that still ends for a failure of the resumed Job.
        eventually(lambda: not site.pods(NAME), seconds=60, what="the end of its pod")
        site.kubectl("patch", "job", run, "--type=merge", "-p", '{"spec":{"suspend":false}}')
        eventually(lambda: site.http.get(location).json()["status"] == "Running", seconds=60, what="the process again")
    assert site.http.delete(location).status_code == 200
    assert site.ended(location)["status"] == "Aborted"
