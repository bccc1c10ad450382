"""What an import does with each job, and what it says of that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import appservice
from webjobs.model import JobType, WebJob
from webjobs_cli.errors import CliError, UsageError
from webjobs_cli.importing import manifests, plan, reading, report
from webjobs_cli.importing.model import Done, SourceJob, Step, TargetJob
from webjobs_cli.importing.plan import key
from webjobs_cli.pack import LocalFile


def file(digest: str) -> LocalFile:
    return LocalFile(source=Path("/nowhere"), size=1, sha256=digest, mtime=0)


def source(name: str = "job", job_type: JobType = "continuous", *, digest: str = "a", **more: Any) -> SourceJob:
    files = {"run.sh": file(digest), "settings.job": file("s"), "disable.job": file("d")}
    return SourceJob(job_type=job_type, name=name, files=files, **more)


def there(*, digest: str = "a", settings: dict[str, Any] | None = None, stopped: bool = False) -> TargetJob:
    return TargetJob(digests={"run.sh": digest}, settings=settings or {}, stopped=stopped)


STEPS: list[tuple[SourceJob, TargetJob | None, str, str]] = [
    (source(), None, "create", ""),
    (source(), there(), "none", ""),
    (source(digest="b"), there(), "update", "files"),
    (source(settings={"a": 1}), there(settings={"a": 1.0}), "none", ""),
    (source(settings={"a": True}), there(settings={"a": 1}), "update", "settings"),
    (source(settings={"a": "1"}), there(settings={"a": 1}), "update", "settings"),
    (source(settings={"a": None}), there(settings={}), "update", "settings"),
    (source(settings={"a": [10**30, -(10**400)]}), there(settings={"a": [1e30, float("-inf")]}), "update", "settings"),
    (source(settings={"a": 10**30}), there(settings={"a": 1e30}), "none", ""),
    (source(stopped=True), there(), "update", "stopped"),
    (source(), there(stopped=True), "update", "started"),
    (source(digest="b", stopped=True, settings={"a": 1}), there(), "update", "files, settings, stopped"),
    (source(problem="No."), None, "refuse", "No."),
]


@pytest.mark.parametrize(("job", "at_target", "action", "why"), STEPS)
def test_step(job: SourceJob, at_target: TargetJob | None, action: str, why: str) -> None:
    found = plan.step(job, at_target)
    assert (found.action, found.why) == (action, why)


def test_jobs_that_were_chosen() -> None:
    jobs = [source("b"), source("a"), source("A", "triggered"), source("ü", "triggered")]
    assert [job.label for job in plan.chosen(jobs, None)] == [
        "triggered/A",
        "triggered/ü",
        "continuous/a",
        "continuous/b",
    ]
    assert [job.label for job in plan.chosen(jobs, ["a"])] == ["triggered/A", "continuous/a"]
    with pytest.raises(UsageError, match="no job 'c'"):
        plan.chosen(jobs, ["a", "c"])


def test_settings_of_the_site() -> None:
    given = {"WEBJOBS_STOPPED": "1", "webjobs_x": "2", "WEBSITE_TIME_ZONE": "UTC", "SECRET": "s", "WEBSITE_OTHER": "o"}
    assert set(plan.wanted_settings(given, every=False)[0]) == {"WEBJOBS_STOPPED", "webjobs_x", "WEBSITE_TIME_ZONE"}
    assert plan.wanted_settings(given, every=True) == (given, [])
    assert plan.changed_settings({"a": "1", "b": "2"}, {"a": "1", "b": "3", "c": "4"}) == {"b": "2"}


def test_remarks() -> None:
    done = [
        Done(step=Step(job=source("a"), action="create")),
        Done(step=Step(job=source("b"), action="update", why="files"), error="HTTP\x1b 500"),
        Done(step=Step(job=source("c", problem="No."), action="refuse", why="No."), error="No."),
    ]
    assert list(report.remarks(done, ["X"], dry_run=False)) == [
        "failed: continuous/b: HTTP  500",
        "refused: continuous/c: No.",
        "settings of the site set: X",
        "3 jobs: 1 created, 1 failed, 1 refused.",
        "2 jobs could not be brought over; the others are not affected.",
    ]
    nothing = [Done(step=Step(job=source("a"), action="none"))]
    assert list(report.remarks(nothing, [], dry_run=False)) == ["1 job: nothing to do."]


@pytest.fixture
def jobs(tmp_path: Path) -> list[SourceJob]:
    return reading.from_path(appservice.wwwroot(tmp_path / "wwwroot"), tmp_path)


def test_a_folder_as_app_service_has_it(jobs: list[SourceJob]) -> None:
    assert len(jobs) == appservice.JOBS
    known = {job.label: job for job in jobs}
    assert {job.name: job.verdict.fitness for job in jobs if job.verdict.fitness != "fine"} == appservice.FIT
    assert not [job.label for job in jobs if job.problem]
    assert known["triggered/nightly"].schedule == "0 0 3 1 1 *"
    assert known["continuous/single at rest"].stopped
    assert known["continuous/single at rest"].settings == {"is_singleton": True, "stopping_wait_time": 7}
    assert known["triggered/odd-settings"].settings["mine"] == {"deep": [1, 2.5, None, True, "ü"]}


def test_manifests_are_webjobs(jobs: list[SourceJob]) -> None:
    object_names = manifests.object_names(jobs)
    assert len(set(object_names.values())) == len(jobs)
    for job in jobs:
        files = manifests.files_of(job, object_names[key(job)])
        raw = yaml.safe_load(files[f"manifests/{object_names[key(job)]}.yaml"])
        webjob = WebJob.parse(raw)
        assert (webjob.display_name, webjob.spec.type) == (job.name, job.job_type)
        assert (webjob.spec.settings or {}) == job.settings
        assert bool(webjob.spec.stopped) is job.stopped
        assert bool(webjob.spec.package) == (len(files) == 2)
    inline = {job.label for job in jobs if manifests.inline_script(job)}
    assert {"triggered/hello", "triggered/My Report", "continuous/at-rest"} <= inline
    assert not inline & {"triggered/nested", "triggered/many-files", "triggered/win-exe", "triggered/java"}


def test_names_that_are_none_and_folders_that_are_no_jobs(tmp_path: Path) -> None:
    for name in ("ok", "no:good", " blank"):
        appservice.write(tmp_path / "triggered" / name, {"run.sh": "true"})
    appservice.write(tmp_path / "triggered" / "assets", {"picture.png": b"x"})
    appservice.write(tmp_path / "triggered" / "large", {"run.sh": "true", "settings.job": "x" * 200_000})
    found = {job.name: job.problem for job in reading.from_path(tmp_path, tmp_path)}
    assert found["ok"] == ""
    assert "must not contain" in found["no:good"]
    assert "blank" in found[" blank"]
    assert "settings.job has more than" in found["large"]
    assert "assets" not in found


def test_what_is_no_source(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("")
    for path, message in ((tmp_path / "a.txt", "neither a folder nor a zip"), (tmp_path / "no", "There is no")):
        with pytest.raises(CliError, match=message):
            reading.from_path(path, tmp_path)


def test_names_of_settings_are_those_of_linux() -> None:
    given = {"Shop:Mail:From": "a", "Shop__Mail__To": "b", "white space": "c", "ü": "d", "a.b-c": "e"}
    wanted = {"Shop__Mail__From": "a", "Shop__Mail__To": "b", "a.b-c": "e"}
    assert plan.wanted_settings(given, every=True) == (wanted, ["white space", "ü"])
    assert plan.wanted_settings(given, every=False) == ({}, [])
    assert plan.wanted_settings({"A:B": "1", "A__B": "2", "C:D": "3", "C__D": "3"}, every=True) == (
        {"A__B": "1", "C__D": "3"},
        ["A__B"],
    )
