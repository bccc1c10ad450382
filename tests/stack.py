"""A cluster with the chart in it: ``python -m tests.stack up|down [--name NAME] [--env FILE]``.

What a user does with ``helm install``, on a cluster of ``tests.cluster``: image built and loaded, namespaces that
enforce Pod Security "restricted", a volume where the cluster has no provisioner, the chart, and a file with what a
client needs to know.
"""

from __future__ import annotations

import argparse
import base64
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests import cluster as clusters
from tests.cluster.diagnosis import explain
from tests.cluster.images.build import build_image, source_ref

REPO = Path(__file__).resolve().parent.parent
SYSTEM = "webjobs-system"
RECEIVERS = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "198.18.0.0/16", "127.0.0.0/8"]
"""Networks of the pods and hosts of clusters for tests: receivers of web hooks, and hosts of zips, are there."""
SITE = "shop"
RELEASE = "webjobs"
NODE_PORT = 30080
CLAIM = f"{RELEASE}-store"
STORAGE_CLASS = "webjobs-local"


@dataclass(frozen=True, kw_only=True)
class Stack:
    """An installed chart."""

    cluster: clusters.Cluster
    image: str
    url: str
    user: str
    password: str
    site: str = SITE

    @property
    def kubeconfig(self) -> Path:
        return self.cluster.kubeconfig

    def environment(self) -> dict[str, str]:
        """What a client of the site needs."""
        return {
            "KUBECONFIG": str(self.kubeconfig),
            "WEBJOBS_URL": self.url,
            "WEBJOBS_USER": self.user,
            "WEBJOBS_PASSWORD": self.password,
            "WEBJOBS_SITE": self.site,
            **without_proxy(self.url.removeprefix("http://").rpartition(":")[0], os.environ),
        }


def tell(text: str) -> None:
    """Progress, for a person."""
    print(f"==> {text}", file=sys.stderr, flush=True)


def tool(name: str) -> str:
    """A program of the virtual environment (kubectl and helm come in wheels), else of the machine."""
    own = Path(sys.executable).parent / name
    return str(own) if own.exists() else name


def kubectl(kubeconfig: Path, *arguments: str, stdin: str | None = None) -> str:
    """Output of kubectl; its error output goes to ours, a failure raises CalledProcessError."""
    environment = os.environ | {"KUBECONFIG": str(kubeconfig)}
    command = [tool("kubectl"), *arguments]
    return subprocess.run(command, env=environment, input=stdin, text=True, check=True, stdout=subprocess.PIPE).stdout


def apply(kubeconfig: Path, *manifests: dict[str, Any]) -> None:
    """Applies manifests from memory."""
    body = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(manifests)})
    kubectl(kubeconfig, "apply", "--server-side", "--force-conflicts", "-f", "-", stdin=body)


