"""What an event does, by the handlers that kopf has."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import kopf
import pytest

from tests.fakes.cluster import Followed
from tests.fakes.objects import job, run_async, run_body, webjob_body
from webjobs.store import open_store
from webjobs_operator.cluster.cache import Cache, Key
from webjobs_operator.cluster.workqueue import WorkQueue
from webjobs_operator.watching import handlers
from webjobs_operator.watching.handlers import WATCHED, Handlers, configure

Object = dict[str, Any]
KEY = ("site", "job")


@dataclass
class Dropped:
    """A scheduler log and stored runs that note what they are to drop."""

    keys: list[Key] = field(default_factory=list)

    def drop(self, key: Key) -> None:
        self.keys.append(key)


class Told:
    """Handlers in a registry of kopf, and the parts behind them."""

    def __init__(self) -> None:
        self.cache, self.queue = Cache(), WorkQueue[Key](workers=1)
        self.scheduler_log, self.stored_runs = Dropped(), Dropped()
        self.registry = kopf.OperatorRegistry()
        Handlers(
            cache=self.cache,
            queue=self.queue,
            store=open_store("memory:///"),
            scheduler_log=self.scheduler_log,  # type: ignore[arg-type]
            followers=Followed(),
            stored_runs=self.stored_runs,  # type: ignore[arg-type]
        ).register(self.registry)

    def event(self, event: str, body: Object, *, index: bool = False) -> list[Key]:
        """Tell of an object; return the WebJobs that are due by it."""
        kind, registry = body["kind"], self.registry._indexing if index else self.registry._watching
        name = f"{kind.lower()}_{'cache' if index else 'event'}"
        (handler,) = (one for one in registry.get_all_handlers() if one.id == name)
        call: Any = handler.fn

        async def work() -> list[Key]:
            await call(event={"type": event, "object": body}, body=body)
            due: list[Key] = []

            async def one(key: Key) -> None:
                due.append(key)

            queue = asyncio.create_task(self.queue.run(one))
            await asyncio.sleep(0.01)
            queue.cancel()
            await asyncio.gather(queue, return_exceptions=True)
            return due

        return run_async(work())


def test_every_kind_has_an_index_and_a_handler() -> None:
    registry = Told().registry
    for found in (registry._indexing, registry._watching):
        watched = [(one.selector.group, one.selector.version, one.selector.any_name) for one in _all(found)]
        assert watched == list(WATCHED.values())


def test_kopf_lists_one_secret_by_name_and_no_other() -> None:
    """RBAC lets the operator see webjobs-settings alone: without the selector each list and watch would be a 403."""
    settings = kopf.OperatorSettings()
    configure(settings)
    selectors: list[Any] = [settings.watching.field_selectors, settings.watching.label_selectors]
    fields, labels = ({one.any_name: said for one, said in kind.items()} for kind in selectors)
    assert fields == {"secrets": "metadata.name=webjobs-settings"}
    assert "secrets" not in labels, "one made by hand has no labels"


def _all(found: Any) -> list[Any]:
    return list(found.get_all_handlers())


def test_an_index_fills_the_cache_and_makes_nothing_due() -> None:
    told = Told()
    assert told.event("ADDED", webjob_body(), index=True) == []
    assert told.cache.webjob(KEY)


def test_an_event_makes_its_webjob_due() -> None:
    told = Told()
    assert told.event("ADDED", webjob_body()) == [KEY]
    assert told.event("MODIFIED", job()) == [KEY]
    assert list(told.cache.of("Job", KEY)) == [job()["metadata"]["name"]]
    assert told.event("DELETED", job()) == [KEY]
    assert told.cache.of("Job", KEY) == {}
    assert told.scheduler_log.keys == told.stored_runs.keys == []


@pytest.mark.parametrize(("job_type", "stored"), [("triggered", [KEY]), ("continuous", [])])
def test_what_goes_with_a_webjob(job_type: str, stored: list[Key]) -> None:
    told = Told()
    told.event("ADDED", webjob_body({"type": job_type}))
    assert told.event("DELETED", webjob_body({"type": job_type})) == [KEY]
    assert told.cache.webjob(KEY) is None
    assert told.scheduler_log.keys == [KEY]
    assert told.stored_runs.keys == stored


def test_the_logs_of_a_run_go_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    dropped: list[str] = []

    async def drop(*parts: Any) -> None:
        dropped.append(parts[-1]["metadata"]["name"])

    monkeypatch.setattr(handlers, "_drop_logs", drop)
    told, body = Told(), run_body()
    told.event("ADDED", body)
    assert dropped == []
    assert told.event("DELETED", body) == [KEY]
    assert dropped == [body["metadata"]["name"]]
