"""``up``, ``down`` and ``status`` for whichever provider is asked for or fits the machine."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager

from tests.cluster import engine, existing
from tests.cluster.built import provider as built
from tests.cluster.errors import ClusterError
from tests.cluster.kind import provider as kind
from tests.cluster.lock import locked
from tests.cluster.model import Cluster, Log, State, Status, tell
from tests.cluster.paths import cache_root, checked_name, state_of

PROVIDERS = ("auto", "kind", "built", "existing")


def up(name: str, *, provider: str | None = None, feature_gates: str | None = None, log: Log = tell) -> Cluster:
    """Give the cluster ``name``, started if it is not running; ready for pods on return.

    Args:
        provider: ``auto``, ``kind``, ``built`` or ``existing``; by default ``$WEBJOBS_CLUSTER``, else ``auto``: kind
            where a container engine answers, else built.
        feature_gates: of Kubernetes (``A=true,B=false``), for a cluster that is started; by default
            ``$WEBJOBS_FEATURE_GATES``.
        log: gets one line for each thing worth telling.

    Raises:
        ClusterError: with a text for the user.
    """
    gates = os.environ.get("WEBJOBS_FEATURE_GATES", "") if feature_gates is None else feature_gates
    with _one_at_a_time(name, log):
        chosen = choose(name, provider, log=log)
        if chosen == "existing":
            return existing.up(name)
        if chosen == "kind":
            return kind.up(name, feature_gates=gates, log=log)
        return built.up(name, feature_gates=gates, log=log)


def down(name: str, *, log: Log = tell) -> None:
    """Stop the cluster and remove its state; nothing happens if there is none. A user's own cluster is left alone."""
    with _one_at_a_time(name, log):
        state = state_of(name)
        if not state.exists():
            return
        if _provider_of(name) == "kind":
            kind.down(name, log=log)
        else:
            built.down(name)


def status(name: str) -> Status:
    """Whether the cluster is there and ready; changes nothing."""
    checked_name(name)
    if _requested(None) == "existing":
        return existing.status(name)
    chosen = _provider_of(name)
    if chosen is None and not state_of(name).exists():
        return Status(name=name, provider=None, state=State.ABSENT, detail="nobody has made it")
    return kind.status(name) if chosen == "kind" else built.status(name)


def choose(name: str, provider: str | None, *, log: Log = tell) -> str:
    """Return the provider to use: as requested, else the cluster's present one, else what the machine has."""
    wanted = _requested(provider)
    current = _provider_of(name)
    if wanted == "auto":
        return current or _by_machine(log)
    if current is not None and wanted != current and wanted != "existing":
        raise ClusterError(f"cluster {name} exists with provider {current}; take it down first")
    return wanted


def _by_machine(log: Log) -> str:
    try:
        engine.current()
    except ClusterError as problem:
        if engine.installed():  # whoever has one will want to know why it is not used
            log(f"{problem}; so the cluster is built from source")
        return "built"
    return "kind"


def _requested(provider: str | None) -> str:
    wanted = provider or os.environ.get("WEBJOBS_CLUSTER") or "auto"
    if wanted not in PROVIDERS:
        raise ClusterError(f"WEBJOBS_CLUSTER={wanted}: one of {', '.join(PROVIDERS)} is needed")
    return wanted


def _provider_of(name: str) -> str | None:
    try:
        return (state_of(name) / "provider").read_text().strip()
    except OSError:
        return None


def _one_at_a_time(name: str, log: Log) -> AbstractContextManager[None]:
    path = cache_root() / "locks" / f"cluster-{checked_name(name)}"
    return locked(path, what=f"work on cluster {name}", log=log)
