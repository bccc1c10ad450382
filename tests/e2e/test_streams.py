"""stdout and stderr told apart where the cluster does, and together where it does not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import cluster as clusters
from tests import stack as stacks
from tests.site import Site, eventually, shell

NAME = "streams"
SCRIPT = "echo one; echo two >&2; echo three; exit 3\n"


@pytest.fixture
def apart(stack: stacks.Stack) -> Iterator[Site]:
    """A site in a cluster with the feature gate, beside the one of the other tests."""
    if stack.cluster.provider == "existing":
        pytest.skip("needs a cluster that is started with a feature gate")
    with Site(stacks.up(NAME, feature_gates="PodLogsQuerySplitStreams=true")) as client:
        yield client
    clusters.down(NAME)


def _output(text: str) -> list[str]:
    lines = [line.partition(": ")[2] for line in text.splitlines()]
    return [line for line in lines if not line.startswith("SYS ")]


def test_streams_apart(apart: Site) -> None:
    apart.put_script("both", SCRIPT)
    run = apart.ended(apart.run("both").headers["Location"])
    assert sorted(_output(apart.log(run))) == ["ERR ] two", "INFO] one", "INFO] three"]
    assert run["error_url"] == run["output_url"].replace("output_log.txt", "error_log.txt")
    errors = apart.http.get(run["error_url"])
    assert (errors.status_code, _output(errors.text)) == (200, ["ERR ] two"])
    folder = apart.http.get(run["error_url"].rpartition("/")[0] + "/").json()
    assert [(entry["name"], entry["size"]) for entry in folder if entry["name"].startswith("error")] == [
        ("error_log.txt", len(errors.content))
    ]
    apart.put_script("quiet", "echo one\n")
    quiet = apart.ended(apart.run("quiet").headers["Location"])
    assert (quiet["error_url"], _output(apart.log(quiet))) == (None, ["INFO] one"])
    apart.kubectl("delete", "wjr", "--all")
    eventually(lambda: apart.http.get(run["error_url"]).status_code == 404, what="the end of the log")


def test_streams_together(site: Site) -> None:
    site.put_script("both-streams", SCRIPT)
    run = site.ended(site.run("both-streams").headers["Location"])
    assert sorted(_output(site.log(run))) == ["INFO] one", "INFO] three", "INFO] two"]
    assert run["error_url"] is None
    assert site.http.get(run["output_url"].replace("output_log.txt", "error_log.txt")).status_code == 404


def test_streams_told_apart_by_attaching(site: Site) -> None:
    """Without the feature gate: the first line of a run of a moment, and a long run over the end of an operator."""
    stacks.upgrade(site.stack, {"attach": {"enabled": True}})
    try:
        site.put_script("heard", SCRIPT)
        run = site.ended(site.run("heard").headers["Location"])
        assert sorted(_output(site.log(run))) == ["ERR ] two", "INFO] one", "INFO] three"]
        assert _output(site.http.get(run["error_url"]).text) == ["ERR ] two"]
        site.put_script("goes-on", 'for i in $(seq 40); do echo "out $i"; echo "err $i" >&2; sleep 0.5; done\n')
        location = site.run("goes-on").headers["Location"]
        url = site.http.get(location).json()["output_url"]
        eventually(lambda: "ERR ] err 8" in site.http.get(url).text, what="stored errors")
        site.kubectl("delete", "pod", "-l", "app.kubernetes.io/component=operator", "--force", namespace=stacks.SYSTEM)
        run = site.ended(location)
        lines = _output(site.log(run))
        assert sorted(line.partition("] ")[2] for line in lines) == sorted(
            f"{stream} {number}" for stream in ("out", "err") for number in range(1, 41)
        ), "all of both, each once"
        errors = [line for line in lines if line.startswith("ERR ]")]
        assert all(line.startswith("ERR ] err ") for line in errors)
        assert {"ERR ] err 8", "ERR ] err 40"} <= set(errors), "before that operator's end, and by the next"
        _workers_are_heard(site)
    finally:
        stacks.upgrade(site.stack, {"attach": {"enabled": False}})
    for name in ("heard", "goes-on"):
        site.http.delete(f"/api/triggeredwebjobs/{name}")


def _workers_are_heard(site: Site) -> None:
    """Two lives of a script, and an image that says itself what runs."""
    site.apply("worker-heard", {"type": "continuous", **shell("echo in; echo out >&2; sleep 1; exit 3\n")})
    command = ["/bin/sh", "-c", "while sleep 1; do echo in; echo out >&2; done"]
    site.apply("image-heard", {"type": "continuous", "image": site.stack.image, "command": command})

    def heard(name: str, count: int) -> bool:
        answer = site.http.get(f"/vfs/data/jobs/continuous/{name}/job_log.txt")
        lines = _output(answer.text) if answer.status_code == 200 else []
        return lines.count("ERR ] out") >= count and lines.count("INFO] in") >= count

    eventually(lambda: heard("worker-heard", 2), seconds=60, what="stderr of two lives")
    eventually(lambda: heard("image-heard", 3), seconds=60, what="stderr of a plain image")
    site.kubectl("delete", "wj", "worker-heard", "image-heard")
