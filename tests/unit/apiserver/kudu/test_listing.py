"""Lists as bytes: the same as if every job were rendered anew."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.objects import run, webjob_body
from tests.fakes.shim import START
from webjobs.model import WebJobRun
from webjobs_apiserver.http.responses import dump
from webjobs_apiserver.kudu import bodies
from webjobs_apiserver.kudu.listing import Listing, etag_of
from webjobs_apiserver.watching import job as jobs
from webjobs_apiserver.watching.job import Job

BASE = "https://S"


def _job(name: str, spec: dict[str, Any] | None = None) -> Job:
    made = jobs.of(webjob_body(spec, name=name))
    assert made
    return made


def _run(name: str, state: str) -> WebJobRun:
    end = {"endTime": "2026-01-01T12:00:05Z"} if state == "Success" else {}
    return run(f"{name}-202601011200001234", state=state, status=end, spec={"webJobName": name})


def test_an_empty_list() -> None:
    made = Listing().render(("site", ""), [], latest={}, base=BASE, now=START)
    assert (made.body, made.etag) == (b"[]", "11")


def test_tags_tell_what_a_short_hash_does_not() -> None:
    """These two words have one CRC-32, with the same text around them as well."""
    one, two = etag_of([b'["plumless"]']), etag_of([b'["buckeroo"]'])
    assert one != two
    assert re.fullmatch("[0-9a-f]{16}", one)
    assert etag_of([b"[1]", b"[2]"]) != etag_of([b"[2]", b"[1]"])
    assert etag_of([]) == "11"


NAMES = ("a", "b", "c")
MOMENT = st.dictionaries(
    st.sampled_from(NAMES),
    st.tuples(st.sampled_from(["triggered", "continuous"]), st.sampled_from([None, "Running", "Success"])),
)


@given(st.lists(st.tuples(MOMENT, st.sampled_from([BASE, "http://other"])), max_size=6))
def test_what_is_remembered_never_shows(moments: list[tuple[dict[str, tuple[str, str | None]], str]]) -> None:
    listing = Listing()
    made_jobs = {(name, kind): _job(name, {"type": kind}) for name in NAMES for kind in ("triggered", "continuous")}
    made_runs = {(name, state): _run(name, state) for name in NAMES for state in ("Running", "Success")}
    for second, (moment, base) in enumerate(moments):
        now = START + timedelta(seconds=second)
        there = [made_jobs[name, kind] for name, (kind, _) in sorted(moment.items())]
        latest = {name: made_runs[name, state] for name, (_, state) in moment.items() if state}
        found = listing.render(("site", ""), there, latest=latest, base=base, now=now)
        assert found == Listing().render(("site", ""), there, latest=latest, base=base, now=now)
        expected = [
            bodies.continuous(job, base=base)
            if job.webjob.spec.type == "continuous"
            else bodies.triggered(job, latest=latest.get(job.object_name), base=base, now=now)
            for job in there
        ]
        assert found.body == dump(expected)


def test_what_stays_the_same_is_rendered_once() -> None:
    listing, one = Listing(), _job("a")
    key: tuple[str, ...] = ("site", "")
    first = listing.render(key, [one], latest={"a": _run("a", "Success")}, base=BASE, now=START)
    changed = _job("a", {"settings": {"x": 1}})
    second = listing.render(key, [changed], latest={}, base=BASE, now=START)
    assert json.loads(second.body)[0]["settings"] == {"x": 1}
    assert first.etag != second.etag
    pieces = listing._known[(*key, BASE)]
    listing.render(key, [changed], latest={}, base=BASE, now=START + timedelta(days=1))
    assert listing._known[(*key, BASE)]["a"] is pieces["a"]


def test_sites_types_and_bases_are_apart_and_few_are_kept() -> None:
    listing, one = Listing(), _job("a")
    for at in range(100):
        found = listing.render(("site", ""), [one], latest={}, base=f"https://host-{at}", now=START)
        assert f"https://host-{at}/api".encode() in found.body
    assert len(listing._known) == 16
    assert listing.render(("other", ""), [], latest={}, base="https://host-99", now=START).body == b"[]"
