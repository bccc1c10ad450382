"""stdout and stderr told apart where the cluster does, and together where it does not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import cluster as clusters
from tests import stack as stacks
from tests.site import Site, eventually

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
