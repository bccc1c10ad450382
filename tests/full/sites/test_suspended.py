"""A Job that somebody else suspends and resumes stays one run, on a real control plane."""

from __future__ import annotations

from tests.integration.test_reasons import condition, is_told
from tests.site import Site, eventually, shell


def test_a_job_that_somebody_suspends_stays_one_run(site: Site) -> None:
    """As Kueue does it to make room: the run waits, keeps its turn, and its script runs again when it goes on."""
    script = "echo begun; sleep ${SECONDS_LEFT:-1000}\n"
    site.apply("stuck-suspended", {"type": "triggered", "stoppingWaitSeconds": 1} | shell(script))
    location = site.run("stuck-suspended").headers["Location"]
    eventually(lambda: site.http.get(location).json()["status"] == "Running", what="the process")
    run = f"stuck-suspended-{site.http.get(location).json()['id']}"
    site.kubectl("patch", "job", run, "--type=merge", "-p", '{"spec":{"suspend":true}}')
    is_told(site, "stuck-suspended", "JobSuspended")
    assert condition(site, "wjr", run, "Started")[:2] == ("False", "JobSuspended")
    assert site.run("stuck-suspended").status_code == 409, "its turn is kept"
    # As Kueue does it: the Job's controller would take a pod that still ends for a failure of the resumed Job.
    eventually(lambda: not site.pods("stuck-suspended"), seconds=60, what="the end of its pod")
    site.kubectl("patch", "job", run, "--type=merge", "-p", '{"spec":{"suspend":false}}')
    eventually(lambda: site.http.get(location).json()["status"] == "Running", seconds=60, what="the process again")
    assert site.http.delete(location).status_code == 200
    assert site.ended(location)["status"] == "Aborted"
    site.kubectl("delete", "wj", "stuck-suspended")
