"""Runs, uploads and stops over many jobs while operator and shim are killed: ``python -m tests.soak`` (``make soak``).

What was accepted is written down, and compared with what is there in the end: each accepted run came to an end, with
its log, and its script ran once; no slot of a schedule ran twice; nothing is left that goes on.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from typing import Any

import httpx

from tests import stack as stacks
from tests.site import Site, eventually

SCRIPT = 'echo "began $WEBJOBS_RUN_ID"; sleep 0.$((RANDOM % 9)); echo "version {version}"; exit {code}\n'
WORKER = "while true; do sleep 1; done\n"
KINDS = ("forbid", "queue", "allow", "timer", "cron", "worker")
WORKERS = 10
"""Continuous jobs: each is a pod that stays, and a node holds 110."""
CLIENTS = 4
COMPONENTS = ("operator", "apiserver")
_ENDED = ("Success", "Failed", "Aborted")


class Book:
    """What was asked for and what came of it, as the clients saw it."""

    def __init__(self) -> None:
        self.answers: Counter[str] = Counter()
        self.accepted: dict[str, set[str]] = defaultdict(set)
        """Run ids by job."""
        self.memory: dict[str, list[float]] = defaultdict(list)
        """MiB by component, before each kill."""
        self._lock = threading.Lock()

    def note(self, action: str, answer: httpx.Response | None) -> None:
        """Counts an answer; None: none came."""
        with self._lock:
            self.answers[f"{action} {answer.status_code if answer is not None else 'no answer'}"] += 1

    def accept(self, job: str, run_id: str) -> None:
        """A run was accepted with 202."""
        with self._lock:
            self.accepted[job].add(run_id)


def spec_of(kind: str, number: int) -> dict[str, Any]:
    """The job of a kind."""
    if kind == "worker":
        return {"type": "continuous", "script": {"fileName": "run.sh", "text": WORKER}, "singleton": True}
    text = SCRIPT.format(version=0, code=(number % 7 == 0 and 3) or 0)
    spec: dict[str, Any] = {"type": "triggered", "script": {"fileName": "run.sh", "text": text}, "historyLimit": 1000}
    match kind:
        case "queue" | "allow":
            spec["concurrencyPolicy"] = kind.capitalize()
        case "timer":
            spec["schedule"] = f"{number % 59 + 1} * * * * *"
        case "cron":
            spec["schedule"] = "0 */2 * * * *"
    return spec


def kind_of(number: int) -> str:
    """Kinds take turns; of workers there are few."""
    kind = KINDS[number % len(KINDS)]
    return "forbid" if kind == "worker" and number // len(KINDS) >= WORKERS else kind


class Clients:
    """Threads that do what clients do, until told to stop."""

    def __init__(self, site: Site, jobs: dict[str, str], book: Book, *, seed: int) -> None:
        self._site, self._jobs, self._book = site, jobs, book
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(random.Random(seed + n),)) for n in range(CLIENTS)]  # noqa: S311
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ends them."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _work(self, chance: random.Random) -> None:
        with Site(self._site.stack) as site:
            while not self._over.is_set():
                name = chance.choice(list(self._jobs))
                self._act(site, name, self._jobs[name], chance)
                self._over.wait(chance.uniform(0.5, 2))

    def _act(self, site: Site, name: str, kind: str, chance: random.Random) -> None:
        if kind == "worker":
            action = chance.choice(("start", "stop"))
            self._try(action, lambda: site.http.post(f"/api/continuouswebjobs/{name}/{action}"))
        elif chance.random() < 0.1:
            script = SCRIPT.format(version=chance.randrange(1000), code=0).encode()
            self._try("upload", lambda: site.upload(name, script, file_name="run.sh", zipped=False))
        else:
            answer = self._try("run", lambda: site.run(name))
            if answer is not None and answer.status_code == 202:
                self._book.accept(name, answer.headers["Location"].rpartition("/")[2])

    def _try(self, action: str, call: Callable[[], httpx.Response]) -> httpx.Response | None:
        answer = None
        try:
            answer = call()
        except httpx.TransportError:
            answer = None
        self._book.note(action, answer)
        return answer


def kill(site: Site, component: str, book: Book) -> None:
    """Ends a component's pods without a chance to say goodbye."""
    selector = f"app.kubernetes.io/component={component}"
    node = json.loads(site.kubectl("get", "nodes", "-o", "json", namespace=None))["items"][0]["metadata"]["name"]
    usage = site.kubectl("get", "--raw", f"/api/v1/nodes/{node}/proxy/stats/summary", namespace=None)
    found = re.search(rf'"name": "{component}".*?"workingSetBytes": (\d+)', usage, re.DOTALL)
    if found:
        book.memory[component].append(int(found[1]) / 2**20)
    site.kubectl("delete", "pod", "-l", selector, "--force", "--grace-period=0", namespace=stacks.SYSTEM)


