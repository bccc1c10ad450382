"""The soak: ``python -m tests.soak`` (``make soak``).

1. Storm: clients of all kinds, while operator and shim are killed (SIGKILL) once a minute each. Then everything comes
   to rest, and what was accepted is compared with what is there.
2. Steady: the same clients without kills, with short histories, so that as much goes as comes. Then no process may be
   larger at the end than at the beginning.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import time
from datetime import UTC, datetime, timedelta

from tests import faults
from tests import stack as stacks
from tests.site import Site, eventually
from tests.soak.book import Book
from tests.soak.check import (
    Findings,
    by_job,
    check_ledger,
    check_logs,
    check_records,
    check_slots,
    check_values,
    merged,
    settled,
)
from tests.soak.clients import Clients
from tests.soak.jobs import SCHEDULED, kind_of, spec_of
from tests.soak.ledger import Ledger
from tests.soak.sampler import TOLERANCE, Sampler, trend

SHORT_HISTORY = 1
"""``historyLimit`` in the steady phase."""
RETENTION = 30
"""Seconds for which an ended Job and its pod stay: with the usual five minutes there are more and more for so long."""
CATCH_UP = timedelta(seconds=15)
"""From a ready operator to one that has done what was due."""
WARM_UP = 75.0
"""Seconds from the last start of the processes to the first figure that counts."""


class Soak:
    """One whole of it. Times in seconds."""

    def __init__(self, site: Site, *, count: int, kill_period: float, seed: int) -> None:
        self.site = site
        self.jobs = {f"soak-{number:03d}": kind_of(number) for number in range(count)}
        self.kill_period = kill_period
        self.seed = seed
        self.wrong: list[str] = []

    def create(self) -> None:
        """The jobs."""
        manifests = [
            {
                "apiVersion": "webjobs.dev/v1",
                "kind": "WebJob",
                "metadata": {"name": name, "namespace": stacks.SITE},
                "spec": spec_of(kind, number),
            }
            for number, (name, kind) in enumerate(self.jobs.items())
        ]
        stacks.apply(self.site.stack.kubeconfig, *manifests)

    def storm(self, seconds: float) -> None:
        """Clients and kills; then rest, and a look at everything."""
        book, chance = Book(), random.Random(self.seed)  # noqa: S311  no secret
        begun, killed = time.monotonic(), dict.fromkeys(faults.COMPONENTS, 0)
        clients = Clients(self.site, self.jobs, book, seed=self.seed)
        plan = self._kills(seconds, chance)
        away: list[tuple[datetime, datetime]] = []
        last: datetime | None = None
        for at, component in plan:
            time.sleep(max(begun + at - time.monotonic(), 0))
            if component == "operator":
                if last:
                    away.append((last, self._back(last)))
                last = datetime.now(UTC)
            killed[component] += faults.kill(self.site, component)
        time.sleep(max(begun + seconds - time.monotonic(), 0))
        clients.stop()
        self._patch(SCHEDULED, {"suspend": True})
        until = datetime.now(UTC)
        if last:
            away.append((last, self._back(last)))
        rest = self._rest()
        self._tell("storm", {"seconds": seconds, "kills": len(plan), "processes killed": killed, "to rest, s": rest})
        self._tell("answers", dict(sorted(book.answers.items())))
        records = by_job(self.site)
        self._judge("records", check_records(book, records))
        self._judge("logs", check_logs(self.site, self.jobs, records))
        self._judge("slots", check_slots(self.site, self.jobs, records, away=merged(away), until=until))
        self._judge("values", check_values(self.site, book))

    def _back(self, killed: datetime) -> datetime:
        """When an operator was back after a kill; now, when it is not yet."""
        since = faults.ready_since(self.site, "operator")
        now = datetime.now(UTC)
        return min(since + CATCH_UP, now) if since and since >= killed.replace(microsecond=0) else now

    def _kills(self, seconds: float, chance: random.Random) -> list[tuple[float, str]]:
        """Each component once in each period, at any time of it."""
        rounds = int(seconds // self.kill_period)
        return sorted(
            ((number + chance.random()) * self.kill_period, component)
            for number in range(rounds)
            for component in faults.COMPONENTS
        )

    def steady(self, seconds: float) -> None:
        """Clients only, from new processes on; what is there stays about as much."""
        self._patch(("forbid", "queue", "allow", *SCHEDULED), {"historyLimit": SHORT_HISTORY})
        for component in faults.COMPONENTS:
            faults.kill(self.site, component)
        faults.ready(self.site)
        most = len(self.jobs) * SHORT_HISTORY
        eventually(lambda: len(self.site.objects("wjr")) <= most, seconds=300, what="short histories")
        self._patch(SCHEDULED, {"suspend": False})
        ledger, sampler, book = Ledger(self.site), Sampler(self.site), Book()
        clients = Clients(self.site, self.jobs, book, seed=self.seed + 1000)
        begun = time.monotonic()
        time.sleep(seconds)
        sampler.stop()
        clients.stop()
        self._patch(SCHEDULED, {"suspend": True})
        rest = self._rest()
        ledger.close()
        self._tell("steady", {"seconds": seconds, "to rest, s": rest})
        self._tell("answers", dict(sorted(book.answers.items())))
        self._judge("runs", check_ledger(book, ledger))
        self._judge("logs", check_logs(self.site, self.jobs, by_job(self.site)))
        self._memory(sampler, begun + min(WARM_UP, seconds / 3))

    def _memory(self, sampler: Sampler, begin: float) -> None:
        for component in faults.COMPONENTS:
            samples = sampler.since(component, begin)
            if len(samples) < 4:
                self.wrong.append(f"only {len(samples)} looks at the memory of the {component}")
                continue
            for what in ("rss", "working_set"):
                found = trend([(sample.at, getattr(sample.memory, what)) for sample in samples])
                text = f"{found.first:.1f} -> {found.last:.1f} MiB, {found.slope:+.2f} MiB/min, {len(samples)} looks"
                self._tell(f"memory of the {component}, {what}", text)
                if what == "rss" and found.growth > TOLERANCE:
                    self.wrong.append(f"the {component} grows: {text}; more than {TOLERANCE:g} MiB")
            values = " ".join(f"{sample.memory.rss:.1f}" for sample in samples)
            self._tell(f"rss of the {component}, MiB, all", values)

    def _rest(self) -> float:
        begun = time.monotonic()
        faults.ready(self.site)
        eventually(lambda: settled(self.site), seconds=600, what="the end of all runs")
        return round(time.monotonic() - begun, 1)

    def _patch(self, kinds: tuple[str, ...], spec: dict[str, object]) -> None:
        names = [name for name, kind in self.jobs.items() if kind in kinds]
        self.site.kubectl("patch", "wj", *names, "--type=merge", "-p", json.dumps({"spec": spec}))

    def _judge(self, what: str, found: Findings) -> None:
        self._tell(what, found.figures)
        self.wrong += found.wrong

    @staticmethod
    def _tell(what: str, said: object) -> None:
        print(f"{what}: {said}", flush=True)


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
        stacks.upgrade(site.stack, {"jobs": {"retentionSeconds": RETENTION}})
        soak = Soak(site, count=options.jobs, kill_period=options.kill_period, seed=options.seed)
        try:
            soak.create()
            soak.storm(options.storm * 60)
            soak.steady(options.steady * 60)
        except (AssertionError, subprocess.CalledProcessError) as error:
            soak.wrong.append(f"{type(error).__name__}: {error}")
        finally:
            if not soak.wrong:  # else somebody will want to look at it
                site.kubectl("delete", "wj", "--all", "--wait=false")
    print("\n".join(soak.wrong) or f"{options.jobs} jobs, seed {options.seed}: all as it must be")
    return 1 if soak.wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
