"""A cluster by kind, where a container engine answers: made, found, started again, taken down."""

from __future__ import annotations

import json
import shutil
import time
from pathlib import Path

from tests.cluster import engine
from tests.cluster.engine import Engine
from tests.cluster.errors import ClusterError
from tests.cluster.images import by_engine
from tests.cluster.kind import tool
from tests.cluster.kind.cluster import KindCluster, inspect
from tests.cluster.kind.node import NODE_PORTS, NodeContainer, cluster_name, config_of, node_name
from tests.cluster.model import Log, State, Status
from tests.cluster.paths import state_of
from tests.cluster.progress import follow
from tests.cluster.readiness import node_problem
from tests.cluster.shell import run

READY_WITHIN = 240.0
POLL = 1.0
_TELL_EVERY = 20.0
_LOGS = "log"
_ENGINE = "engine"


def up(name: str, *, feature_gates: str, log: Log) -> KindCluster:
    """Return the kind cluster ``webjobs-<name>``: as it runs, or started again, or made.

    Raises:
        ClusterError: no engine answers, the cluster belongs to another checkout, or kind failed; says what to do.
    """
    found = _engine_of(name)
    node = inspect(found, name)
    if node is not None and not (state_of(name) / "provider").is_file():
        raise ClusterError(
            f"the kind cluster {cluster_name(name)} belongs to another checkout: take another --name, or remove it "
            f"(`{found.program} rm --force --volumes {node_name(name)}`)"
        )
    cluster = _cluster(name, found, log)
    if node is not None:
        if any(port not in node.ports for port in NODE_PORTS):
            raise ClusterError(
                f"cluster {name} was made by an earlier version of this code, without ports on this host; "
                f"`python -m tests.cluster down --name {name}` removes it"
            )
        try:
            _revive(cluster, node, log)
        except ClusterError as problem:
            kept = _save_log(cluster, log)
            log(f"cluster {name}: {problem}; a new one takes its place (its logs: {kept})")
        else:
            return cluster
    _forget(name, found)
    return _make(cluster, feature_gates=feature_gates, log=log)


def down(name: str, *, log: Log) -> None:
    """Delete the cluster: its one container with all that is in it, our own folder, our images in the engine."""
    found = _engine_of(name)
    _forget(name, found)
    shutil.rmtree(state_of(name))
    by_engine.forget(found, log=log)


def status(name: str) -> Status:
    """Return the state of a kind cluster; see ``Status``."""

    def told(state: State, detail: str) -> Status:
        path = state_of(name) / "kubeconfig"
        return Status(
            name=name, provider="kind", state=state, detail=detail, kubeconfig=path if path.is_file() else None
        )

    try:
        found = _engine_of(name)
    except ClusterError as failed:
        return told(State.STOPPED, str(failed))
    node = inspect(found, name)
    if node is None:
        return told(State.ABSENT, "its node is gone; `up` makes a new one")
    if not node.running:
        return told(State.STOPPED, f"its node is {node.state}; `up` starts it again")
    problem = _problem(found, name)
    if problem:
        return told(State.SILENT, problem)
    return told(State.READY, f"kubeconfig {state_of(name) / 'kubeconfig'}")


def _engine_of(name: str) -> Engine:
    """Return the engine that the cluster was made with, and no other, or one for a new cluster."""
    try:
        return engine.current((state_of(name) / _ENGINE).read_text().strip())
    except FileNotFoundError:
        return engine.current()


def _cluster(name: str, found: Engine, log: Log) -> KindCluster:
    state = state_of(name)
    program = tool.program(log)
    return KindCluster(
        name=name, provider="kind", kubeconfig=state / "kubeconfig", state=state, engine=found, program=program
    )


def _revive(cluster: KindCluster, node: NodeContainer, log: Log) -> None:
    """Start the node if it is stopped, and wait for it; ClusterError if it does not become ready."""
    if not node.running:
        log(f"cluster {cluster.name}: its node is {node.state} and is started again")
        cluster.engine.run("unpause" if node.state == "paused" else "start", node_name(cluster.name))
        again = inspect(cluster.engine, cluster.name)
        if again is None or not again.running:
            raise ClusterError("its node does not start again")
        node = again
    _wait(cluster, node, log)
    if not cluster.kubeconfig.is_file():
        export = ["export", "kubeconfig", "--name", cluster_name(cluster.name)]
        cluster.kind(*export, f"--kubeconfig={cluster.kubeconfig}")


