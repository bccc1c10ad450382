"""The phases of the soak: see ``__main__``."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from tests import faults
from tests import stack as stacks
from tests.site import Site, eventually
from tests.soak.book import Book
from tests.soak.check import (
    Findings,
    Steady,
    by_job,
    check_ledger,
    check_logs,
    check_records,
    check_slots,
    check_steady_slots,
    check_values,
    merged,
    settled,
    skipped,
)
from tests.soak.clients import Clients
from tests.soak.jobs import SCHEDULED, kind_of, spec_of
from tests.soak.ledger import Ledger
from tests.soak.sampler import PERIOD, TOLERANCE, Sampler, trend

SHORT_HISTORY = 1
"""``historyLimit`` in the steady phase."""
VALUES: dict[str, Any] = {
    # Seconds for which an ended Job and its pod stay: with the usual five minutes there are more and more for so long.
    "jobs": {"retentionSeconds": 30},
    # For our own processes: the runs fill the machine, and a node shares out its CPU by requests then.
    **{component: {"resources": {"requests": {"cpu": "400m"}}} for component in faults.COMPONENTS},
}
"""Of the chart."""
CATCH_UP = timedelta(seconds=45)
"""From a ready operator to one that has done what was due."""


class Soak:
    """One whole of it. Times in seconds; ``kill_period`` 0: nothing of ours is killed."""

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

    def storm(self, seconds: float, *, others: Sequence[tuple[float, Callable[[], None]]] = ()) -> None:
        """Clients and kills; then rest, and a look at everything. ``others``: what else goes wrong, and when."""
        book, chance = Book(), random.Random(self.seed)  # noqa: S311  no secret
        begun, killed = time.monotonic(), dict.fromkeys(faults.COMPONENTS, 0)
        clients = Clients(self.site, self.jobs, book, seed=self.seed)
        plan: list[tuple[float, str | Callable[[], None]]] = [*self._kills(seconds, chance), *others]
        away: list[tuple[datetime, datetime]] = []
        last: datetime | None = None
        for at, component in sorted(plan, key=lambda one: one[0]):
            time.sleep(max(begun + at - time.monotonic(), 0))
            if callable(component):
                component()
                continue
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
        rounds = int(seconds // self.kill_period) if self.kill_period else 0
        return sorted(
            ((number + chance.random()) * self.kill_period, component)
            for number in range(rounds)
            for component in faults.COMPONENTS
        )

    def steady(self, seconds: float) -> None:
        """Clients only, from new processes on, in two halves; at the rest after each, memory is the same."""
        self._patch(("forbid", "queue", "allow", *SCHEDULED), {"historyLimit": SHORT_HISTORY})
        for component in faults.COMPONENTS:
            faults.kill(self.site, component)
        faults.ready(self.site)
        most = len(self.jobs) * SHORT_HISTORY
        eventually(lambda: len(self.site.objects("wjr")) <= most, seconds=300, what="short histories")
        ledger, sampler, book, before = Ledger(self.site), Sampler(self.site), Book(), skipped(self.site)
        marks, spans = [], list[Steady]()
        for half in (1000, 2000):
            begin = datetime.now(UTC)
            self._patch(SCHEDULED, {"suspend": False})
            all_go = datetime.now(UTC)
            clients = Clients(self.site, self.jobs, book, seed=self.seed + half)
            time.sleep(seconds / 2)
            clients.stop()
            all_went = datetime.now(UTC)
            self._patch(SCHEDULED, {"suspend": True})
            spans.append(Steady(some=(begin, datetime.now(UTC)), all=(all_go, all_went)))
            marks.append(self._quiet())
        sampler.stop()
        ledger.close()
        self._tell("steady", {"seconds": seconds})
        self._tell("answers", dict(sorted(book.answers.items())))
        self._judge("runs", check_ledger(book, ledger))
        self._judge("slots", check_steady_slots(self.site, self.jobs, ledger, before=before, spans=spans))
        self._judge("logs", check_logs(self.site, self.jobs, by_job(self.site)))
        self._memory(sampler, marks)

    def _quiet(self) -> dict[str, faults.Memory]:
        """Memory once all runs are over and their Jobs and pods gone: then as much is there as the last time."""
        eventually(lambda: settled(self.site), seconds=600, what="the end of all runs")
        eventually(lambda: not self.site.objects("job"), seconds=600, what="the end of all Jobs")
        time.sleep(2 * PERIOD)  # the kubelet's figures are some seconds old
        return faults.memory(self.site)

    def _memory(self, sampler: Sampler, marks: list[dict[str, faults.Memory]]) -> None:
        for component in faults.COMPONENTS:
            first, last = (mark[component] for mark in marks)
            for what in ("rss", "working_set"):
                begin, end = getattr(first, what), getattr(last, what)
                slope = trend([(one.at, getattr(one.memory, what)) for one in sampler.samples[component]])
                text = f"{begin:.1f} -> {end:.1f} MiB at rest, {slope:+.2f} MiB/min over all"
                self._tell(f"memory of the {component}, {what}", text)
                if what == "rss" and end - begin > TOLERANCE:
                    self.wrong.append(f"the {component} grows: {text}; more than {TOLERANCE:g} MiB")
            if first.process != last.process:
                self.wrong.append(f"the {component} was started anew while nobody killed it")
            values = " ".join(f"{one.memory.rss:.1f}" for one in sampler.samples[component])
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
