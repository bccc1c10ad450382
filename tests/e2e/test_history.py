"""The history of a job beyond its WebJobRuns: older runs are in the store, and clients see no difference."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import stack as stacks
from tests.site import Site, eventually

HISTORY = "/api/triggeredwebjobs/many/history"
RUNS, LIMIT, OBJECTS = 12, 10, 5


@pytest.fixture(scope="module")
def small(stack: stacks.Stack) -> Iterator[None]:
    """Few WebJobRuns stay."""
    stacks.upgrade(stack, {"jobs": {"historyObjects": OBJECTS}})
    yield
    stacks.upgrade(stack, {"jobs": {"historyObjects": 100}})


def stored(site: Site) -> list[str]:
    """Paths of what the store has of the runs of the job, as its volume has them."""
    script = (
        "import pathlib; root = pathlib.Path('/var/lib/webjobs/shop/data/jobs/triggered/many');"
        "print('\\n'.join(str(path.relative_to(root)) for path in root.rglob('*') if path.is_file()))"
    )
    out = site.kubectl("exec", "deploy/webjobs-operator", "--", "python3", "-c", script, namespace=stacks.SYSTEM)
    return sorted(out.split())


@pytest.mark.usefixtures("small")
def test_older_runs_are_in_the_store(site: Site) -> None:
    spec = {"type": "triggered", "historyLimit": LIMIT, "concurrencyPolicy": "Allow"}
    site.apply("many", spec | {"script": {"fileName": "run.sh", "text": 'echo "this is $WEBJOBS_RUN_ID"\n'}})
    accepted = [site.run("many").headers["Location"].rpartition("/")[2] for _ in range(RUNS)]
    newest = sorted(accepted, reverse=True)

    def settled() -> bool:
        runs = site.http.get(HISTORY).json()["runs"]
        ids = [run["id"] for run in runs]
        assert len(set(ids)) == len(ids), "each run once"
        objects = site.objects("wjr", "webjobs.dev/webjob=many")
        return ids == newest[:LIMIT] and len(objects) == OBJECTS

    eventually(settled, seconds=60, what="a trimmed history")
    runs = site.http.get(HISTORY).json()["runs"]
    assert [run["status"] for run in runs] == ["Success"] * LIMIT
    for run in runs:
        assert f"this is {run['id']}" in site.log(run)
        assert site.http.get(run["url"]).json() == run
    assert {run["metadata"]["name"][-18:] for run in site.objects("wjr", "webjobs.dev/webjob=many")} == set(newest[:5])
    oldest = newest[LIMIT - 1]
    assert site.http.delete(f"{HISTORY}/{oldest}").status_code == 409
    assert site.http.get(f"{HISTORY}/{newest[LIMIT]}").status_code == 404
    folders = [one["name"] for one in site.http.get("/api/vfs/data/jobs/triggered/many/").json()]
    assert folders == sorted(newest[:LIMIT])
    assert site.http.get(f"/api/vfs/data/jobs/triggered/many/{oldest}/status").json()["Status"] == "Success"
    assert stored(site) == sorted(
        [f"{one}/output_log.txt" for one in newest[:LIMIT]] + [f"{one}/status" for one in newest[OBJECTS:LIMIT]]
    )

    def trimmed() -> bool:
        said = {"newest": newest[OBJECTS], "limit": LIMIT}
        return bool(site.object("wj", "many")["status"].get("storedRuns") == said)

    eventually(trimmed, what="the status")
    site.kubectl("delete", "wj", "many")
    eventually(lambda: stored(site) == [], what="the end of all that is stored")
