"""Operator and REST shim over one API server and one store in memory, each of which can die after any single write.

Writes are counted together: those to the API server and those to the store.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
import obstore

from tests.fakes.cluster import World
from tests.fakes.kube import WRITES, Call, Died, FakeKube
from tests.fakes.objects import run_async
from tests.fakes.shim import Shim
from tests.promises import ENDED, Facts, broken
from webjobs.model import LABEL_RUN, WebJobRun
from webjobs.runs.runs import run_id
from webjobs.store import ObjectStore, open_store
from webjobs_kube.errors import ApiError

LOST = "the answer was lost"
_PATIENCE = 65.0
"""Seconds for which a test lets time pass when somebody waits."""


class Trouble:
    """Counts writes, and makes one of them the last of its process, or one whose answer is lost.

    ``number``: of that write, from 1; 0: none.
    """

    def __init__(self, stage: Stage, number: int, *, lost_answer: bool) -> None:
        self._stage = stage
        self._number = number
        self._lost_answer = lost_answer
        self.count = 0
        self.happened = False
        self.dead = False

    def _is_it(self) -> bool:
        self.count += 1
        if self.count != self._number:
            return False
        self.happened = True
        self.dead = not self._lost_answer
        return self._lost_answer

    def _living(self) -> None:
        if self.dead:
            raise Died

    async def before_call(self, call: Call) -> None:
        """Hook of the API server."""
        self._living()
        if call.kind == "Job":
            self._stage.look()
        if call.verb in WRITES and not call.kind.endswith("Review") and self._is_it():
            self._stage.kube.fail(ApiError(500, "Timeout", LOST), verb=call.verb, kind=call.kind, after=True)

    def _stored(self) -> None:
        if self._is_it():
            raise OSError(LOST)

    @contextmanager
    def over_store(self) -> Iterator[None]:
        """While the functions that write to the store count."""
        put, put_async, delete_async = obstore.put, obstore.put_async, obstore.delete_async

        def blocking(store: ObjectStore, key: str, content: Any, **options: Any) -> Any:
            self._living()
            answer = put(store, key, content, **options)
            self._stored()
            return answer

        async def writing(store: ObjectStore, key: str, content: Any, **options: Any) -> Any:
            self._living()
            answer = await put_async(store, key, content, **options)
            self._stored()
            return answer

        async def deleting(store: ObjectStore, keys: Any) -> None:
            self._living()
            await delete_async(store, keys)
            self._stored()

        with (
            mock.patch.object(obstore, "put", blocking),
            mock.patch.object(obstore, "put_async", writing),
            mock.patch.object(obstore, "delete_async", deleting),
        ):
            yield


class Theatre:
    """A shim that many stages use one after the other: building one takes half a second.

    It remembers nothing from one request to the next, for without its lifespan no watch feeds its caches; so it is the
    same before and after its process died. ``folder``: for its credentials.
    """

    def __init__(self, folder: Path) -> None:
        self.kube = FakeKube()
        self.store = open_store("memory:///")
        self.shim = Shim(directory=folder, kube=self.kube, store=self.store)

    def clear(self) -> None:
        """Nothing is there any more."""
        fresh = {one.name: getattr(FakeKube(), one.name) for one in dataclasses.fields(FakeKube)}
        vars(self.kube).update(fresh)
        obstore.delete(self.store, [one["path"] for batch in obstore.list(self.store) for one in batch])


class Stage(World):
    """A cluster in memory with an operator and a shim."""

    def __init__(self, *bodies: dict[str, Any], theatre: Theatre) -> None:
        theatre.clear()
        self._shim = theatre.shim
        self.accepted: set[str] = set()
        self.begun: Counter[str] = Counter()
        self.most_active: Counter[str] = Counter()
        self.changed_by_refusals: list[str] = []
        self._pods: set[str] = set()
        super().__init__()
        self.kube, self.store = theatre.kube, theatre.store
        self.kube.clock = lambda: self.now
        for body in bodies:
            self.kube.add(body)
        self.restart()
        self.trouble = Trouble(self, 0, lost_answer=False)
        self.kube.before_call = self.trouble.before_call

    def restart(self) -> None:
        """Both processes are new."""
        super().restart()
        if hasattr(self, "trouble"):
            self.trouble.dead = False

    def play_with(self, number: int, *, lost_answer: bool, steps: list[Callable[[Stage], None]]) -> bool:
        """The steps, with trouble at one write; whether there was any."""
        self.trouble = Trouble(self, number, lost_answer=lost_answer)
        self.kube.before_call = self.trouble.before_call
        with self.trouble.over_store():
            for step in steps:
                step(self)
                self.rest()
        return self.trouble.happened

    # What is looked at

    def look(self) -> None:
        """Counts what is active now: a Job that may run, until its pod is over or its run has ended."""
        ended = {run_id(WebJobRun.parse(run)) for run in self.kube.of_kind("WebJobRun") if self._state(run) in ENDED}
        over = {pod["metadata"]["name"] for pod in self.kube.of_kind("Pod") if pod["status"]["phase"] != "Running"}
        active: Counter[str] = Counter()
        for job in self.kube.of_kind("Job"):
            meta, label = job["metadata"], job["metadata"].get("labels", {}).get(LABEL_RUN)
            if not job["spec"].get("suspend") and label not in ended and meta["name"] not in over:
                active[meta["labels"]["webjobs.dev/webjob"]] += 1
        self.most_active |= active

    @staticmethod
    def _state(run: dict[str, Any]) -> str | None:
        found: str | None = run.get("status", {}).get("state")
        return found

    def broken(self, **more: Any) -> list[str]:
        """The promises that do not hold now, by ``tests.promises``."""
        there = {run["metadata"]["name"] for run in self.kube.of_kind("WebJobRun")}
        unreadable = [name for name in self.accepted & there if self._read(name).status_code != 200]
        self.restart()
        at_rest = self.settle()
        facts: dict[str, Any] = {
            "webjobs": self.kube.of_kind("WebJob"),
            "runs": self.kube.of_kind("WebJobRun"),
            "schedules": self.kube.of_kind("WebJobSchedule"),
            "jobs": self.kube.of_kind("Job"),
            "begun": self.begun,
            "most_active": self.most_active,
            "accepted": self.accepted,
            "unreadable": unreadable,
            "log": self._log,
            "written_at_rest": at_rest,
            "changed_by_refusals": self.changed_by_refusals,
        }
        return broken(Facts(**(facts | more)))

    def _read(self, name: str) -> httpx.Response:
        job, _, number = name.rpartition("-")
        return run_async(self._request("GET", f"/api/triggeredwebjobs/{job}/history/{number}"))

    def _log(self, run: dict[str, Any]) -> str | None:
        path = run["status"].get("logPath")
        return self.log(run) if path else None

    # What goes on

    def rest(self) -> None:
        """Passes, and time while somebody waits for it, until nothing is written any more."""
        for _ in range(12):
            wrote = self._settle_alive()
            if self.due is None or self.due > _PATIENCE:
                if not wrote:
                    return
                continue
            self.now += timedelta(seconds=self.due + 0.001)
        raise AssertionError("never at rest")

    def _settle_alive(self) -> list[str]:
        try:
            wrote = self.settle()
        except (Died, ApiError):
            self.restart()
            return ["died"]
        if self.trouble.dead:  # with its last write
            self.restart()
        return wrote

    def play(self, state: dict[str, Any] | None, *, phase: str) -> None:
        super().play(state, phase=phase)
        for pod in self.kube.of_kind("Pod"):
            uid, label = pod["metadata"]["uid"], pod["metadata"]["labels"].get(LABEL_RUN)
            if uid not in self._pods:
                self._pods.add(uid)
                self.begun[f"{pod['metadata']['labels']['webjobs.dev/webjob']}-{label}"] += 1
        self.look()

    # What clients do

    async def _request(self, method: str, path: str, **options: Any) -> httpx.Response:
        self._shim.now = self.now
        async with self._shim.client(raising=False) as client:
            return await client.request(method, path, **options)

    def call(self, method: str, path: str, **options: Any) -> httpx.Response:
        """A request of a client that tries again, half a minute later, when there is no answer or a 5xx."""
        for _ in range(4):
            try:
                answer = run_async(self._request(method, path, **options))
            except (Died, asyncio.CancelledError):
                self.restart()
                answer = None
            if self.trouble.dead:  # with its last write: the answer went out
                self.restart()
            if answer is not None and answer.status_code < 500:
                return answer
            self.now += timedelta(seconds=31)
        raise AssertionError("the shim never answers")

    def run(self) -> None:
        """POST run, until it is accepted, or refused because an earlier try has made one."""
        answer = self.call("POST", "/api/triggeredwebjobs/job/run")
        assert answer.status_code in (202, 409), answer.text
        if answer.status_code == 202:
            self.accepted.add(f"job-{answer.headers['Location'].rpartition('/')[2]}")

    def refused(self, method: str, path: str, **options: Any) -> None:
        """A request that is answered by 4xx; what it has changed all the same is noted."""
        before = self.kube.objects | {}, self._keys()
        try:
            answer = run_async(self._request(method, path, **options))
        except Died:
            return self.restart()
        if answer.status_code == 503:  # its store has just lost an answer
            return None
        assert 400 <= answer.status_code < 500, answer.status_code
        if (self.kube.objects, self._keys()) != before:
            self.changed_by_refusals.append(f"{method} {path}")
        return None

    def _keys(self) -> set[str]:
        """What is stored, without announcements of uploads, which end by themselves."""
        return {one["path"] for batch in obstore.list(self.store) for one in batch if "/guard/" not in one["path"]}