def _make(cluster: KindCluster, *, feature_gates: str, log: Log) -> KindCluster:
    name, state, logs = cluster.name, cluster.state, cluster.state / _LOGS
    logs.mkdir(parents=True, exist_ok=True)
    (state / "provider").write_text("kind")  # first of all, so that `down` finds what an interrupted `up` has begun
    (state / _ENGINE).write_text(cluster.engine.program)
    image = tool.node_image(cluster.program)
    if image:
        tool.pull(cluster.engine, image, output=logs / "pull.log", log=log)
    config = state / "kind.json"
    config.write_text(json.dumps(config_of(feature_gates, image=image), indent=2))
    log(f"cluster {name}: kind makes it, usually 1 minute")
    # Retained, so that there is something to look at; whatever has failed is removed right after.
    create = ["create", "cluster", "--retain", "--name", cluster_name(name), "--config", str(config)]
    try:
        follow(
            [cluster.program, *create, f"--kubeconfig={cluster.kubeconfig}"],
            what=f"making cluster {name} with kind",
            log=log,
            output=logs / "kind-create.log",
            env=cluster.engine.environment,
            timeout=1200,
        )
        node = inspect(cluster.engine, name)
        if node is None:
            raise ClusterError(f"cluster {name}: kind has made no node {node_name(name)}")
        _wait(cluster, node, log)
    except ClusterError as problem:
        kept = _save_log(cluster, log)
        _forget(name, cluster.engine)
        raise ClusterError(f"{problem}\nlogs of the node's programs: {kept or 'none, there was no node'}") from problem
    return cluster


def _save_log(cluster: KindCluster, log: Log) -> Path | None:
    """Keep what the node's programs wrote, in a folder that is returned; None: there is no node."""
    if inspect(cluster.engine, cluster.name) is None:
        return None
    folder = cluster.state / _LOGS / "node"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        cluster.kind("export", "logs", str(folder), "--name", cluster_name(cluster.name), timeout=180)
    except ClusterError as problem:
        log(f"cluster {cluster.name}: its logs cannot be read: {problem}")
    return folder


def _forget(name: str, found: Engine) -> None:
    """Remove the node, and all that our folder says about it; logs stay."""
    if inspect(found, name) is not None:
        found.run("rm", "--force", "--volumes", node_name(name), timeout=300)
    state = state_of(name)
    for entry in state.iterdir() if state.is_dir() else ():
        if entry.name in (_LOGS, "provider"):
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _wait(cluster: KindCluster, node: NodeContainer, log: Log) -> None:
    """Wait until the node takes pods; what its kubelet said before it was started the last time does not count."""
    begun = told = time.monotonic()
    while problem := _problem(cluster.engine, cluster.name, node):
        now = time.monotonic()
        if now - begun > READY_WITHIN:
            raise ClusterError(f"cluster {cluster.name} is not ready after {now - begun:.0f} s: {problem}")
        if now - told > _TELL_EVERY:
            log(f"cluster {cluster.name}: waiting for it, {now - begun:.0f} s so far; {problem}")
            told = now
        time.sleep(POLL)


def _problem(found: Engine, name: str, node: NodeContainer | None = None) -> str | None:
    """Say what the cluster lacks to take pods, asked inside of the node."""
    kubectl = ["kubectl", "--kubeconfig=/etc/kubernetes/admin.conf", "--request-timeout=10s", "get"]
    asked = found.argv("exec", node_name(name), *kubectl)
    try:
        run([*asked, "--raw=/readyz"], timeout=20)
        nodes = json.loads(run([*asked, "nodes", "--output=json"], timeout=20))
    except ClusterError as failed:
        return f"its API server does not answer ({engine.reason(str(failed))})"
    return node_problem(nodes, since=node.started if node else None)
