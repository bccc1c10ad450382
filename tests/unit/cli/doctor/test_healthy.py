"""A healthy installation, as the chart makes it: the doctor has nothing to say against it, and shows no secret."""

from __future__ import annotations

import dataclasses

from tests.unit.cli.doctor.installed import HIDDEN, facts_of, healthy, said
from webjobs_cli.doctor.examine import examine
from webjobs_cli.doctor.report import exit_code, summary


async def test_nothing_is_said_against_it() -> None:
    found = examine(await facts_of(healthy()))
    assert said(found, "bad", "warn", "unknown") == []
    assert exit_code(found) == 0
    assert summary(found) == f"{len(found)} ok."
    assert {one.subject for one in found} == {
        *("CRDs", "operator", "shim", "versions", "installations", "rights", "store", "credentials", "ways in"),
        *("namespaces", "clocks", "watching", "WebJobs"),
    }


async def test_no_secret_is_among_the_facts() -> None:
    kube = healthy()
    assert any(hidden in str(kube.objects) for hidden in HIDDEN)
    text = str(dataclasses.asdict(await facts_of(kube)))
    assert not any(hidden in text for hidden in HIDDEN)


async def test_nothing_is_written() -> None:
    kube = healthy()
    await facts_of(kube)
    assert kube.writes == []
