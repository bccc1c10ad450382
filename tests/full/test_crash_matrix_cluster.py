"""On a real control plane: operator and REST shim die after every single write, or its answer is lost.

Writes are those to the API server and, since the store is a bucket behind the same kind of proxy, those to the store.
``tests/unit/crashes/test_matrix.py`` does the same in memory, for more scenarios. WEBJOBS_ACTS picks some (by comma),
WEBJOBS_LANES says how many are played at once; each lane has a namespace and processes of its own.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

import pytest
import yaml

from tests import faults, s3
from tests import stack as stacks
from tests.full.lane import Lane, lane
from tests.full.matrix import FAULTS, PROGRAMS, Matrix
from tests.full.proxy import api
from tests.full.scenarios import SCENARIOS
from tests.full.witness import Witness
from tests.promises import Facts, broken
from tests.site import Site, eventually
from webjobs_kube.paths import path_of

LANES = int(os.environ.get("WEBJOBS_LANES", "6"))
ONLY = os.environ.get("WEBJOBS_ACTS", "").split(",") if os.environ.get("WEBJOBS_ACTS") else list(SCENARIOS)
ZIP = {"Content-Type": "application/zip", "Content-Disposition": "attachment; filename=job.zip"}


def tell(text: str) -> None:
    """For who looks closer, or why a test failed."""
    print(text, file=sys.stderr, flush=True)


@dataclass
class Played:
    """A matrix that was played, with everything it left standing."""

    matrix: Matrix
    lanes: list[Lane]


@pytest.fixture(scope="module")
def played(site: Site, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Played]:
    """Without the operator inside of the cluster, which would do the lanes' work."""
    folder = tmp_path_factory.mktemp("lanes")
    deployment = f"deploy/{stacks.RELEASE}-operator"
    prefix = f"crash-{secrets.token_hex(2)}"
    namespaces = [f"{prefix}-{number}" for number in range(LANES)]
    site.kubectl("scale", deployment, "--replicas=0", namespace=stacks.SYSTEM)
    try:
        eventually(lambda: not faults.pods(site, "operator"), seconds=90, what="the end of the operator in the cluster")
        stacks.apply(site.stack.kubeconfig, *(stacks.namespace(name) for name in namespaces))
        configs = {program: _config(site, program) for program in PROGRAMS}
        with ExitStack() as stack:
            url = stack.enter_context(api(site.stack.kubeconfig))
            server = stack.enter_context(s3.server())
            witness = stack.enter_context(Witness(url).watching())
            lanes = [
                stack.enter_context(
                    lane(name, api=url, server=server, folder=folder / name, configs=configs, witness=witness)
                )
                for name in namespaces
            ]
            matrix, begun = Matrix({name: SCENARIOS[name] for name in ONLY}, tell=tell), time.monotonic()
            matrix.play(lanes)
            capture = request.config.pluginmanager.get_plugin("capturemanager")
            assert capture
            with capture.global_and_fixture_disabled():  # shown when all is well, too
                tell(f"\ncrash matrix: {time.monotonic() - begun:.0f} s on {LANES} lanes")
                tell("\n".join(matrix.figures()))
            yield Played(matrix=matrix, lanes=lanes)
    finally:
        tell(f"logs of the processes: {folder}")
        # Hundreds of jobs that go would be the business of the operator in the cluster, and of the next test.
        site.kubectl("delete", "namespace", *namespaces, "--ignore-not-found", "--timeout=10m", namespace=None)
        site.kubectl("scale", deployment, "--replicas=1", namespace=stacks.SYSTEM)
        faults.ready(site)


def _config(site: Site, program: str) -> dict[str, object]:
    """The chart's settings of a component."""
    shown = site.kubectl("get", "configmap", f"{stacks.RELEASE}-{program}", "-o", "json", namespace=stacks.SYSTEM)
    (text,) = json.loads(shown)["data"].values()
    found: dict[str, object] = yaml.safe_load(text)
    return found


@pytest.mark.parametrize("name", ONLY)
def test_every_write(played: Played, name: str) -> None:
    matrix, scenario = played.matrix, SCENARIOS[name]
    assert [str(outcome) for outcome in matrix.of(name) if outcome.wrong] == []
    for program, least in (("operator", scenario.operator), ("apiserver", scenario.apiserver)):
        for fault in FAULTS:
            assert matrix.struck(name, program, fault) >= set(range(1, least + 1)), f"{program} {fault}"


def test_new_processes_write_nothing(played: Played) -> None:
    """Over all that the crashes have left behind."""
    begun = time.monotonic()
    for one in played.lanes:
        for program in one.programs.values():
            program.stop()
        one.revive()

    def look(one: Lane) -> list[str]:
        one.until(one.quiet, what="rest of a new operator")
        time.sleep(3)  # what waits for a moment comes, too
        wrote = [text for program in one.programs.values() for at, text in program.gate.all if at > begun]
        return broken(Facts(webjobs=[], runs=[], written_at_rest=wrote))

    with ThreadPoolExecutor(len(played.lanes)) as pool:
        assert list(pool.map(look, played.lanes)) == [[]] * len(played.lanes)


def test_what_is_refused_writes_nothing(played: Played) -> None:
    one = played.lanes[0]
    (*_, webjob) = one.all_of("WebJob")
    url = f"/api/triggeredwebjobs/{webjob['metadata']['name']}"
    before = {kind: one.all_of(kind) for kind in ("WebJob", "WebJobRun", "ConfigMap")}
    begun = time.monotonic()
    answers = [
        one.call("PUT", url, content=b"no zip", headers=ZIP),
        one.call("PUT", "/api/triggeredwebjobs/a%2Fb", content=b"x"),
        one.call("DELETE", f"{url}/history/202601010000009999"),
        one.call("POST", "/api/triggeredwebjobs/no-such-job/run"),
        one.call("PUT", f"{url}/settings", content=b"no JSON"),
    ]
    assert [answer.status_code // 100 for answer in answers] == [4] * len(answers), answers
    wrote = [text for program in one.programs.values() for at, text in program.gate.all if at > begun]
    refused = [text for text in wrote if "/guard/" not in text]  # an announcement, which ends by itself
    changed = [kind for kind, found in before.items() if one.all_of(kind) != found]
    assert broken(Facts(webjobs=[], runs=[], changed_by_refusals=[*refused, *changed])) == []


def test_nobody_goes_beyond_a_namespace(played: Played) -> None:
    """Each lane has a namespace: its processes ask for no other, and its clients see no other's jobs."""
    for one in played.lanes:
        for program in one.programs.values():
            asked = {path for _, _, path in program.way.requests if "/namespaces/" in path}
            assert {path for path in asked if f"/namespaces/{one.namespace}" not in path} == set()
        others = [other for other in played.lanes if other is not one]
        mine = {job["metadata"]["name"] for job in one.all_of("WebJob")}
        listed = {job["name"] for job in one.call("GET", "/api/triggeredwebjobs").json()}
        assert listed == mine
        for other in others:
            runs = {run["metadata"]["name"] for run in other.all_of("WebJobRun")}
            for run in list(runs - {run["metadata"]["name"] for run in one.all_of("WebJobRun")})[:3]:
                assert one.api.get(path_of("WebJobRun", one.namespace, run)).status_code == 404
                job, _, run_id = run.rpartition("-")
                assert one.call("GET", f"/api/triggeredwebjobs/{job}/history/{run_id}").status_code == 404
