"""A cluster that the user brings: ``WEBJOBS_CLUSTER=existing`` and a kubeconfig."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import engine
from tests.cluster.engine import Engine
from tests.cluster.errors import ClusterError
from tests.cluster.model import Cluster, State, Status
from tests.cluster.paths import state_of
from tests.cluster.shell import kubectl, run


@dataclass(frozen=True, kw_only=True)
class ExistingCluster(Cluster):
    """See ``Cluster``; nothing on it is started, stopped or removed by us."""

    def address_of(self, node_port: int) -> str:
        return f"{os.environ.get('WEBJOBS_NODE_ADDRESS') or self._node_address()}:{node_port}"

    def _node_address(self) -> str:
        text = run([kubectl(), f"--kubeconfig={self.kubeconfig}", "get", "nodes", "--output=json"], timeout=60)
        addresses = {
            entry["type"]: entry["address"]
            for node in json.loads(text)["items"]
            for entry in node["status"].get("addresses", [])
        }
        found = addresses.get("ExternalIP") or addresses.get("InternalIP")
        if not found:
            raise ClusterError("no node has an address; set WEBJOBS_NODE_ADDRESS")
        return str(found)

    @property
    def image_engine(self) -> Engine | None:
        try:
            return engine.current()
        except ClusterError:
            return None

    def has_image(self, ref: str) -> bool:
        return False

    def load_image(self, archive: Path, ref: str) -> None:
        raise ClusterError(
            f"an image cannot be put into the nodes of a cluster of your own: push {archive} to a registry that they "
            f"pull from, and set WEBJOBS_IMAGE to its name there (instead of {ref})"
        )


def up(name: str) -> ExistingCluster:
    """The cluster of ``$KUBECONFIG`` (else ``~/.kube/config``).

    Raises:
        ClusterError: no such file, or no answer.
    """
    kubeconfig = _kubeconfig_path()
    if not kubeconfig.is_file():
        raise ClusterError(f"WEBJOBS_CLUSTER=existing, but there is no kubeconfig {kubeconfig}; set KUBECONFIG")
    run([kubectl(), f"--kubeconfig={kubeconfig}", "get", "--raw=/readyz"], timeout=60)
    state = state_of(name)
    return ExistingCluster(name=name, provider="existing", kubeconfig=kubeconfig, state=state)


def status(name: str) -> Status:
    """Return the state of the cluster of ``$KUBECONFIG``; see ``Status``."""
    try:
        cluster = up(name)
    except ClusterError as problem:
        state = State.ABSENT if _kubeconfig() is None else State.SILENT
        return Status(name=name, provider="existing", state=state, detail=str(problem), kubeconfig=_kubeconfig())
    detail = f"kubeconfig {cluster.kubeconfig}"
    return Status(name=name, provider="existing", state=State.READY, detail=detail, kubeconfig=cluster.kubeconfig)


def _kubeconfig() -> Path | None:
    found = _kubeconfig_path()
    return found if found.is_file() else None


def _kubeconfig_path() -> Path:
    chosen = os.environ.get("KUBECONFIG", "").split(os.pathsep)[0]
    return Path(chosen or "~/.kube/config").expanduser().resolve()
