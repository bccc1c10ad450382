"""A run in the store, and what comes back of it."""

from __future__ import annotations

import pytest

from tests.fakes.objects import run
from webjobs.store import stored_run

RUN_ID = "202601010000000000"


@pytest.mark.parametrize(
    "annotations",
    [{}, {"webjobs.dev/requested-by": "account:webjobs"}, {"webjobs.dev/cancelled-by": "user:alice"}],
)
def test_who_asked_for_it_stays(annotations: dict[str, str]) -> None:
    known = run(state="Success", annotations=annotations | {"other": "x"})
    content = stored_run.slim(stored_run.to_json(known, owner="uid"))
    read, owner = stored_run.of_json(content, namespace="site", webjob="job", run_id=RUN_ID)
    assert (read.metadata.annotations, owner) == (annotations, "uid")
