"""Uploads and a collection at once, in every order of their calls to the store that hypothesis thinks of."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import obstore
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from webjobs.files.unpack import Entry
from webjobs.store import garbage, guard, packages
from webjobs.store.packages import Manifest
from webjobs_operator.store.garbage_collector import GarbageCollector

NOW = datetime(2026, 6, 1, tzinfo=UTC)
OLD = NOW - timedelta(days=3)
GRACE = timedelta(days=1)
SHARED = {"run.sh": b"echo shared"}
UNUSED = SHARED | {"lib.py": b"unused = 1"}
USED = {"run.sh": b"echo used", "lib.py": b"used = 1"}
_PATIENCE = 20
"""Seconds of real time: only a test that hangs takes so long."""

Actor = Callable[[], Coroutine[Any, Any, None]]


class Turns:
    """Lets threads run one at a time; each gives its turn away before every step."""

    def __init__(self) -> None:
        self._own: ContextVar[threading.Semaphore] = ContextVar("own")
        self._back = threading.Semaphore(0)
        self.failures: list[BaseException] = []

    def step(self) -> None:
        """To be called before each step; for code outside of an actor it does nothing."""
        if own := self._own.get(None):
            self._back.release()
            assert own.acquire(timeout=_PATIENCE)

    def play(self, actors: Sequence[Actor], schedule: Sequence[int]) -> None:
        """Runs all to their end: by the schedule first, then in turn."""
        turns = [threading.Semaphore(0) for _ in actors]
        threads = [
            threading.Thread(target=self._run, args=(actor, turn), daemon=True)
            for actor, turn in zip(actors, turns, strict=True)
        ]
        for thread in threads:
            thread.start()
            assert self._back.acquire(timeout=_PATIENCE)  # it stands before its first step
        ended: set[int] = set()
        order: Iterator[int] = iter([*schedule, *list(range(len(actors))) * 1000])
        while len(ended) < len(actors):
            chosen = next(order) % len(actors)
            if chosen in ended:
                continue
            turns[chosen].release()
            assert self._back.acquire(timeout=_PATIENCE)
            if getattr(threads[chosen], "over", False):
                ended.add(chosen)
        for thread in threads:
            thread.join(_PATIENCE)

    def _run(self, actor: Actor, turn: threading.Semaphore) -> None:
        self._own.set(turn)
        self.step()
        try:
            with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
                runner.run(actor())
        except BaseException as error:
            self.failures.append(error)
        threading.current_thread().over = True  # type: ignore[attr-defined]
        self._back.release()


@dataclass
class _Found:
    content: bytes

    def bytes(self) -> bytes:
        return self.content

    async def bytes_async(self) -> Any:
        return self.content


@dataclass
class Store:
    """Takes the place of obstore's functions."""

    turns: Turns
    objects: dict[str, tuple[bytes, datetime]] = field(default_factory=dict)
    modified: datetime = OLD
    """Of what is written."""

    def put(self, _: Any, key: str, content: bytes, **__: Any) -> None:
        self.turns.step()
        self.objects[key] = (bytes(content), self.modified)

    def get(self, _: Any, key: str) -> _Found:
        self.turns.step()
        if key not in self.objects:
            raise FileNotFoundError(key)
        return _Found(self.objects[key][0])

    def head(self, _: Any, key: str) -> dict[str, Any]:
        self.turns.step()
        if key not in self.objects:
            raise FileNotFoundError(key)
        return {"last_modified": self.objects[key][1]}

    def delete(self, _: Any, keys: str | list[str]) -> None:
        for key in [keys] if isinstance(keys, str) else keys:  # one by one: others come in between
            self.turns.step()
            self.objects.pop(key, None)

    async def list(self, _: Any, folder: str) -> AsyncIterator[list[dict[str, Any]]]:
        self.turns.step()
        there = [(key, when) for key, (_, when) in self.objects.items() if key.startswith(f"{folder}/")]
        yield [{"path": key, "last_modified": when} for key, when in there]

    def functions(self) -> dict[str, Any]:
        def later(function: Callable[..., Any]) -> Any:
            async def call(*arguments: Any, **options: Any) -> Any:
                return function(*arguments, **options)

            return call

        plain: dict[str, Callable[..., Any]] = {
            "put": self.put,
            "get": self.get,
            "head": self.head,
            "delete": self.delete,
        }
        return plain | {f"{name}_async": later(one) for name, one in plain.items()} | {"list": self.list}


