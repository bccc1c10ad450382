"""Which path is what, and a job's files as clients see them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.objects import webjob
from webjobs.files import tree
from webjobs.files.tree import Children, Fixed, JobData, JobFiles, JobList, Outside, place
from webjobs.model.job_settings import Unreadable
from webjobs.store import job_files
from webjobs.store.job_files import Change, Content
from webjobs.store.packages import File, Manifest

APP = "site/wwwroot/App_Data/jobs"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("", Fixed(children=("site", "data"))),
        ("/", Fixed(children=("site", "data"))),
        ("Site", Fixed(children=("wwwroot",))),
        ("site//wwwroot/", Fixed(children=("App_Data",))),
        ("site\\wwwroot\\app_data", Fixed(children=("jobs",))),
        (APP, Fixed(children=("triggered", "continuous"))),
        ("site/jobs", Fixed(children=("triggered", "continuous"))),
        ("data/jobs", Fixed(children=("triggered", "continuous"))),
        (f"{APP}/Triggered", JobList(job_type="triggered", data=False)),
        ("site/jobs/continuous/", JobList(job_type="continuous", data=False)),
        ("data/jobs/continuous", JobList(job_type="continuous", data=True)),
        (f"{APP}/triggered/My Job", JobFiles(job_type="triggered", name="My Job", path="")),
        (f"{APP}/triggered/a/In/run.sh", JobFiles(job_type="triggered", name="a", path="In/run.sh")),
        ("site/jobs/triggered/a/x", JobFiles(job_type="triggered", name="a", path="x")),
        ("data/jobs/triggered/a/1/status", JobData(job_type="triggered", name="a", parts=("1", "status"))),
        ("site/wwwroot/index.html", Outside()),
        (f"{APP}/other", Outside()),
        ("etc/passwd", Outside()),
        ("data/other", Outside()),
    ],
)
def test_place(path: str, expected: tree.Place) -> None:
    assert place(path) == expected


@pytest.mark.parametrize(
    "path",
    [
        "..",
        "site/../etc",
        "site\\..\\x",
        f"{APP}/triggered/a/./b",
        "a\0b",
        "a\nb",
        "x" * 256,
        "\ud800",
        "a/" * 900,
        f"{APP}/triggered/a/{'b' * 200}/{'c' * 200}/{'d' * 200}",
    ],
)
def test_paths_that_nothing_can_have(path: str) -> None:
    with pytest.raises(tree.PathError):
        place(path)


@given(st.text(max_size=40))
def test_no_path_leads_out_of_a_job(path: str) -> None:
    try:
        found = place(f"{APP}/triggered/job/{path}")
    except tree.PathError:
        return
    assert isinstance(found, JobFiles)
    assert (found.job_type, found.name) == ("triggered", "job")
    assert ".." not in found.path.split("/")
    assert not found.path.startswith("/")


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("", Children(folders=("a", "e"), files=("r",))),
        ("a", Children(folders=("b",), files=("x",))),
        ("a/b", Children(folders=(), files=("y",))),
        ("e", Children(folders=(), files=())),
        ("a/x", None),
        ("none", None),
    ],
)
def test_children(at: str, expected: Children | None) -> None:
    assert tree.folders_of(["r", "a/x", "a/b/y"], ["e"]).get(at) == expected


PATHS = st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map("/".join)


@given(st.sets(PATHS, max_size=8), st.sets(PATHS, max_size=4))
def test_everything_is_reached_from_the_root(files: set[str], folders: set[str]) -> None:
    there = tree.folders_of(files, folders)

    def walk(at: str) -> set[str]:
        inside = there[at]
        prefix = f"{at}/" if at else ""
        found = {prefix + name for name in inside.files}
        return found.union(*(walk(prefix + name) | {prefix + name + "/"} for name in inside.folders))

    found = walk("")
    assert {path for path in found if not path.endswith("/")} == files
    assert folders <= {path.rstrip("/") for path in found if path.endswith("/")}


# A job's files

BLOBS = {"empty": b"", "one": b'{"a":1}', "two": b'{"a": 2}', "bad": b"nonsense", "sh": b"echo"}


def _file(name: str) -> File:
    return File(sha256=name, size=len(BLOBS[name]), mode=0o644, mtime=7)


def _read(file: File) -> bytes:
    return BLOBS[file.sha256]


def _package(*, error: str | None = None, **spec: Any) -> dict[str, Any]:
    package = {"digest": "sha256:" + "0" * 64, "entrypoint": "run.sh", "size": 1, "files": 1}
    return {"script": None, "package": package | ({"settingsError": error} if error else {})} | spec


@pytest.mark.parametrize(
    ("spec", "files", "expected"),
    [
        ({}, None, {"run.sh": Content(data=b"echo hello\n", mode=0o755)}),
        ({"settings": {"a": "é"}}, None, {"settings.job": Content(data='{"a":"é"}'.encode())}),
        ({"script": None, "image": "x"}, None, {}),
        (_package(settings={"a": 1}), {"settings.job": "one"}, {"settings.job": _file("one")}),
        (_package(settings={"a": 3}), {"Settings.Job": "one"}, {"Settings.Job": Content(data=b'{"a":3}')}),
        (_package(settings={}), {"settings.job": "bad"}, {"settings.job": Content(data=b"{}")}),
        (_package(settings={}, error="no JSON"), {"settings.job": "bad"}, {"settings.job": _file("bad")}),
        (_package(), {"settings.job": "one"}, {"settings.job": Content(data=b"{}")}),
        (_package(settings={"a": 3}), {"in/run.sh": "sh"}, {"in/settings.job": Content(data=b'{"a":3}')}),
        (_package(type="continuous"), {"run.sh": "sh", "disable.job": "empty"}, {"run.sh": _file("sh")}),
        (_package(type="continuous", stopped=True), {"run.sh": "sh"}, {"disable.job": Content(data=b"")}),
        (_package(), {"run.sh": "sh", "disable.job": "empty"}, {"disable.job": _file("empty")}),
    ],
)
def test_view(spec: dict[str, Any], files: dict[str, str] | None, expected: dict[str, Any]) -> None:
    manifest = None if files is None else Manifest(files={path: _file(name) for path, name in files.items()})
    found = job_files.view(webjob(spec).spec, manifest, read=_read).files
    assert {path: found.get(path) for path in expected} == expected
    own = set(files or {}) | ({"run.sh"} if files is None and "script" not in spec else set())
    assert set(found) - own <= set(expected)


@pytest.mark.parametrize(
    ("job_type", "own", "puts", "deletes", "expected"),
    [
        # put and delete of a script
        ("triggered", {}, {"run.sh": "sh"}, (), ("run.sh", {"run.sh"}, None, None)),
        ("triggered", {"run.sh": "sh"}, {}, ("run.sh",), (None, set(), None, None)),
        ("triggered", {"run.sh": "sh"}, {"a.txt": "sh"}, (), ("run.sh", {"run.sh", "a.txt"}, None, None)),
        # settings.job
        (
            "triggered",
            {"run.sh": "sh"},
            {"settings.job": "one"},
            (),
            ("run.sh", {"run.sh", "settings.job"}, {"a": 1}, None),
        ),
        ("triggered", {"run.sh": "sh", "settings.job": "one"}, {}, ("settings.job",), ("run.sh", {"run.sh"}, {}, None)),
        ("triggered", {"run.sh": "sh"}, {}, ("settings.job",), ("run.sh", {"run.sh"}, {}, None)),
        (
            "triggered",
            {"settings.job": "one"},
            {"run.sh": "sh"},
            (),
            ("run.sh", {"run.sh", "settings.job"}, None, None),
        ),
        (
            "triggered",
            {"in/settings.job": "one"},
            {"in/run.sh": "sh"},
            (),
            ("in/run.sh", {"in/run.sh", "in/settings.job"}, None, None),
        ),
        (
            "triggered",
            {"run.sh": "sh"},
            {"in/settings.job": "one"},
            (),
            ("run.sh", {"run.sh", "in/settings.job"}, None, None),
        ),
        # disable.job
        ("continuous", {"run.sh": "sh"}, {"disable.job": "empty"}, (), ("run.sh", {"run.sh"}, None, True)),
        (
            "continuous",
            {"run.sh": "sh", "disable.job": "empty"},
            {},
            ("disable.job",),
            ("run.sh", {"run.sh"}, None, False),
        ),
        ("continuous", {"run.sh": "sh"}, {}, ("disable.job",), ("run.sh", {"run.sh"}, None, False)),
        (
            "continuous",
            {"run.sh": "sh", "disable.job": "empty"},
            {"x": "sh"},
            (),
            ("run.sh", {"run.sh", "x"}, None, None),
        ),
        (
            "triggered",
            {"run.sh": "sh"},
            {"disable.job": "empty"},
            (),
            ("run.sh", {"run.sh", "disable.job"}, None, None),
        ),
    ],
)
def test_apply(
    job_type: Any, own: dict[str, str], puts: dict[str, str], deletes: tuple[str, ...], expected: tuple[Any, ...]
) -> None:
    outcome = job_files.apply(
        Change(puts={path: _file(name) for path, name in puts.items()}, deletes=frozenset(deletes)),
        job_type=job_type,
        spec=webjob(_package(type=job_type)).spec,
        own={path: _file(name) for path, name in own.items()},
        folders=frozenset(),
        read=_read,
        read_head=_read,
    )
    assert outcome.manifest
    assert (outcome.entrypoint, set(outcome.manifest.files), outcome.settings, outcome.stopped) == expected


@pytest.mark.parametrize("spec", [{}, {"script": None, "image": "x"}])
def test_mirrors_alone_make_no_package(spec: dict[str, Any]) -> None:
    outcome = job_files.apply(
        Change(puts={"settings.job": _file("one"), "disable.job": _file("empty")}),
        job_type="continuous",
        spec=webjob({"type": "continuous"} | spec).spec,
        own={},
        folders=frozenset(),
        read=_read,
        read_head=_read,
    )
    assert (outcome.manifest, outcome.settings, outcome.stopped) == (None, {"a": 1}, True)


def test_folders() -> None:
    change = Change(adds_folders=frozenset({"new"}), removes_folders=frozenset({"old"}))
    outcome = job_files.apply(
        change, job_type="triggered", spec=None, own={}, folders=frozenset({"old", "kept"}), read=_read, read_head=_read
    )
    assert outcome.manifest
    assert outcome.manifest.folders == {"new", "kept"}


def test_manifests_from_before_times_and_folders_keep_their_digest() -> None:
    old = b'{"files":{"run.sh":{"mode":493,"sha256":"x","size":4}},"version":1}'
    assert Manifest.from_json(old).to_json() == old
    new = Manifest(files={"a": _file("sh")}, folders=frozenset({"b", "a"}))
    assert Manifest.from_json(new.to_json()) == new
    assert new.to_json() == (
        b'{"files":{"a":{"mode":420,"mtime":7,"sha256":"sh","size":4}},"folders":["a","b"],"version":1}'
    )


def test_settings_that_can_not_be_read_are_no_change() -> None:
    own = {"run.sh": _file("sh")}
    change = Change(puts={"settings.job": _file("bad")})
    with pytest.raises(Unreadable, match=r"settings\.job is no JSON"):
        job_files.apply(
            change, job_type="triggered", spec=None, own=own, folders=frozenset(), read=_read, read_head=_read
        )
