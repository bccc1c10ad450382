"""The container engine: which one, what it builds for us, what of it is removed, and kind where it is not installed."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import pytest

from tests.cluster import engine, facade
from tests.cluster.built.compile import container, versions
from tests.cluster.built.compile.components import kind
from tests.cluster.engine import Engine
from tests.cluster.errors import ClusterError
from tests.cluster.images import build, by_engine
from tests.cluster.kind import tool
from tests.cluster.paths import cache_root, repo_root
from tests.fakes.engine import World, world

__all__ = ["world"]
DOCKER = Engine(program="docker")
NOTHING = "there is no docker; there is no podman"
REF = "registry.local/webjobs:new"


def quiet(line: str) -> None:
    """A log that nobody reads."""


@pytest.mark.parametrize(
    ("programs", "state", "named", "found"),
    [
        (["docker"], {}, "", "docker"),
        (["docker", "podman"], {}, "", "docker"),
        (["docker", "podman"], {}, "podman", "podman"),
        (["podman"], {}, "", "podman"),
        (["docker", "podman"], {"version": "podman version 5.4.2"}, "", "podman"),
        (["docker", "podman"], {"broken": {"docker info": "Cannot connect to the Docker daemon"}}, "", "podman"),
        (["docker"], {"host": "ssh://somebody@build.example"}, "", None),
        (["docker"], {"broken": {"docker info": "permission denied while trying to connect"}}, "", None),
        ([], {}, "", None),
    ],
)
def test_one_function_names_the_engine(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    programs: list[str],
    state: dict[str, object],
    named: str,
    found: str | None,
) -> None:
    world.remove("docker")
    world.install(*programs)
    world.set(**state)
    monkeypatch.setenv("KIND_EXPERIMENTAL_PROVIDER", named)
    lines: list[str] = []
    assert facade.choose("dev", None, log=lines.append) == ("kind" if found else "built")
    if found:
        assert engine.current().program == found
        assert engine.current().environment == {"KIND_EXPERIMENTAL_PROVIDER": found}
        return
    with pytest.raises(ClusterError, match=r"^no container engine answers: ") as caught:
        engine.current()
    assert lines == ([f"{caught.value}; so the cluster is built from source"] if programs else [])


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("docker info ... ended with 1: permission denied while trying to connect\n", "permission denied"),
        ("ERROR: Cannot connect to the Docker daemon\nerrors pretty printing info\n", "Cannot connect to the Docker"),
        ("docker: not done after 20 s", "not done after 20 s"),
    ],
)
def test_the_reason_is_the_line_that_tells_it(text: str, line: str) -> None:
    assert line in engine.reason(text)


@pytest.mark.parametrize(
    ("host", "remote"),
    [
        ("", False),
        ("unix:///var/run/docker.sock", False),
        ("npipe:////./pipe/docker_engine", False),
        ("tcp://localhost:2375", False),
        ("tcp://127.0.0.1:2375", False),
        ("tcp://docker:2376", True),
        ("ssh://me@build.example", True),
    ],
)
def test_an_engine_on_another_machine_is_known(host: str, remote: bool) -> None:
    assert engine.is_remote(host) is remote


@pytest.mark.parametrize(("security", "options"), [(["name=rootless"], 0), (["name=seccomp"], 2)])
def test_files_that_a_container_writes_belong_to_the_caller(world: World, security: list[str], options: int) -> None:
    world.set(security=security)
    assert len(DOCKER.as_caller()) == options
    assert options == 0 or DOCKER.as_caller() == ["--user", f"{os.getuid()}:{os.getgid()}"]


def test_kind_of_path_is_taken(world: World) -> None:
    assert tool.program(quiet) == world.folder / "bin" / "kind"


def test_kind_is_compiled_by_go(world: World) -> None:
    world.remove("kind")
    world.install("go")
    assert tool.program(quiet) == cache_root() / "bin" / kind().key / "kind"
    (call,) = world.calls
    assert call[:2] == ["go", "install"]
    assert tool.program(quiet).is_file()
    assert len(world.calls) == 1, "once for this machine"


def test_kind_is_compiled_in_a_container_without_go(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.remove("kind")
    monkeypatch.setenv("GOPROXY", "https://goproxy.example")
    lines: list[str] = []
    assert tool.program(lines.append).is_file()
    (call,) = world.called("docker", "run")
    assert call[-4] == "docker.io/library/golang:1.26"
    assert call[-1].startswith("go install ")
    assert f"sigs.k8s.io/kind@v{versions.KIND}" in call[-1]
    assert f"{os.getuid()}:{os.getgid()}" in call
    assert f"--env=GOOS={platform.system().lower()}" in call
    assert "--env=GOPROXY" in call
    assert not any(word.startswith("--env=GOBIN") for word in call), "Go refuses it for another system"


def test_the_image_with_go_can_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WEBJOBS_GOLANG_IMAGE", "mirror.example/golang:1.26")
    assert container.image() == "mirror.example/golang:1.26"


@pytest.mark.parametrize("programs", [["docker"], []])
def test_without_kind_and_a_way_to_compile_it_what_is_needed_is_said(world: World, programs: list[str]) -> None:
    world.remove("kind", *({"docker"} - set(programs)))
    world.set(broken={"docker run": "Unable to find image 'golang:1.26' locally: dial tcp: no such host"})
    with pytest.raises(ClusterError) as caught:
        tool.program(quiet)
    assert f"install kind v{versions.KIND}" in str(caught.value)
    assert "WEBJOBS_GOLANG_IMAGE=" in str(caught.value)
    assert ("no such host" if programs else NOTHING) in str(caught.value)
    assert not (cache_root() / "bin" / kind().key).exists()


def test_an_image_is_built_saved_and_supersedes_ours_alone(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    by_engine.build(DOCKER, repo_root(), ref="registry.local/webjobs:old", out=tmp_path / "image.tar", log=quiet)
    other = {
        "registry.local/webjobs:other": {"label": "dev.webjobs.checkout=another"},
        "registry.local/webjobs:unlabelled": {},
        "docker.io/library/python:3.12-slim": {},
    }
    world.set(images={**world.state["images"], **other})
    monkeypatch.setenv("WEBJOBS_PYTHON_IMAGE", "mirror.example/python:3.12-slim")
    out = by_engine.build(DOCKER, repo_root(), ref=REF, out=tmp_path / "image.tar", log=quiet)
    assert out.read_text() == REF
    assert "#5 [build 2/9]" in (tmp_path / "log" / "image-build.log").read_text()
    first, second = world.called("docker", "build")
    assert "--build-arg" not in first
    assert second[second.index("--build-arg") + 1] == "PYTHON_IMAGE=mirror.example/python:3.12-slim"
    assert set(world.state["images"]) == {REF, *other}
    by_engine.forget(DOCKER, log=quiet)
    assert set(world.state["images"]) == set(other)


def test_a_build_that_fails_names_its_log(world: World, tmp_path: Path) -> None:
    world.set(broken={"docker build": "ERROR: failed to solve: docker.io/library/python: not found"})
    with pytest.raises(ClusterError, match=r"(?s)building .* failed; log: .*image-build\.log.*failed to solve"):
        by_engine.build(DOCKER, repo_root(), ref=REF, out=tmp_path / "image.tar", log=quiet)


def test_the_tag_tells_how_the_image_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WEBJOBS_PYTHON_IMAGE", raising=False)
    refs = [build.source_ref(repo_root(), engine=None), build.source_ref(repo_root(), engine=DOCKER)]
    monkeypatch.setenv("WEBJOBS_PYTHON_IMAGE", "mirror.example/python")
    refs.append(build.source_ref(repo_root(), engine=DOCKER))
    assert len(set(refs)) == 3


@pytest.mark.parametrize(
    ("name", "pulled"),
    [
        ("docker.io/kindest/node:v1@sha256:ab", "docker.io/kindest/node@sha256:ab"),
        ("mirror.example:5000/node:v1", "mirror.example:5000/node:v1"),
        ("mirror.example:5000/node@sha256:ab", "mirror.example:5000/node@sha256:ab"),
    ],
)
def test_podman_takes_a_tag_or_a_digest(name: str, pulled: str) -> None:
    assert tool.pullable(name) == pulled
