"""A kill of our own processes that hits nothing does not pass unnoticed."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests import faults, site
from tests.cluster.built.podprocess import processes
from tests.cluster.built.process import Process
from tests.cluster.errors import ClusterError
from tests.cluster.existing import ExistingCluster
from tests.site import Site


class Cluster:
    """Gives how many processes each look at a pod finds."""

    def __init__(self, found: list[int]) -> None:
        self.found = found

    def kill_pod_process(self, uid: str, program: str) -> int:
        assert (uid, program) == ("aa-bb", "webjobs_operator")
        return self.found.pop(0) if self.found else 0


def site_of(cluster: object, deleted: list[str]) -> Site:
    """A site with one pod of the operator."""

    def kubectl(verb: str, *words: str, namespace: str) -> str:
        if verb == "delete":
            deleted.append(words[1])
        return json.dumps({"items": [{"metadata": {"name": "operator-1", "uid": "aa-bb"}}]})

    return cast(Site, SimpleNamespace(kubectl=kubectl, stack=SimpleNamespace(cluster=cluster)))


@pytest.mark.parametrize("found", [[1], [0, 0, 2]])
def test_a_process_that_is_not_there_yet_is_waited_for(monkeypatch: pytest.MonkeyPatch, found: list[int]) -> None:
    monkeypatch.setattr(site, "time", SimpleNamespace(monotonic=lambda: 0.0, sleep=lambda _: None))
    deleted: list[str] = []
    last = found[-1]
    assert faults.kill(site_of(Cluster(found), deleted), "operator") == last
    assert deleted == ["operator-1"], "a pod that was not hit stays"


def test_a_kill_that_hits_nothing_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter(range(0, 1000, 10))
    monkeypatch.setattr(site, "time", SimpleNamespace(monotonic=lambda: next(moments), sleep=lambda _: None))
    deleted: list[str] = []
    with pytest.raises(AssertionError, match="a process of the operator to kill did not happen within 60 s"):
        faults.kill(site_of(Cluster([]), deleted), "operator")
    assert deleted == []


def test_a_cluster_of_the_users_own_says_that_it_cannot(tmp_path: Path) -> None:
    cluster = ExistingCluster(name="dev", provider="existing", kubeconfig=tmp_path / "k", state=tmp_path)
    with pytest.raises(ClusterError, match="the existing provider cannot kill a pod's processes"):
        faults.kill(site_of(cluster, []), "operator")


@pytest.mark.parametrize("spelling", ["aa-bb", "aa_bb"])
def test_processes_of_a_pod_are_found_in_both_spellings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spelling: str
) -> None:
    own = Process(pid=1, started=1, boot="b")
    monkeypatch.setattr(Process, "of", lambda pid: own if pid == 1 else None)
    lines: list[tuple[str, Any, bytes]] = [
        ("1", f"0::/pod{spelling}/c\n", b"python3\0-m\0webjobs_operator\0"),
        ("2", "0::/podcc/c\n", b"python3\0-m\0webjobs_operator\0"),
        ("3", f"0::/pod{spelling}/c\n", b"sh\0"),
        ("self", f"0::/pod{spelling}/c\n", b"python3\0-m\0webjobs_operator\0"),
    ]
    for name, group, command in lines:
        (tmp_path / name).mkdir()
        (tmp_path / name / "cgroup").write_text(group)
        (tmp_path / name / "cmdline").write_bytes(command)
    (tmp_path / "4").mkdir()
    assert processes("aa-bb", "webjobs_operator", proc=tmp_path) == [own]
