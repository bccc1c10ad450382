"""Kudu's four spellings (docs/kudu-contract.md, section 1.1)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webjobs_apiserver.http.paths import canonical


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/api/webjobs", "/api/webjobs"),
        ("/api/webjobs/", "/api/webjobs"),
        ("/API/WebJobs", "/api/webjobs"),
        ("/api/jobs", "/api/webjobs"),
        ("/api/jobs/", "/api/webjobs"),
        ("/jobs/", "/api/webjobs"),
        ("/jobs", "/api/webjobs"),
        ("/api/triggeredwebjobs", "/api/triggeredwebjobs"),
        ("/api/triggeredjobs/", "/api/triggeredwebjobs"),
        ("/api/jobs/triggered", "/api/triggeredwebjobs"),
        ("/jobs/Triggered/", "/api/triggeredwebjobs"),
        ("/api/continuouswebjobs/Foo", "/api/continuouswebjobs/Foo"),
        ("/api/ContinuousJobs/Foo/", "/api/continuouswebjobs/Foo"),
        ("/api/jobs/continuous/foo/STOP", "/api/continuouswebjobs/foo/stop"),
        ("/jobs/continuous/foo/start/", "/api/continuouswebjobs/foo/start"),
        ("/jobs/triggered/foo/History/2026", "/api/triggeredwebjobs/foo/history/2026"),
        ("/jobs/triggered/foo/history/2026/", "/api/triggeredwebjobs/foo/history/2026"),
        ("/api/triggeredjobs/my job/RUN", "/api/triggeredwebjobs/my job/run"),
        # a job may be called like a fixed segment
        ("/api/triggeredjobs/Run/Run", "/api/triggeredwebjobs/Run/run"),
        ("/jobs/triggered/triggered", "/api/triggeredwebjobs/triggered"),
        ("/api/webjobs/foo", "/api/webjobs/foo"),
        ("/jobs/foo", "/api/webjobs/foo"),
        # what goes through to a job is the job's own
        ("/jobs/continuous/foo/PassThrough/A/b/", "/api/continuouswebjobs/foo/passthrough/A/b/"),
        ("/vfs/data/jobs/", "/api/vfs/data/jobs/"),
        ("/API/VFS/data", "/api/vfs/data"),
        ("/vfs", "/api/vfs"),
        # slashes of files are slashes however they are spelled, and count once
        ("/api/vfs//data", "/api/vfs/data"),
        ("/api/vfs/\\data\\\\jobs/", "/api/vfs/data/jobs/"),
        ("/api/vfs/data\\", "/api/vfs/data/"),
        ("/api/vfs//", "/api/vfs/"),
        ("/zip//Data//x//", "/api/zip/Data/x/"),
        ("/api/vfs/a//../b", "/api/vfs/a//../b"),  # is nothing, and is told so
        ("/api/vfs/a\nb", "/api/vfs/a\0b"),
        ("/api/webjobs\n", "/api/webjobs\0"),
        ("/jobs/triggered/foo/run\n", "/api/triggeredwebjobs/foo/run\0"),
        ("/healthz\n", "/healthz\0"),
        ("/Zip/site/", "/api/zip/site/"),
        ("/api/LogStream/Application/", "/api/logstream/Application/"),
        ("/Settings/", "/api/settings"),
        ("/api/settings/WEBJOBS_STOPPED", "/api/settings/WEBJOBS_STOPPED"),
        ("/logs/Recent/", "/api/logs/recent"),
        ("/hooks/1", "/api/hooks/1"),
        ("/Api/Triggeredwebjobsswagger", "/api/triggeredwebjobsswagger"),
        ("/api/triggeredwebjobsswagger/", "/api/triggeredwebjobsswagger"),
        # not ours
        ("/triggeredwebjobsswagger", "/triggeredwebjobsswagger"),
        ("/api/triggeredwebjobsswagger/x", "/api/triggeredwebjobsswagger/x"),
        ("/", "/"),
        ("", ""),
        ("jobs", "jobs"),
        ("/api", "/api"),
        ("/api/", "/api/"),
        ("/api/myjobs", "/api/myjobs"),
        ("/internal/packages/a/b", "/internal/packages/a/b"),
        ("/Healthz", "/Healthz"),
        ("/api/triggeredwebjobs//", "/api/triggeredwebjobs//"),
        ("/api/triggeredwebjobs//run", "/api/triggeredwebjobs//run"),
    ],
)
def test_canonical(path: str, expected: str) -> None:
    assert canonical(path) == expected


_SEGMENT = st.sampled_from(["api", "API", "jobs", "vfs", "triggered", "Continuous", "webjobs", "run", "x", "", "é"])
_PATHS = st.lists(_SEGMENT | st.text(max_size=4), max_size=6).map(lambda parts: "/" + "/".join(parts))


@given(_PATHS | st.text(max_size=12))
def test_canonical_is_final(path: str) -> None:
    once = canonical(path)
    assert canonical(once) == once


@given(
    st.text(min_size=1, max_size=20).filter(lambda name: not {"/", "\n"} & {*name}),
    st.sampled_from(["/run", "/history", ""]),
)
def test_spellings_agree_and_names_stay(name: str, rest: str) -> None:
    expected = f"/api/triggeredwebjobs/{name}{rest}"
    for root in ("/api/triggeredwebjobs", "/api/triggeredjobs", "/api/jobs/triggered", "/jobs/triggered"):
        assert canonical(f"{root}/{name}{rest}") == expected
        assert canonical(f"{root}/{name}{rest}/") == expected
