"""What a pass knows: facts that stay as they are, read anew once something has changed."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.fakes.objects import job, pod, run_body, webjob_body
from webjobs.model import WebJob
from webjobs.model.site.app_settings import CONFIG_MAP, LABEL
from webjobs_operator.cluster.cache import Cache
from webjobs_operator.context.facts import Facts, FactsReader

NOW = datetime(2026, 1, 1, 1, tzinfo=UTC)
KEY = ("site", "job")


def reader(*bodies: dict[str, Any]) -> tuple[Cache, FactsReader]:
    cache = Cache()
    for body in (webjob_body(), *bodies):
        cache.observe(body["kind"], body)
    webjob = cache.webjob(KEY)
    assert webjob
    return cache, FactsReader(cache, KEY, webjob, now=NOW)


def test_the_same_facts_while_nothing_changes() -> None:
    _, read = reader(run_body())
    assert read() is read()


@pytest.mark.parametrize("body", [run_body("job-202601010000000002"), job(name="other"), pod(name="other")])
def test_what_changed_is_in_the_next_facts_and_not_in_the_last(body: dict[str, Any]) -> None:
    cache, read = reader(run_body())
    before = read()
    cache.observe(body["kind"], body)
    after = read()
    assert (len(after.runs), len(after.jobs), len(after.pods)) != (len(before.runs), len(before.jobs), len(before.pods))
    assert (len(before.runs), len(before.jobs), len(before.pods)) == (1, 0, 0)


def test_an_own_deletion_is_in_the_next_facts() -> None:
    cache, read = reader(job(name="other"))
    read()
    cache.mark_deleting("Job", "site", "other", owner=KEY)
    assert read().jobs["other"]["metadata"]["deletionTimestamp"]


def test_the_webjob_stays_that_of_the_begin_until_the_pass_itself_writes_it() -> None:
    cache, read = reader()
    cache.observe("WebJob", webjob_body({"suspend": True}, version=5))
    cache.observe("Pod", pod())
    assert (read().webjob.spec.suspend, len(read().pods)) == (None, 1)
    read.go_on_with(WebJob.parse(webjob_body(status={"state": "Idle"}, version=6)))
    assert (read().webjob.status.state, read().webjob.metadata.resource_version) == ("Idle", "6")


def test_the_webjob_is_under_its_site_also_after_a_write() -> None:
    cache, _ = reader()
    meta = {"name": CONFIG_MAP, "namespace": "site", "uid": "map", "resourceVersion": "3", "labels": {LABEL: "true"}}
    cache.take("ConfigMap", {"kind": "ConfigMap", "metadata": meta, "data": {"WEBJOBS_STOPPED": "1"}})
    read = FactsReader(cache, KEY, WebJob.parse(webjob_body()), now=NOW)
    assert read().webjob.spec.suspend is True
    read.go_on_with(WebJob.parse(webjob_body(version=6)))
    assert read().webjob.spec.suspend is True


def test_a_rule_is_asked_once_for_the_same_facts() -> None:
    cache, read = reader(run_body())
    asked = []

    def rule(facts: Facts) -> int:
        asked.append(facts)
        return len(facts.runs)

    assert [read().derived(rule), read().derived(rule)] == [1, 1]
    cache.observe("WebJobRun", run_body("job-202601010000000002"))
    assert (read().derived(rule), len(asked)) == (2, 2)


def test_facts_can_not_be_changed() -> None:
    _, read = reader()
    with pytest.raises(FrozenInstanceError):
        read().now = NOW  # type: ignore[misc]


def test_runs_by_where_they_stand() -> None:
    names = {number: f"job-20260101000000000{number}" for number in range(1, 6)}
    _, read = reader(
        run_body(names[3]),
        run_body(names[1]),
        run_body(names[2], state="Running"),
        run_body(names[4], state="Success"),
        run_body(names[5], deletionTimestamp="2026-01-01T00:00:30Z"),
    )
    facts = read()
    assert [run.metadata.name for run in facts.not_started] == [names[1], names[3]]
    assert [run.metadata.name for run in facts.active] == [names[2]]
