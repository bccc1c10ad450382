"""``python -m tests.cluster up|down|status|build|kubeconfig [--name NAME] [--provider P]``."""

from __future__ import annotations

import argparse
import sys

from . import facade
from .built import provider as built
from .errors import ClusterError


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
        if facade.choose(name, provider) == "built":
            built.build(log=facade.tell)
        return 0
    if command == "down":
        facade.down(name)
        return 0
    if command == "status":
        found = facade.status(name)
        print(f"{found.name}: {found.detail}")
        return 0 if found.ready else 1
    if command == "kubeconfig" and not facade.status(name).running:
        raise ClusterError(f"cluster {name} is not running; start it with `python -m tests.cluster up --name {name}`")
    cluster = facade.up(name, provider=provider)
    print(cluster.kubeconfig)
    return 0


if __name__ == "__main__":
    sys.exit(main())
