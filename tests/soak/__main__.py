"""The soak: ``python -m tests.soak`` (``make soak``).

1. Storm: clients of all kinds, while operator and shim are killed (SIGKILL) once a minute each. Then everything comes
   to rest, and what was accepted is compared with what is there.
2. Steady: the same clients without kills, with short histories, so that as much goes as comes. Then no process may be
   larger at the end than at the beginning.
"""

from __future__ import annotations

import argparse
import subprocess

from tests import stack as stacks
from tests.cluster import ClusterError
from tests.site import Site
from tests.soak.soak import VALUES, Soak


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--name", default="dev", help="of the cluster (default: dev)")
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--storm", type=float, default=10, help="minutes with kills (default: 10)")
    parser.add_argument("--steady", type=float, default=5, help="minutes without (default: 5)")
    parser.add_argument("--kill-period", type=float, default=60, help="seconds in which each is killed once")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with Site(stacks.up(options.name)) as site:
        site.kubectl("delete", "wj,wjr", "--all")
        stacks.upgrade(site.stack, VALUES)
        soak = Soak(site, count=options.jobs, kill_period=options.kill_period, seed=options.seed)
        try:
            soak.create()
            soak.storm(options.storm * 60)
            soak.steady(options.steady * 60)
        except (AssertionError, ClusterError, subprocess.CalledProcessError) as error:
            soak.wrong.append(f"{type(error).__name__}: {error}")
        finally:
            if not soak.wrong:  # else somebody will want to look at it
                site.kubectl("delete", "wj", "--all", "--wait=false")
    print("\n".join(soak.wrong) or f"{options.jobs} jobs, seed {options.seed}: all as it must be")
    return 1 if soak.wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
