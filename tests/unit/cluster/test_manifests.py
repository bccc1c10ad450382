"""The configuration of the built cluster's programs."""

from __future__ import annotations

import csv
import json
import tomllib
from pathlib import Path

import pytest

from tests.cluster.built import commands, credentials, manifests, network
from tests.cluster.built.cluster import volume
from tests.cluster.built.plan import Plan
from tests.cluster.kind.node import config_of
from tests.cluster.paths import checked_name


@pytest.fixture
def plan() -> Plan:
    parts = ("kubernetes", "containerd", "runc", "cni", "coredns", "pause")
    return Plan(
        name="dev",
        state=Path("/state/dev"),
        programs={part: Path("/cache") / part for part in parts},
        node_address="198.18.254.2",
        feature_gates="PodLogsQuerySplitStreams=true",
    )


def test_containerd_uses_our_runtime_pause_image_and_network(plan: Plan) -> None:
    config = tomllib.loads(manifests.containerd_config(plan))
    assert config["version"] == 3
    runtime = config["plugins"]["io.containerd.cri.v1.runtime"]
    options = runtime["containerd"]["runtimes"]["runc"]["options"]
    assert options == {"BinaryName": "/cache/runc/runc", "SystemdCgroup": False}
    assert runtime["cni"] == {"bin_dirs": ["/cache/cni"], "conf_dir": "/state/dev/etc/cni"}
    images = config["plugins"]["io.containerd.cri.v1.images"]
    assert images["pinned_images"] == {"sandbox": manifests.PAUSE_IMAGE}


def test_kubelet_lets_nobody_in_without_asking_the_api_server(plan: Plan) -> None:
    config = manifests.kubelet_config(plan)
    assert config["authentication"]["anonymous"] == {"enabled": False}
    assert config["authorization"] == {"mode": "Webhook"}
    assert config["cgroupRoot"] == "/webjobs-dev"
    assert config["featureGates"] == {"PodLogsQuerySplitStreams": True}


def test_programs_start_after_what_they_need(plan: Plan) -> None:
    programs = {entry["name"]: entry for entry in commands.programs(plan)}
    assert programs["kube-apiserver"]["gate"] == ("127.0.0.1", 2379)
    assert programs["kubelet"]["gate"] == ("198.18.254.2", 6443)
    assert {name for name, entry in programs.items() if not entry["control"]} == {
        "containerd",
        "kubelet",
        "kube-proxy",
    }
    assert programs["containerd"]["env"]["PATH"].startswith("/cache/containerd:/cache/runc:")
    assert json.loads(json.dumps(list(programs.values())))


def test_feature_gates_reach_only_the_programs_that_have_them(plan: Plan) -> None:
    flag = "--feature-gates=PodLogsQuerySplitStreams=true"
    assert flag in commands.apiserver_flags(plan)
    assert flag in commands.controller_flags(plan)
    assert config_of("A=true,B=false")["featureGates"] == {"A": True, "B": False}
    assert config_of("")["featureGates"] == {}


def test_every_program_has_its_kubeconfig(plan: Plan) -> None:
    flags = [*commands.controller_flags(plan), *commands.scheduler_flags(plan), *commands.kubelet_flags(plan)]
    flags += [*commands.proxy_flags(plan), manifests.corefile(plan)]
    for program in credentials.random_tokens():
        wanted = str(plan.kubeconfig(program))
        assert program == "admin" or any(wanted in flag for flag in flags)


def test_token_file_puts_each_program_into_its_group() -> None:
    tokens = credentials.random_tokens()
    assert len(set(tokens.values())) == len(tokens)
    rows = {row[1]: row for row in csv.reader(credentials.token_file(tokens, "dev-node").splitlines())}
    assert rows["admin"][0] == tokens["admin"]
    assert rows["admin"][3] == "system:masters"
    assert rows["system:node:dev-node"][3] == "system:nodes"
    assert len(rows["system:kube-scheduler"]) == 3


def test_kubeconfig_has_one_context() -> None:
    text = credentials.kubeconfig(name="dev", server="https://198.18.254.2:6443", authority="QQ==", token="t")  # noqa: S106
    config = json.loads(text)
    assert config["current-context"] == config["contexts"][0]["name"] == "dev"
    assert config["clusters"][0]["cluster"]["server"] == "https://198.18.254.2:6443"


def test_private_files_are_private_from_the_start(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "token"
    path.parent.mkdir()
    credentials.write_private(path, "secret")
    assert path.stat().st_mode & 0o777 == 0o600


def test_pairs_do_not_overlap() -> None:
    pairs = [network.Pair(index=index) for index in range(network.PAIRS)]
    addresses = {address for pair in pairs for address in (pair.host, pair.node)}
    assert len(addresses) == 2 * network.PAIRS
    assert pairs[-1].node == "198.18.254.250"
    assert all(len(pair.interface) <= 15 for pair in pairs)


def test_firewall_lets_in_only_the_host() -> None:
    rules = network.firewall(network.Pair(index=1))
    assert 'iifname "eth0" ip saddr != 198.18.254.5 drop' in rules


def test_volume_is_bound_to_the_node() -> None:
    found = volume(name="data", size="2Gi", path=Path("/state/volumes/data"), node="dev-node")
    assert found["spec"]["local"] == {"path": "/state/volumes/data"}
    (term,) = found["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    assert term["matchExpressions"][0]["values"] == ["dev-node"]


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a_b", "a" * 21, "../a", "a.b"])
def test_unusable_cluster_names_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="cluster name"):
        checked_name(name)
