"""The cache: newest wins, whoever tells it and in whatever order."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.objects import run_body, webjob_body
from webjobs_apiserver.watching.cache import SiteCache


def _version(body: dict[str, Any], version: int, *, uid: str | None = None) -> dict[str, Any]:
    meta = body["metadata"] | {"resourceVersion": str(version)} | ({"uid": uid} if uid else {})
    return body | {"metadata": meta}


def _job(name: str = "job", *, version: int = 1, uid: str | None = None, **spec: Any) -> dict[str, Any]:
    return _version(webjob_body(spec, name=name), version, uid=uid)


def _run(number: int = 0, *, version: int = 1, state: str | None = None, **more: Any) -> dict[str, Any]:
    return _version(run_body(f"job-20260101000000000{number}", state=state, **more), version)


def test_versions_are_compared_as_numbers() -> None:
    cache = SiteCache()
    cache.observe("WebJob", _job(version=10, suspend=True))
    cache.observe("WebJob", _job(version=9, suspend=False))
    assert cache.jobs()[0].webjob.spec.suspend is True


def test_what_is_gone_stays_gone() -> None:
    cache = SiteCache()
    cache.observe("WebJob", _job())
    cache.forget("WebJob", _job())
    cache.observe("WebJob", _job(version=5))  # a late answer
    assert cache.jobs() == []
    cache.observe("WebJob", _job(version=6, uid="another"))
    cache.forget("WebJob", _job())  # told late
    assert [job.webjob.metadata.uid for job in cache.jobs()] == ["another"]


def test_a_list_takes_out_what_is_older_than_it() -> None:
    cache = SiteCache()
    for name, version in (("old", 3), ("stays", 4), ("new", 9)):
        cache.observe("WebJob", _job(name, version=version))
    cache.fill("WebJob", [_job("stays", version=4), _job("listed", version=5)], version=8)
    assert [job.name for job in cache.jobs()] == ["listed", "new", "stays"]


def test_jobs_by_name() -> None:
    cache = SiteCache()
    cache.observe("WebJob", _job("nightly", jobName="Nightly Report"))
    cache.observe("WebJob", _job("worker", type="continuous"))
    found = cache.job("triggered", "NIGHTLY report")
    assert found
    assert (found.name, found.object_name) == ("NIGHTLY report", "nightly")
    assert cache.job("continuous", "nightly report") is None
    assert cache.job("triggered", "nightly") is None
    assert cache.job("continuous", "Worker")
    cache.observe("WebJob", _job("nightly", version=2, jobName="Another"))
    assert cache.job("triggered", "nightly report") is None


def test_a_job_of_ours_comes_before_one_of_that_name_by_kubectl() -> None:
    cache = SiteCache()
    cache.observe("WebJob", _job("a", jobName="report"))
    cache.observe("WebJob", _job("report"))
    found = cache.job("triggered", "report")
    assert found
    assert found.object_name == "report"


def test_an_unreadable_object_hides_only_itself() -> None:
    cache = SiteCache()
    cache.observe("WebJob", _job("good"))
    cache.observe("WebJob", _job("bad", type="other"))
    cache.observe("WebJobRun", _run(state="Nonsense"))
    assert [job.name for job in cache.jobs()] == ["good"]
    assert cache.runs("job") == []


def test_runs() -> None:
    cache = SiteCache()
    for number, state in enumerate(["Success", "Failed", "Skipped"]):
        cache.observe("WebJobRun", _run(number, state=state))
    assert [run.metadata.name[-1] for run in cache.runs("job")] == ["1", "0"]
    assert cache.latest()["job"].metadata.name[-1] == "1"
    assert cache.run_named("job-202601010000000000")
    assert cache.run("job", "202601010000000001")
    assert cache.run("job", "202601010000000009") is None
    cache.forget("WebJobRun", _run(1))
    assert cache.latest()["job"].metadata.name[-1] == "0"
    cache.forget("WebJobRun", _run(0))
    assert "job" not in cache.latest()
    assert cache.run_named("job-202601010000000000") is None


def test_managed_fields_are_kept_only_where_they_tell_something() -> None:
    cache, fields = SiteCache(), [{"manager": "kubectl-create"}]
    cache.observe("WebJob", _version(_job() | {"metadata": _job()["metadata"] | {"managedFields": fields}}, 1))
    assert "managedFields" not in cache.jobs()[0].raw["metadata"]
    cache.observe("WebJobRun", _run(0, managedFields=fields))
    cache.observe("WebJobRun", _run(1, managedFields=fields, spec={"trigger": "External - curl"}))
    assert [run.metadata.managed_fields for run in cache.runs("job")] == [[], fields]


EVENT = st.tuples(st.sampled_from("abc"), st.integers(0, 1), st.booleans())


@given(st.lists(EVENT, max_size=12), st.randoms(use_true_random=False))
def test_the_order_of_tidings_does_not_count(history: list[tuple[str, int, bool]], random: Any) -> None:
    """Told in any order and twice, the result is what is there in the end. ``history``: name, new value, deleted."""
    there: dict[str, tuple[str, int]] = {}
    tidings: list[tuple[str, dict[str, Any]]] = []
    for version, (name, value, deleted) in enumerate(history, start=1):
        if deleted:
            if name in there:
                tidings.append(("forget", _job(name, version=version, uid=there.pop(name)[0])))
            continue
        uid = there[name][0] if name in there else f"{name}-{version}"
        there[name] = (uid, value)
        tidings.append(("observe", _job(name, version=version, uid=uid, retries=value)))
    told = tidings + [one for one in tidings if random.random() < 0.3]
    random.shuffle(told)
    cache = SiteCache()
    for what, body in told:
        getattr(cache, what)("WebJob", body)
    found = {job.name: (job.webjob.metadata.uid, job.webjob.spec.retries) for job in cache.jobs()}
    assert found == there
