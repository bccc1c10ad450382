"""``python -m tests.cluster up|down|status|build|kubeconfig [--name NAME] [--provider P]``."""

from __future__ import annotations

import argparse
import sys

from tests.cluster import engine, facade
from tests.cluster.built import provider as built
from tests.cluster.errors import ClusterError
from tests.cluster.kind import tool
from tests.cluster.model import State, tell


def main(arguments: list[str] | None = None) -> int:
    """Run one command; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster", description=__doc__)
    parser.add_argument("command", choices=["up", "down", "status", "build", "kubeconfig"])
    parser.add_argument("--name", default="dev", help="of the cluster (default: dev)")
    parser.add_argument("--provider", choices=facade.PROVIDERS, help="default: $WEBJOBS_CLUSTER, else auto")
    options = parser.parse_args(arguments)
    try:
        return _run(options.command, options.name, options.provider)
    except (ClusterError, ValueError) as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 1


def _run(command: str, name: str, provider: str | None) -> int:
    if command == "build":
        _build(name, provider)
        return 0
    if command == "down":
        facade.down(name)
        return 0
    if command == "up":
        print(facade.up(name, provider=provider).kubeconfig)
        return 0
    found = facade.status(name)
    if command == "status":
        print(f"{found.name}: {found.state}; {found.detail}")
        return 0 if found.ready else 1
    if found.kubeconfig is None or found.state not in (State.READY, State.SILENT):
        raise ClusterError(
            f"cluster {name} is {found.state} ({found.detail}); `python -m tests.cluster up --name {name}` starts it"
        )
    print(found.kubeconfig)
    return 0


def _build(name: str, provider: str | None) -> None:
    chosen = facade.choose(name, provider)
    if chosen == "built":
        built.build(log=tell)
    elif chosen == "kind":
        tool.prepare(engine.current(), log=tell)


if __name__ == "__main__":
    sys.exit(main())