class World:
    """A store with a package in use and one that was due long ago."""

    def __init__(self) -> None:
        self.turns = Turns()
        self.store = Store(self.turns)
        self.webjobs: dict[str, str] = {}
        self.refused = 0
        with self.patched():
            self.webjobs["used"] = self._write(USED)
            unused = self._write(UNUSED).removeprefix("sha256:")
        self.store.objects["a/guard/unreferenced.json"] = (garbage.marks_to_json({unused: OLD}), OLD)
        self.store.modified = NOW

    def patched(self) -> Any:
        return mock.patch.multiple(obstore, **self.store.functions())

    def _write(self, files: dict[str, bytes]) -> str:
        entries = [Entry(path=path, content=io.BytesIO(content)) for path, content in files.items()]
        manifest = packages.write(self.store, namespace="a", entries=entries)  # type: ignore[arg-type]
        return packages.commit(self.store, namespace="a", manifest=manifest)  # type: ignore[arg-type]

    async def list(self, kind: str, namespace: str, **_: Any) -> list[dict[str, Any]]:
        """The API server."""
        self.turns.step()
        return [{"spec": {"package": {"digest": one}}} for one in self.webjobs.values()] if kind == "WebJob" else []

    def upload(self, name: str, files: dict[str, bytes]) -> Actor:
        async def act() -> None:
            try:
                async with guard.uploading(self.store, namespace="a", sleep=self._sleep):  # type: ignore[arg-type]
                    digest = self._write(files)
                    self.turns.step()
                    self.webjobs[name] = digest
            except guard.Occupied:
                self.refused += 1

        return act

    def change(self, name: str) -> Actor:
        """One file of a job, as by VFS: the new manifest lists blobs of the old one, and writes none of them."""

        async def act() -> None:
            async with guard.uploading(self.store, namespace="a", sleep=self._sleep):  # type: ignore[arg-type]
                before = self._manifest(self.webjobs[name])
                manifest = Manifest(files={**before.files, "copy": before.files["run.sh"]})
                digest = packages.commit(self.store, namespace="a", manifest=manifest)  # type: ignore[arg-type]
                self.turns.step()
                self.webjobs[name] = digest

        return act

    async def collect(self) -> None:
        collector = GarbageCollector(
            kube=self,  # type: ignore[arg-type]
            store=self.store,  # type: ignore[arg-type]
            namespaces=[],
            grace=GRACE,
            clock=lambda: NOW,
        )
        await collector.collect("a")

    async def _sleep(self, _: float) -> None:
        self.turns.step()

    def _manifest(self, digest: str) -> Manifest:
        return packages.read_manifest(self.store, namespace="a", digest=digest)  # type: ignore[arg-type]

    def play(self, actors: Sequence[Actor], schedule: Sequence[int]) -> None:
        with self.patched():
            self.turns.play(actors, schedule)
            for digest in self.webjobs.values():
                for file in self._manifest(digest).files.values():
                    packages.read_file(self.store, namespace="a", file=file)  # type: ignore[arg-type]
        assert self.turns.failures == []
        left = [key for key in self.store.objects if "/guard/" in key and not key.endswith(".json")]
        assert left == []


def _play(schedule: Sequence[int]) -> World:
    world = World()
    world.play(
        [world.collect, world.upload("new", UNUSED), world.upload("used", SHARED), world.change("used")], schedule
    )
    return world


@settings(max_examples=150)
@given(st.lists(st.integers(0, 3), max_size=80))
def test_what_a_webjob_refers_to_is_never_lost(schedule: list[int]) -> None:
    _play(schedule)


def test_a_collection_alone_takes_what_is_due_and_leaves_the_rest() -> None:
    world = World()
    world.play([world.collect], [])
    assert sorted(key.split("/")[1] for key in world.store.objects) == ["blobs", "blobs", "guard", "packages"]


def test_without_the_guard_a_package_would_be_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """That the orders tried above reach the race: the collection looks, the upload writes, the collection deletes."""

    async def nobody(*_: Any, **__: Any) -> bool:
        return False

    monkeypatch.setattr(guard, "_others", nobody)
    lost = 0
    for looked in range(5, 60):
        try:
            _play([0] * looked + [1] * 40)
        except packages.PackageError:
            lost += 1
    assert lost > 0
