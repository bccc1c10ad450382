"""Starts, finds and stops built clusters."""

from __future__ import annotations

import base64
import contextlib
import json
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

from tests.cluster.built import cgroups, commands, credentials, manifests, network
from tests.cluster.built.api import Api
from tests.cluster.built.cluster import BuiltCluster
from tests.cluster.built.compile import builder, preflight
from tests.cluster.built.compile.components import components
from tests.cluster.built.compile.versions import KUBERNETES
from tests.cluster.built.plan import PATH, Plan
from tests.cluster.built.process import Process
from tests.cluster.errors import ClusterError
from tests.cluster.images.archive import Config, Layer, write_archive
from tests.cluster.model import Log, State, Status
from tests.cluster.paths import cache_root, repo_root, state_of

_READY_WITHIN = 120.0


def up(name: str, *, feature_gates: str = "", log: Log) -> BuiltCluster:
    """Give the running cluster ``name``, or start it: from nothing, after removing what a crash has left.

    Raises:
        ClusterError: the machine lacks something, or the node does not become ready; the logs are kept then.
    """
    running = find(name)
    if running is not None:
        _wait(running, log=log)
        return running
    state = state_of(name)
    if state.exists():
        log(f"cluster {name}: removing what is left of an earlier run")
        down(name)
    unbuilt = builder.missing(components())
    needs = [*preflight.RUNNING, *(preflight.BUILDING if unbuilt else [])]
    preflight.check(needs, go=bool(unbuilt), log=log)
    programs = builder.ensure(log=log)
    started = time.monotonic()
    cluster = _start(name, state, programs, feature_gates=feature_gates)
    _wait(cluster, log=log)
    log(f"cluster {name}: Kubernetes {KUBERNETES} ready after {time.monotonic() - started:.1f} s")
    return cluster


def build(*, log: Log) -> None:
    """Fill the cache, with everything that a cluster and the images need."""
    preflight.check([*preflight.RUNNING, *preflight.BUILDING, *preflight.IMAGES], go=True, log=log)
    builder.ensure(log=log)


def find(name: str) -> BuiltCluster | None:
    """The cluster ``name``, if its process 1 is alive."""
    state = state_of(name)
    init = Process.load(state / "init.json")
    if init is None or not init.alive() or not (state / "go").exists():
        return None
    try:
        record = json.loads((state / "cluster.json").read_text())
    except (OSError, ValueError):
        return None
    return BuiltCluster(
        name=name,
        provider="built",
        kubeconfig=state / "kubeconfig" / "admin",
        state=state,
        init=init,
        pair=network.Pair(index=record["pair"]),
        ctr=Path(record["ctr"]),
    )


def status(name: str) -> Status:
    """Return the state of a built cluster; see ``Status``."""
    cluster = find(name)
    if cluster is None:
        left = "; what is left of an earlier run goes with the next `up`" if state_of(name).exists() else ""
        return Status(name=name, provider="built", state=State.ABSENT, detail="it does not run" + left)
    problem = Api.of(cluster.kubeconfig).not_ready()
    detail = problem or f"Kubernetes {KUBERNETES}, node {cluster.node_address}, kubeconfig {cluster.kubeconfig}"
    state = State.SILENT if problem else State.READY
    return Status(name=name, provider="built", state=state, detail=detail, kubeconfig=cluster.kubeconfig)


def down(name: str) -> None:
    """Stop the cluster and remove every trace of it.

    One kill suffices: with process 1 the kernel ends all of the node's processes, and with them mounts and network.
    """
    state = state_of(name)
    init = Process.load(state / "init.json")
    if init is not None and not init.kill():
        raise ClusterError(f"cluster {name}: process {init.pid} does not end")
    with contextlib.suppress(OSError, ValueError):  # no file: it was never made
        network.remove(json.loads((state / "cluster.json").read_text())["pair"])
    cgroups.remove(f"webjobs-{name}")
    shutil.rmtree(state, ignore_errors=True)
    if state.exists():
        shutil.rmtree(state)  # the second time with the reason


def _start(name: str, state: Path, programs: dict[str, Path], *, feature_gates: str) -> BuiltCluster:
    for folder in ("etc", "kubeconfig", "log", "keys"):
        (state / folder).mkdir(parents=True)
    (state / "provider").write_text("built")
    state.chmod(0o711)  # the volumes are reached through it; keys and kubeconfigs are closed by themselves
    snapshotter = "overlayfs" if cgroups.overlay_works(state) else "native"
    (state / "snapshotter").write_text(snapshotter)
    cgroups.create(f"webjobs-{name}")
    init = _launch(name, state)
    try:
        _configure(name, state, init, programs, snapshotter=snapshotter, feature_gates=feature_gates)
        cluster = find(name)
        if cluster is None:
            raise ClusterError(f"cluster {name}: process 1 has ended; log: {state / 'log' / 'init.log'}")
        _load_pause_image(cluster, programs["pause"] / "pause")
    except BaseException:
        init.kill()  # half a cluster is no use; its logs stay
        raise
    return cluster