def namespace(name: str) -> dict[str, Any]:
    """A namespace whose pods must be restricted."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def _image(cluster: clusters.Cluster) -> str:
    if given := os.environ.get("WEBJOBS_IMAGE"):
        return given
    engine = cluster.image_engine
    ref = source_ref(REPO, engine=engine)
    if not cluster.has_image(ref):
        tell(f"building the image {ref}")
        archive = build_image(REPO, ref=ref, out=cluster.state / "image.tar", engine=engine)
        tell("loading it into the node")
        cluster.load_image(archive, ref)
        archive.unlink()
    return ref


def _values(image: str, *, volume: str | None) -> dict[str, Any]:
    repository, _, tag = image.rpartition(":")
    persistence = {"storageClassName": STORAGE_CLASS, "volumeName": volume, "size": "1Gi"} if volume else {}
    return {
        "image": {"repository": repository, "tag": tag},
        "site": {"namespace": SITE},
        "store": {"persistence": persistence},
        # The cluster may reach no registry: the one image that is there has sh, bash, tar and Python.
        "runtimes": {"sh": {"image": image}, "py": {"image": image, "versions": None}},
        "kragle": {"enabled": True},
        "warm": {"enabled": True},
        "apiserver": {
            "service": {"type": "NodePort", "nodePort": NODE_PORT},
            "hooks": {"allow": RECEIVERS},
            "packageUri": {"allow": RECEIVERS},
        },
    }


def wait_until_settled(kubeconfig: Path) -> None:
    """Waits until no pod of an earlier release is left: for some seconds the old ones answer, too."""
    for _ in range(300):
        pods = json.loads(kubectl(kubeconfig, "get", "pods", "-n", SYSTEM, "-o", "json"))["items"]
        if not any(pod["metadata"].get("deletionTimestamp") for pod in pods):
            return
        time.sleep(0.2)
    raise clusters.ClusterError("pods of an earlier release do not end within a minute")


def _helm(cluster: clusters.Cluster, values: dict[str, Any], *options: str) -> None:
    """Run ``helm upgrade`` for our release and wait; a failure says what the pods wait for."""
    command = [tool("helm"), "upgrade", RELEASE, str(REPO / "charts/webjobs"), "--namespace", SYSTEM, *options]
    done = subprocess.run(
        [*command, "--values", "-", "--wait", "--timeout", "3m"],
        env=os.environ | {"KUBECONFIG": str(cluster.kubeconfig)},
        input=json.dumps(values),
        text=True,
        check=False,
        stdout=subprocess.DEVNULL,
    )
    if done.returncode != 0:
        why = explain(cluster.kubeconfig, SYSTEM, folder=cluster.state / "log")
        raise clusters.ClusterError(f"helm upgrade ended with {done.returncode}\n{why}")
    wait_until_settled(cluster.kubeconfig)


def up(name: str, *, feature_gates: str | None = None) -> Stack:
    """Cluster, image and chart; quick when they are there already. ``feature_gates``: of ``clusters.up``."""
    cluster = clusters.up(name, feature_gates=feature_gates)
    config = cluster.kubeconfig
    address = cluster.address_of(NODE_PORT)
    os.environ.update(without_proxy(address.rpartition(":")[0], os.environ))
    image = _image(cluster)
    apply(config, namespace(SYSTEM), namespace(SITE))
    volume = cluster.local_volume("webjobs-store")
    if volume:
        volume["spec"]["claimRef"] = {"namespace": SYSTEM, "name": CLAIM}
        apply(config, volume)
    tell("installing the chart")
    _helm(cluster, _values(image, volume=volume["metadata"]["name"] if volume else None), "--install")
    secret = json.loads(kubectl(config, "get", "secret", f"{RELEASE}-credentials", "-n", SYSTEM, "-o", "json"))
    user, password = (base64.b64decode(secret["data"][key]).decode() for key in ("username", "password"))
    _wait_for_answer(cluster, address)
    return Stack(cluster=cluster, image=image, url=f"http://{address}", user=user, password=password)


def _wait_for_answer(cluster: clusters.Cluster, address: str) -> None:
    """Wait until the site answers: on a node that was started again, pods are called ready that are not yet."""
    problem = ""
    for _ in range(120):
        connection = http.client.HTTPConnection(address, timeout=5)
        try:
            connection.request("GET", "/")
            connection.getresponse()
        except (OSError, http.client.HTTPException) as failed:
            problem = str(failed)
            time.sleep(0.5)
        else:
            return
        finally:
            connection.close()
    why = explain(cluster.kubeconfig, SYSTEM, folder=cluster.state / "log")
    raise clusters.ClusterError(f"http://{address} does not answer within a minute: {problem}\n{why}")


def without_proxy(host: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables by which clients go to a host directly, where the environment names a proxy."""
    if not any(environment.get(name) for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")):
        return {}
    listed = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    hosts = [one.strip() for one in listed.split(",") if one.strip()]
    together = ",".join(hosts if host in hosts else [*hosts, host])
    return {"no_proxy": together, "NO_PROXY": together}


def upgrade(stack: Stack, values: dict[str, Any]) -> None:
    """Other values for the installed chart; what is not in them stays."""
    _helm(stack.cluster, values, "--reuse-values")


def write_env(stack: Stack, path: Path) -> None:
    """KEY=VALUE lines for any client; readable by its owner only, for it holds the password."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text("".join(f"{key}={value}\n" for key, value in stack.environment().items()))


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.stack", description=__doc__)
    parser.add_argument("command", choices=["up", "down"])
    parser.add_argument("--name", default="dev", help="of the cluster (default: dev)")
    parser.add_argument("--env", type=Path, default=REPO / ".local/env", help="file for clients (default: .local/env)")
    options = parser.parse_args()
    try:
        if options.command == "down":
            clusters.down(options.name)
            options.env.unlink(missing_ok=True)
            return 0
        stack = up(options.name)
    except (clusters.ClusterError, subprocess.CalledProcessError) as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1
    write_env(stack, options.env)
    tell(f"ready: {stack.url} (what clients need is in {options.env})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
