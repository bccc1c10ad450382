"""Where jobs are in the files of a site."""

from __future__ import annotations

import pytest

from webjobs_cli.importing import layout
from webjobs_cli.importing.layout import LayoutError


def split(*paths: str) -> dict[str, dict[str, str]]:
    found = layout.split({path: path for path in paths})
    return {f"{job_type}/{name}": files for (job_type, name), files in found.items()}


@pytest.mark.parametrize(
    "prefix",
    [
        "App_Data/jobs/",
        "app_data/JOBS/",
        "wwwroot/App_Data/jobs/",
        "site/wwwroot/App_Data/jobs/",
        "home/site/wwwroot/App_Data/jobs/",
        "site/jobs/",
        "home/site/jobs/",
        "",
        "jobs/",
    ],
)
def test_roots(prefix: str) -> None:
    paths = [f"{prefix}triggered/My Job/run.sh", f"{prefix}Continuous/w/a/b.txt"]
    assert split(*paths, "index.html", "web.config") == {
        "triggered/My Job": {"run.sh": paths[0]},
        "continuous/w": {"a/b.txt": paths[1]},
    }


def test_below_wwwroot_wins() -> None:
    first, second, other = (
        "site/wwwroot/App_Data/jobs/triggered/a/run.sh",
        "site/jobs/triggered/A/run.sh",
        "site/jobs/triggered/b/run.sh",
    )
    assert split(second, first, other) == {"triggered/a": {"run.sh": first}, "triggered/b": {"run.sh": other}}


@pytest.mark.parametrize(
    "paths",
    [
        (),
        ("index.html",),
        ("App_Data/jobs/triggered/lonely.txt",),
        ("a/b/c/d/e/App_Data/jobs/triggered/x/run.sh",),
        ("bin/debug/triggered/x/run.sh",),
    ],
)
def test_no_site(paths: tuple[str, ...]) -> None:
    with pytest.raises(LayoutError, match="no WebJobs are in it"):
        split(*paths)


def test_two_spellings_of_one_job() -> None:
    with pytest.raises(LayoutError, match="'Report' and 'report' are one"):
        split("triggered/Report/run.sh", "triggered/report/run.sh")
    assert len(split("triggered/Report/run.sh", "continuous/report/run.sh")) == 2


def test_mirrors_are_those_beside_the_script() -> None:
    files = {path: path for path in ("in/run.sh", "in/Settings.job", "in/disable.job", "in/x/settings.job")}
    assert set(layout.without_mirrors(files, "continuous")) == {"in/run.sh", "in/x/settings.job"}
    assert set(layout.without_mirrors(files, "triggered")) == {"in/run.sh", "in/disable.job", "in/x/settings.job"}
