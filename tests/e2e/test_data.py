"""A WEBJOBS_DATA_PATH that lasts, on a real volume."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests import stack as stacks
from tests.site import Site, eventually

COUNT = 'cd "$WEBJOBS_DATA_PATH"; echo "$WEBJOBS_RUN_ID" >> runs; echo "runs=$(wc -l < runs)"\n'


@pytest.fixture
def storage(site: Site) -> Iterator[dict[str, Any]]:
    """What a claim of the job ``keeper`` has to ask for, where the cluster makes no volumes by itself."""
    volume = site.stack.cluster.local_volume("keeper")
    if volume is None:
        yield {}
        return
    volume["spec"]["claimRef"] = {"namespace": stacks.SITE, "name": "keeper-data"}
    stacks.apply(site.stack.kubeconfig, volume)
    yield {"storageClassName": stacks.STORAGE_CLASS}
    site.kubectl("delete", "pv", "keeper", namespace=None)


def test_a_run_reads_what_an_earlier_one_wrote(site: Site, storage: dict[str, Any]) -> None:
    spec = {"type": "triggered", "script": {"fileName": "run.sh", "text": COUNT}, "data": {"size": "10Mi"} | storage}
    site.apply("keeper", spec)
    before = 0
    for _ in range(2):
        run = site.ended(site.run("keeper").headers["Location"])
        assert run["status"] == "Success", site.log(run)
        told = [line for line in site.log(run).splitlines() if "runs=" in line]
        count = int(told[0].rpartition("=")[2])
        assert before == 0 or count == before + 1
        before = count
    claim = site.object("pvc", "keeper-data")
    assert claim["status"]["phase"] == "Bound"
    # A continuous job of somebody else's claim: the other way to share the data.
    site.apply(
        "keeper-reader",
        {
            "type": "continuous",
            "data": {"claimName": "keeper-data"},
            "script": {"fileName": "run.sh", "text": 'cat "$WEBJOBS_DATA_PATH/runs"; sleep 1000\n'},
        },
    )
    site.kubectl("wait", "--for=condition=Ready", "wj/keeper-reader", "--timeout=30s")
    log = eventually(lambda: site.kubectl("logs", "deployment/keeper-reader"), what="the reader's output")
    assert run["id"] in log.split()
    site.kubectl("delete", "wj", "keeper-reader")
    assert site.objects("pvc", "webjobs.dev/webjob=keeper"), "a claim that is only used stays"
    site.kubectl("delete", "wj", "keeper")
    eventually(lambda: not site.objects("pvc", "webjobs.dev/webjob=keeper"), what="the end of the claim")
