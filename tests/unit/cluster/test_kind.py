"""A kind cluster through its life: made, found, stopped, started again, lost, taken down; by fakes of its programs."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.cluster import __main__ as command_line
from tests.cluster import down, limits, status, up
from tests.cluster.built.compile.versions import KIND_NODE
from tests.cluster.engine import Engine
from tests.cluster.errors import ClusterError
from tests.cluster.kind import cluster as kindcluster
from tests.cluster.kind import node as kindnode
from tests.cluster.kind import tool
from tests.cluster.kind.cluster import KindCluster
from tests.cluster.model import HostWay, State
from tests.cluster.paths import state_of
from tests.cluster.readiness import parse_time
from tests.fakes.engine import BEFORE, NODE, World, world

__all__ = ["world"]
REF = "registry.local/webjobs:0123"


def cluster(lines: list[str] | None = None) -> KindCluster:
    """The cluster ``dev``, up."""
    found = up("dev", log=(lines if lines is not None else []).append)
    assert isinstance(found, KindCluster)
    return found


def test_a_cluster_is_made_with_the_image_of_our_kubernetes(world: World) -> None:
    lines: list[str] = []
    made = cluster(lines)
    (create,) = world.called("kind", "create", "cluster")
    config = json.loads(Path(create[create.index("--config") + 1]).read_text())
    (node,) = config["nodes"]
    assert node["image"] == KIND_NODE
    assert world.called("docker", "pull") == [["docker", "pull", KIND_NODE]]
    assert any("pulling the node image" in line for line in lines)
    assert made.address_of(30080) == "127.0.0.1:40003"
    assert made.kubeconfig.read_text() == "new"
    with pytest.raises(ClusterError, match="NodePort 30081 of cluster dev is not mapped"):
        made.address_of(30081)


@pytest.mark.parametrize(
    ("kind", "variable", "image"),
    [
        ("0.33.0", None, KIND_NODE),
        ("0.33.0", "mirror.example/node:v1.36.4", "mirror.example/node:v1.36.4"),
        ("0.32.0", None, None),
        ("0.33.0-alpha+1", None, None),
    ],
)
def test_the_image_belongs_to_one_release_of_kind(
    world: World, monkeypatch: pytest.MonkeyPatch, kind: str, variable: str | None, image: str | None
) -> None:
    world.set(kind=kind)
    if variable:
        monkeypatch.setenv("WEBJOBS_KIND_NODE_IMAGE", variable)
    assert tool.node_image(world.folder / "bin" / "kind") == image


def test_a_cluster_that_runs_is_taken_as_it_is(world: World) -> None:
    world.node()
    assert cluster().address_of(30080) == "127.0.0.1:40002"
    assert {call[1] for call in world.calls if call[0] == "docker"} <= {
        "--version",
        "info",
        "context",
        "ps",
        "inspect",
        "exec",
    }
    assert world.called("kind") == []


@pytest.mark.parametrize(("status", "command"), [("exited", "start"), ("created", "start"), ("paused", "unpause")])
def test_a_node_that_was_stopped_is_started_again_and_keeps_its_images(world: World, status: str, command: str) -> None:
    world.node(status=status)
    world.set(in_node=[REF])
    found = cluster()
    assert world.called("docker", command) == [["docker", command, NODE]]
    assert world.called("docker", "rm") + world.called("kind") == []
    assert found.has_image(REF)
    assert found.kubeconfig.read_text() == "old"


@pytest.mark.parametrize(
    ("state", "why"),
    [
        ({"broken": {"docker start": "Error: port is already allocated"}}, "port is already allocated"),
        ({"after_start": "exited"}, "does not start again"),
        ({"api": "The connection to the server was refused"}, "its API server does not answer"),
        ({"heartbeat": BEFORE}, "the kubelet has not reported since the node was started"),
    ],
)
def test_a_node_that_does_not_come_back_is_made_anew_and_nothing_is_believed_of_the_old(
    world: World, monkeypatch: pytest.MonkeyPatch, state: dict[str, object], why: str
) -> None:
    world.node(status="exited")
    world.set(in_node=[REF], **state)
    (state_of("dev") / "something").write_text("about the old cluster")
    lines: list[str] = []
    if "start" in str(state):
        found = cluster(lines)
        assert not found.has_image(REF)
        assert found.kubeconfig.read_text() == "new"
    else:  # the fake's new cluster is no better than its old one
        with pytest.raises(ClusterError, match="is not ready after"):
            cluster(lines)
    (told,) = [line for line in lines if "a new one takes its place" in line]
    assert why in told
    assert world.called("docker", "rm")[0] == ["docker", "rm", "--force", "--volumes", NODE]
    assert not (state_of("dev") / "something").exists()
    assert (state_of("dev") / "log" / "node" / "kubelet.log").is_file()


def test_a_lost_kubeconfig_is_written_again(world: World) -> None:
    world.node()
    (state_of("dev") / "kubeconfig").unlink()
    assert cluster().kubeconfig.read_text() == "new"
    assert world.called("docker", "rm") == []


def test_a_node_of_another_checkout_is_left_alone(world: World) -> None:
    world.node()
    (state_of("dev") / "provider").unlink()
    with pytest.raises(ClusterError, match=rf"belongs to another checkout.*docker rm --force --volumes {NODE}"):
        cluster()
    assert NODE in world.state["containers"]


def test_a_node_without_our_ports_is_left_alone(world: World) -> None:
    world.node(ports=False)
    with pytest.raises(ClusterError, match=r"python -m tests\.cluster down --name dev"):
        cluster()
    assert NODE in world.state["containers"]


def test_what_kind_said_and_where_the_logs_are_is_told_when_it_fails(world: World) -> None:
    world.set(broken={"kind create": "ERROR: failed to create cluster: could not find a log line"})
    with pytest.raises(ClusterError) as caught:
        cluster()
    log = state_of("dev") / "log"
    assert f"making cluster dev with kind failed; log: {log / 'kind-create.log'}" in str(caught.value)
    assert "could not find a log line" in str(caught.value)
    assert f"logs of the node's programs: {log / 'node'}" in str(caught.value)
    assert (log / "node" / "kubelet.log").is_file()
    assert world.state["containers"] == {}, "half a cluster would be taken for a whole one"


def test_a_failed_pull_names_the_way_out(world: World) -> None:
    world.set(broken={"docker pull": "Error response from daemon: toomanyrequests"})
    with pytest.raises(ClusterError, match=r"(?s)toomanyrequests.*set WEBJOBS_KIND_NODE_IMAGE"):
        cluster()
    assert world.called("kind", "create") == []


STATES = [
    (None, {}, State.ABSENT, "nobody has made it", 1),
    ("gone", {"containers": {}}, State.ABSENT, "its node is gone", 1),
    ("exited", {}, State.STOPPED, "its node is exited; `up` starts it again", 1),
    ("running", {"broken": {"docker info": "Cannot connect to the Docker daemon"}}, State.STOPPED, "Cannot connect", 1),
    ("running", {"api": "connection refused"}, State.SILENT, "its API server does not answer", 0),
    ("running", {}, State.READY, "kubeconfig ", 0),
]


@pytest.mark.parametrize(("node", "changes", "state", "detail", "code"), STATES)
def test_status_and_kubeconfig_tell_the_state_and_change_nothing(
    world: World,
    capsys: pytest.CaptureFixture[str],
    node: str | None,
    changes: dict[str, object],
    state: State,
    detail: str,
    code: int,
) -> None:
    if node:
        world.node(status=node)
    world.set(**changes)
    before, files = world.state, sorted(state_of("dev").rglob("*"))
    found = status("dev")
    assert found.state is state
    assert detail in found.detail
    assert command_line.main(["status"]) == (0 if state is State.READY else 1)
    assert f"dev: {state}; " in capsys.readouterr().out
    assert command_line.main(["kubeconfig"]) == code
    written = capsys.readouterr()
    assert (str(state_of("dev") / "kubeconfig") in written.out) == (code == 0)
    assert code == 0 or f"cluster dev is {state}" in written.err
    assert world.state == before
    assert sorted(state_of("dev").rglob("*")) == files


def test_down_removes_the_node_our_folder_and_our_images(world: World) -> None:
    world.node(status="exited")
    down("dev")
    assert world.state["containers"] == {}
    assert not state_of("dev").exists()
    assert world.called("kind") == [], "it works when kind is gone, too"
    down("dev")


def test_a_cluster_stays_with_the_engine_it_was_made_with(world: World) -> None:
    world.install("podman")
    assert cluster().engine.program == "docker"
    world.set(broken={"docker info": "Cannot connect to the Docker daemon"})
    assert "Cannot connect" in status("dev").detail
    for change in (cluster, lambda: down("dev")):
        with pytest.raises(ClusterError, match="Cannot connect"):
            change()
    assert NODE in world.state["containers"]


def test_a_user_who_is_not_root_needs_nothing_of_root(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*arguments: object) -> None:
        raise PermissionError(arguments)

    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    for name in ("chown", "kill", "pidfd_open", "mount"):
        monkeypatch.setattr(os, name, refused, raising=False)
    found = cluster()
    assert found.local_volume("data") is None
    world.set(pids=[7])
    assert found.kill_pod_process("aa-bb", "webjobs_operator") == 1
    down("dev")


def test_an_image_is_loaded_and_asked_for_in_the_node(world: World, tmp_path: Path) -> None:
    world.node()
    found = cluster()
    assert not found.has_image(REF)
    archive = tmp_path / "image.tar"
    archive.write_text(REF)
    found.load_image(archive, REF)
    assert found.has_image(REF)
    with pytest.raises(ClusterError, match="holds no image called other:1"):
        found.load_image(archive, "other:1")


@pytest.mark.parametrize("pids", [[], [41, 42]])
def test_a_pods_processes_are_killed_inside_of_the_node(world: World, pids: list[int]) -> None:
    world.node()
    world.set(pids=pids)
    assert cluster().kill_pod_process("aa-bb", "webjobs_operator") == len(pids)
    (call,) = world.called("docker", "exec", NODE, "sh")
    assert call[-4:] == ["/proc", "aa-bb", "aa_bb", "webjobs_operator"]


@pytest.mark.parametrize(
    ("group", "program", "dies"),
    [
        ("0::/kubelet.slice/kubelet-kubepods-podaa_bb.slice/cri-containerd-1.scope\n", "webjobs_operator", True),
        ("0::/kubepods/burstable/podaa-bb/1\n", "webjobs_operator", True),
        ("0::/kubepods/burstable/podaa-bb/1\n", "webjobs", False),
        ("0::/kubepods/burstable/podaa-cc/1\n", "webjobs_operator", False),
    ],
)
def test_the_script_in_the_node_finds_both_spellings(tmp_path: Path, group: str, program: str, dies: bool) -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        entry = tmp_path / str(process.pid)
        entry.mkdir()
        (entry / "cgroup").write_text(group)
        (entry / "cmdline").write_bytes(b"python3\0-m\0webjobs_operator\0")
        (tmp_path / "999999999").mkdir()  # one that has just ended
        script = kindnode.kill_script("aa-bb", program, proc=str(tmp_path))
        told = subprocess.run(script, capture_output=True, text=True, check=True).stdout.split()
        assert told == ([str(process.pid)] if dies else [])
        if not dies:
            process.kill()
        assert process.wait(10) == -9


@pytest.mark.parametrize(
    ("gateway", "internal"),
    [
        ("127.0.0.1", None),  # Linux' own engine: the gateway is an address of this host
        ("192.0.2.1", "127.0.0.1"),  # the gateway is in the engine's virtual machine
    ],
)
def test_the_way_to_this_host_is_tried(world: World, gateway: str, internal: str | None) -> None:
    world.node()
    found = cluster()
    _lead(world, gateway, internal)
    assert found.way_to_host() == HostWay(bind="127.0.0.1", address="127.0.0.1")


def _lead(world: World, gateway: str, internal: str | None) -> None:
    containers = world.state["containers"]
    containers[NODE]["NetworkSettings"]["Networks"]["kind"]["Gateway"] = gateway
    world.set(containers=containers, **({"internal": internal} if internal else {}))


def test_no_way_to_this_host_says_what_to_do(world: World) -> None:
    world.node()
    found = cluster()
    _lead(world, "192.0.2.1", None)
    with pytest.raises(ClusterError, match="WEBJOBS_CLUSTER=built"):
        found.way_to_host()


def test_ports_of_docker_desktop_and_of_a_stopped_node(world: World) -> None:
    world.node(status="exited")
    text = json.dumps([world.state["containers"][NODE]])
    assert kindnode.container_of(text).ports == {6443: "127.0.0.1:40001", 30080: "127.0.0.1:40002"}
    container = world.state["containers"][NODE]
    container["Config"]["Labels"] |= {
        "desktop.docker.io/ports/30080/tcp": ":40009",
        "desktop.docker.io/ports.scheme": "v2",
    }
    container["State"]["StartedAt"] = "2026-01-01T11:00:00.5+01:00"  # Podman's
    found = kindnode.container_of(json.dumps([container]))
    assert found.ports[30080] == "127.0.0.1:40009"
    assert found.started == parse_time("2026-01-01T10:00:00Z")


def test_the_node_takes_as_much_as_the_built_one() -> None:
    config = kindnode.config_of("A=true,B=false")
    assert config["featureGates"] == {"A": True, "B": False}
    kubeadm, kubelet = (json.loads(patch) for patch in config["kubeadmConfigPatches"])
    assert (kubelet["kind"], kubelet["maxPods"]) == ("KubeletConfiguration", limits.MAX_PODS)
    assert kubeadm["apiVersion"] == "kubeadm.k8s.io/v1beta4"
    arguments = {one["name"]: one["value"] for one in kubeadm["controllerManager"]["extraArgs"]}
    assert arguments == {
        "kube-api-qps": "500",
        "kube-api-burst": "1000",
        "concurrent-job-syncs": "50",
        "node-cidr-mask-size": "22",
        "enable-hostpath-provisioner": "true",
        "feature-gates": "A=true,B=false",
    }
    (node,) = config["nodes"]
    assert node["extraPortMappings"] == [{"containerPort": 30080, "hostPort": 0, "listenAddress": "127.0.0.1"}]
    assert "image" not in node


def test_an_engine_that_fails_is_not_taken_for_one_without_a_node(world: World) -> None:
    world.set(broken={"docker ps": "Error response from daemon: context deadline exceeded"})
    with pytest.raises(ClusterError, match="deadline exceeded"):
        kindcluster.inspect(Engine(program="docker"), "dev")