def _configure(
    name: str, state: Path, init: Process, programs: dict[str, Path], *, snapshotter: str, feature_gates: str
) -> None:
    """Give process 1 its network and everything its programs read, then let it go on."""
    pair = network.allocate(init.pid)
    record = {"pair": pair.index, "ctr": str(programs["containerd"] / "ctr")}
    (state / "cluster.json").write_text(json.dumps(record))
    network.configure(pair, init.pid)
    plan = Plan(
        name=name,
        state=state,
        programs=programs,
        node_address=pair.node,
        snapshotter=snapshotter,
        feature_gates=feature_gates,
    )
    for path, text in manifests.files(plan).items():
        (state / path).parent.mkdir(parents=True, exist_ok=True)
        (state / path).write_text(text)
    _credentials(plan)
    (state / "programs.json").write_text(json.dumps(commands.programs(plan)))
    (state / "go").touch()


def _launch(name: str, state: Path) -> Process:
    """Start process 1 in its namespaces and wait until it has told its id."""
    spec = {"node": f"{name}-node", "state": str(state), "keep": [str(state), str(cache_root()), str(repo_root())]}
    (state / "init.spec").write_text(json.dumps(spec))
    unshare = ["unshare", "--net", "--mount", "--uts", "--ipc", "--pid", "--fork", "--propagation", "slave", "--"]
    script = Path(__file__).with_name("init.py")
    with (state / "log" / "init.log").open("wb") as sink:
        parent = subprocess.Popen(
            [*unshare, sys.executable, "-I", "-S", str(script), str(state / "init.spec")],
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd="/",
            env={"PATH": PATH, "HOME": "/", "LANG": "C.UTF-8"},  # above all no proxy of the user's
        )
    deadline = time.monotonic() + 15
    while parent.poll() is None and time.monotonic() < deadline:
        if (state / "init.pid").exists():
            process = Process.of(int((state / "init.pid").read_text()))
            if process is not None:
                process.save(state / "init.json")
                parent.kill()  # it would only wait for its child's end; without it the node belongs to nobody
                parent.wait()
                return process
        time.sleep(0.01)
    parent.kill()
    parent.wait()
    tail = (state / "log" / "init.log").read_text(errors="replace")[-1500:]
    raise ClusterError(f"cluster {name}: namespaces or mounts are refused: {tail}")


def _credentials(plan: Plan) -> None:
    keys = plan.state / "keys"
    service = ["kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"]
    credentials.make_keys(
        keys,
        addresses=[plan.node_address, network.API_SERVICE, "127.0.0.1"],
        names=[*service, "localhost", plan.node],
    )
    tokens = credentials.random_tokens()
    credentials.write_private(keys / "tokens.csv", credentials.token_file(tokens, plan.node))
    authority = base64.b64encode((keys / "ca.crt").read_bytes()).decode()
    for program, token in tokens.items():
        text = credentials.kubeconfig(name=plan.name, server=plan.server, authority=authority, token=token)
        credentials.write_private(plan.kubeconfig(program), text)


def _load_pause_image(cluster: BuiltCluster, program: Path) -> None:
    archive = cluster.state / "pause.tar"
    write_archive(
        archive,
        ref=manifests.PAUSE_IMAGE,
        layers=[Layer.of_files({"pause": program})],
        config=Config(entrypoint=("/pause",), user="65535:65535"),
    )
    _wait_for_containerd(cluster)
    cluster.load_image(archive, manifests.PAUSE_IMAGE)
    archive.unlink()


def _wait_for_containerd(cluster: BuiltCluster) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and cluster.init.alive():
        with socket.socket(socket.AF_UNIX) as probe:
            if probe.connect_ex(str(cluster.containerd_socket)) == 0:
                return
        time.sleep(0.02)
    raise ClusterError(f"containerd does not start; log: {cluster.state / 'log' / 'containerd.log'}")


def _wait(cluster: BuiltCluster, *, log: Log) -> None:
    api = Api.of(cluster.kubeconfig)
    started = time.monotonic()
    told = False
    problem = api.not_ready()
    while problem is not None:
        waited = time.monotonic() - started
        if waited > _READY_WITHIN or not cluster.init.alive():
            raise ClusterError(f"cluster {cluster.name}: {problem} after {waited:.0f} s; logs: {cluster.state / 'log'}")
        if waited > 20 and not told:
            log(f"cluster {cluster.name}: still waiting; {problem}")
            told = True
        time.sleep(0.1)
        problem = api.not_ready()