def check(site: Site, jobs: dict[str, str], book: Book) -> list[str]:
    """Everything that is not as it must be."""
    wrong: list[str] = []
    by_job: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for run in site.objects("wjr"):
        by_job[run["spec"]["webJobName"]].append(run)
    states: Counter[str] = Counter()
    for name, kind in jobs.items():
        if kind == "worker":
            continue
        history = {run["id"]: run for run in site.http.get(f"/api/triggeredwebjobs/{name}/history").json()["runs"]}
        for run_id in book.accepted[name] - history.keys():
            wrong.append(f"{name}: run {run_id} was accepted and is not in the history")
        slots = Counter(run["spec"]["scheduleTime"] for run in by_job[name] if "scheduleTime" in run["spec"])
        wrong += [f"{name}: the slot {slot} ran {count} times" for slot, count in slots.items() if count > 1]
        for run_id, run in history.items():
            states[run["status"]] += 1
            log = site.http.get(run["output_url"])
            began = log.text.count(f"began {run_id}")
            if log.status_code != 200 or not log.text.rstrip().splitlines():
                wrong.append(f"{name}: run {run_id} has no log")
            elif began > 1 or (began == 0 and run["status"] in ("Success",)):
                wrong.append(f"{name}: run {run_id} ({run['status']}) began {began} times")
    print(f"runs by their end: {dict(states)}")
    return wrong


def settled(site: Site) -> bool:
    """Whether no run goes on any more."""
    return all(run.get("status", {}).get("state") in (*_ENDED, "Skipped") for run in site.objects("wjr"))


def soak(site: Site, *, count: int, minutes: float, seed: int) -> list[str]:
    """The whole of it."""
    jobs = {f"soak-{number:03d}": kind_of(number) for number in range(count)}
    manifests = [
        {
            "apiVersion": "webjobs.dev/v1",
            "kind": "WebJob",
            "metadata": {"name": name, "namespace": stacks.SITE},
            "spec": spec_of(kind, number),
        }
        for number, (name, kind) in enumerate(jobs.items())
    ]
    stacks.apply(site.stack.kubeconfig, *manifests)
    book, begun = Book(), time.monotonic()
    clients = Clients(site, jobs, book, seed=seed)
    kills = 0
    while (left := minutes * 60 - (time.monotonic() - begun)) > 0:
        time.sleep(min(30, left))
        kill(site, COMPONENTS[kills % 2], book)
        kills += 1
    clients.stop()
    for name, kind in jobs.items():
        if kind in ("timer", "cron"):
            site.kubectl("patch", "wj", name, "--type=merge", "-p", '{"spec":{"suspend":true}}')
    for component in COMPONENTS:
        deployment = f"deploy/{stacks.RELEASE}-{component}"
        site.kubectl("rollout", "status", deployment, "--timeout=2m", namespace=stacks.SYSTEM)
    stacks.wait_until_settled(site.stack.kubeconfig)
    eventually(lambda: settled(site), seconds=600, what="the end of all runs")
    accepted = sum(map(len, book.accepted.values()))
    print(f"{count} jobs, {minutes:g} minutes, seed {seed}: {kills} kills, {accepted} runs accepted over REST")
    print(f"answers: {dict(sorted(book.answers.items()))}")
    for component, values in book.memory.items():
        print(f"memory of the {component} before each kill, MiB: {' '.join(f'{value:.0f}' for value in values)}")
    return check(site, jobs, book)


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--name", default="dev", help="of the cluster (default: dev)")
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with Site(stacks.up(options.name)) as site:
        site.kubectl("delete", "wj,wjr", "--all")
        try:
            wrong = soak(site, count=options.jobs, minutes=options.minutes, seed=options.seed)
        finally:
            site.kubectl("delete", "wj", "--all", "--wait=false")
    print("\n".join(wrong) or "all as it must be")
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main())
