"""One namespace with an operator and a REST shim of its own, as processes of this machine that can be killed apart.

Several lanes stand side by side on one cluster: a death in one is none in the others.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import httpx
import yaml

from tests import s3
from tests.full.counting import Counter, Gate
from tests.full.proxy import kubeconfig_of
from tests.full.witness import Witness
from tests.promises import ENDED
from webjobs_kube.client import MERGE_PATCH
from webjobs_kube.paths import path_of

T = TypeVar("T")
Object = dict[str, Any]
OBJECTS = 2
"""Ended runs that stay as WebJobRuns; the next go into the store."""
WATCHES = 9
"""Of the operator."""
QUIET = 0.8
"""Seconds without a write, after which one that was to come has come."""
PATIENCE = 90.0
USER = PASSWORD = "crash"  # noqa: S105
_VERSIONS = {"WebJob": "webjobs.dev/v1", "WebJobRun": "webjobs.dev/v1", "WebJobSchedule": "webjobs.dev/v1"}


@dataclass
class Program:
    """One of our processes, on its ways to the API server and to the store."""

    command: list[str]
    environment: dict[str, str]
    log: Path
    gate: Gate
    way: Counter
    process: subprocess.Popen[bytes] | None = None
    since: float = 0.0
    deaths: int = 0

    def start(self) -> None:
        """A new process."""
        self.since = time.monotonic()
        with self.log.open("ab") as sink:
            self.process = subprocess.Popen(self.command, env=self.environment, stdout=sink, stderr=subprocess.STDOUT)

    def kill(self) -> None:
        """SIGKILL."""
        if self.process:
            self.process.kill()

    def revive(self) -> bool:
        """A new process where the old one is gone; whether that was so."""
        if self.process and self.process.poll() is None:
            return False
        self.deaths += 1
        self.start()
        return True

    def stop(self) -> None:
        """For good."""
        self.kill()
        if self.process:
            self.process.wait(10)

    def watches(self) -> int:
        """Watches that this process has begun."""
        return len({path.partition("?")[0] for _, _, path in self.way.since(self.since) if "watch=" in path})


class Lane:
    """What clients do in a namespace, and what they see there."""

    def __init__(self, namespace: str, *, api: str, shim: str, witness: Witness, programs: Mapping[str, Program]):
        self.namespace = namespace
        self.witness = witness
        self.operator, self.shim = programs["operator"], programs["apiserver"]
        self.programs = programs
        self.api = httpx.Client(base_url=api, timeout=30)
        self.http = httpx.Client(base_url=shim, auth=(USER, PASSWORD), timeout=30)
        self.store = httpx.Client()

    def close(self) -> None:
        for client in (self.api, self.http, self.store):
            client.close()

    # Time

    def revive(self) -> None:
        """Who was killed comes back, as by a Deployment."""
        for program in self.programs.values():
            program.revive()

    def until(self, look: Callable[[], T | None], *, what: str, seconds: float = PATIENCE) -> T:
        """The first result that is not None or False; who dies meanwhile comes back."""
        deadline = time.monotonic() + seconds
        while True:
            self.revive()
            found = look()
            if found:
                return found
            assert time.monotonic() < deadline, f"{what} did not happen within {seconds:g} s"
            time.sleep(0.15)

    def quiet(self) -> bool:
        """Whether both processes are there, see everything, and have nothing to write."""
        now = time.monotonic()
        return (
            self.operator.watches() >= WATCHES
            and self.operator.way.since(now - QUIET / 2) == []
            and all(now - program.since > QUIET and program.gate.quiet() > QUIET for program in self.programs.values())
            and self.serves()
        )

    def serves(self) -> bool:
        """Whether the shim answers."""
        try:
            return self.http.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def at_rest(self, name: str) -> bool:
        """Whether nothing of a job goes on any more."""
        if not self.quiet():
            return False
        webjob = self.find("WebJob", name)
        status = webjob.get("status", {}) if webjob else {}
        return (
            (webjob is None or status.get("observedGeneration") == webjob["metadata"]["generation"])
            and not status.get("activeRun")
            and all(run.get("status", {}).get("state") in ENDED for run in self.runs(name))
            and not self.jobs(name)
        )

    # The API server, by a way of our own

    def find(self, kind: str, name: str) -> Object | None:
        """An object, None when there is none."""
        answer = self.api.get(path_of(kind, self.namespace, name))
        return None if answer.status_code == 404 else self._good(answer)

    def all_of(self, kind: str, selector: str = "") -> list[Object]:
        """Objects of the lane."""
        answer = self.api.get(path_of(kind, self.namespace), params={"labelSelector": selector})
        found: list[Object] = self._good(answer)["items"]
        return found

    def create(self, kind: str, name: str, body: Object, *, version: str = "", **meta: Any) -> Object:
        """As kubectl does."""
        metadata = {"name": name, "namespace": self.namespace} | meta
        head = {"apiVersion": version or _VERSIONS[kind], "kind": kind, "metadata": metadata}
        return self._good(self.api.post(path_of(kind, self.namespace), json=head | body))

    def patch(self, kind: str, name: str, body: Object, *, subresource: str | None = None) -> Object:
        """A merge patch."""
        path = path_of(kind, self.namespace, name, subresource)
        return self._good(self.api.patch(path, json=body, headers={"Content-Type": MERGE_PATCH}))

    def runs(self, name: str) -> list[Object]:
        """WebJobRuns of a job in the order of their names."""
        found = [run for run in self.all_of("WebJobRun") if run["spec"]["webJobName"] == name]
        return sorted(found, key=lambda run: str(run["metadata"]["name"]))

    def jobs(self, name: str) -> list[Object]:
        """Jobs of a job."""
        return self.all_of("Job", f"webjobs.dev/webjob={name}")

    @staticmethod
    def _good(answer: httpx.Response) -> Object:
        assert answer.status_code < 300, answer.text
        found: Object = answer.json()
        return found

    # Clients of the shim

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        """A request of a client that tries again when there is no answer, or a 5xx."""

        def ask() -> httpx.Response | None:
            try:
                answer = self.http.request(method, path, **options)
            except httpx.TransportError:
                return None
            return answer if answer.status_code < 500 else None

        return self.until(ask, what=f"an answer to {method} {path}")


@contextmanager
def lane(
    namespace: str,
    *,
    api: str,
    server: s3.S3,
    folder: Path,
    configs: Mapping[str, Object],
    witness: Witness,
) -> Iterator[Lane]:
    """A lane that runs. ``configs``: the chart's settings of both components; ``api``: URL of the API server."""
    port = s3.free_port()
    credentials = folder / "credentials"
    credentials.mkdir(parents=True)
    for key, value in (("username", USER), ("password", PASSWORD)):
        (credentials / key).write_text(value)
    operator = configs["operator"] | {
        "namespaces": [namespace],
        "storeUrl": server.url,
        "jobRetentionSeconds": 0,
        "historyObjects": OBJECTS,
    }
    operator.pop("packageGraceHours", None)
    shim = configs["apiserver"] | {
        "namespace": namespace,
        "site": namespace,
        "storeUrl": server.url,
        "credentialsDirectory": str(credentials),
        "host": "127.0.0.1",
        "port": port,
        "metricsPort": 0,  # of the chart, and each lane has a shim
    }
    with ExitStack() as stack:
        programs = {
            name: _program(name, config, stack=stack, api=api, server=server, folder=folder)
            for name, config in (("operator", operator), ("apiserver", shim))
        }
        made = Lane(namespace, api=api, shim=f"http://127.0.0.1:{port}", witness=witness, programs=programs)
        stack.callback(made.close)
        for program in programs.values():
            stack.callback(program.stop)
            program.start()
        yield made


def _program(name: str, config: Object, *, stack: ExitStack, api: str, server: s3.S3, folder: Path) -> Program:
    gate = Gate(kill=lambda: program.kill())
    way = stack.enter_context(Counter(upstream=api, gate=gate).running())
    stored = stack.enter_context(
        Counter(upstream=f"http://{server.host}:{server.port}", signed=True, gate=gate).running()
    )
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(config))
    (folder / f"{name}.kubeconfig").write_text(kubeconfig_of(way))
    command = [sys.executable, "-m", f"webjobs_{name}", "--config", str(folder / f"{name}.yaml")]
    if name == "operator":
        command += ["--metrics-port=0", f"--health=http://127.0.0.1:{s3.free_port()}/healthz"]  # kopf takes 0 for 80
    environment = os.environ | server.environment(host="127.0.0.1", port=stored.port)
    environment["KUBECONFIG"] = str(folder / f"{name}.kubeconfig")
    program = Program(command=command, environment=environment, log=folder / f"{name}.log", gate=gate, way=way)
    return program
