"""Deployments whose process dies, loses its claim, or finds nobody behind it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.fakes.kube import WRITES, Call
from tests.fakes.shim import Shim, shim, zipped
from webjobs.model.site.app_settings import SECRET
from webjobs.model.site.site_content import SiteContent, content_of
from webjobs.times import rfc3339
from webjobs_apiserver.errors import Refused
from webjobs_apiserver.service.deployments import preparation, records, transitions
from webjobs_apiserver.service.deployments.deployments import Asked, Deployments
from webjobs_apiserver.service.deployments.lease import RENEWAL
from webjobs_apiserver.service.deployments.preparation import MOST_JOBS
from webjobs_apiserver.service.room import Room
from webjobs_apiserver.service.service import Service
from webjobs_apiserver.sites import Site
from webjobs_apiserver.watching.watch import Feed
from webjobs_kube.errors import Unreachable

SITE = Site(name="site", namespace="site")
NAMES = ("a", "b", "c")
CONTENT = zipped({f"App_Data/jobs/triggered/{name}/run.sh": "echo new" for name in NAMES} | {"index.html": "x"})


@pytest.fixture
def world() -> Iterator[Shim]:
    with shim() as made:
        yield made


def replica(world: Shim, *, renews: bool = True) -> Deployments:
    """The deployments of one more process of the shim. ``renews``: it tells that it is alive."""
    config = world.config
    service = Service.build(
        kube=world.kube,
        feed=Feed(world.kube, namespaces=[]),
        store=world.store,
        limits=config.limits,
        job_limits=config.job_limits,
        clock=lambda: world.now,
        destinations=config.hooks.destinations(),
        sources=config.package_uri.destinations(),
    )

    async def sleep(seconds: float) -> None:
        if seconds == RENEWAL and not renews:
            await asyncio.Event().wait()
        if seconds == RENEWAL:  # beside other work: it does not make the time pass
            await asyncio.sleep(0.005)
            return
        world.pass_time(seconds=seconds)
        await asyncio.sleep(0)

    return Deployments(
        world.kube,
        store=world.store,
        jobs=service.jobs,
        writing=service.writing,
        room=Room(world.store, most=0, clock=lambda: world.now),
        limits=config.limits,
        clock=lambda: world.now,
        sleep=sleep,
    )


async def body() -> AsyncIterator[bytes]:
    yield CONTENT


async def started(deployments: Deployments) -> str:
    one = await deployments.deploy(SITE, Asked(deployer="D"), body=body(), size=None)
    return one.id


def there(world: Shim) -> set[str]:
    return {name for kind, _, name in world.kube.objects if kind == "WebJob"}


def content(world: Shim) -> SiteContent | None:
    return content_of(world.kube.objects.get(("Secret", "site", SECRET)))


class Stuck:
    """A process that stops for good at its first real write of an object of a name, or at the write after that."""

    def __init__(self, name: str, *, after: bool = False) -> None:
        self._name = name
        self._after = after
        self._passed = False
        self.reached = asyncio.Event()

    async def __call__(self, call: Call) -> None:
        if call.dry_run or call.verb not in WRITES:
            return
        if self._passed or (call.name == self._name and not self._after):
            self.reached.set()
            await asyncio.Event().wait()
        self._passed = call.name == self._name


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("name", [SECRET, *NAMES])
async def test_another_process_goes_on(world: Shim, name: str, after: bool) -> None:
    first, second = replica(world), replica(world)
    world.kube.before_call = stuck = Stuck(name, after=after)
    async with first.running():
        identifier = await started(first)
        await stuck.reached.wait()
    world.kube.before_call = None
    written = [SECRET, *NAMES][: [SECRET, *NAMES].index(name) + after]
    assert there(world) == {*written} - {SECRET}
    assert (content(world) is not None) == (SECRET in written)
    state = await second.all(SITE)
    assert state.latest.status == records.DEPLOYING
    world.pass_time(minutes=2)
    async with second.running():
        state = await second.all(SITE)
        assert (state.latest.id, state.latest.status) == (identifier, records.DEPLOYING), "it never lies"
        ended = await second.ended(identifier)
    assert (ended.error, ended.deployment.status) == (None, records.SUCCESS)
    assert there(world) == set(NAMES)
    assert content(world) == ended.deployment.content
    assert {place.packages for place in (await second.all(SITE)).places.values()} == {
        (job.package,) for job in ended.deployment.jobs or ()
    }


async def test_one_that_died_before_it_changed_anything_has_failed(world: Shim) -> None:
    first, second = replica(world), replica(world)

    async def hold(call: Call) -> None:
        if call.kind == "WebJob":
            await asyncio.Event().wait()

    world.kube.before_call = hold
    async with first.running():
        identifier = await started(first)
        await asyncio.sleep(0.05)
    world.kube.before_call = None
    with pytest.raises(Refused):
        await started(second)
    world.pass_time(minutes=2)
    state = await second.all(SITE)
    assert (state.get(identifier).status, state.pending, there(world)) == (records.FAILED, None, set())
    async with second.running():
        assert (await second.ended(await started(second))).error is None


async def test_who_lost_the_claim_writes_no_more(world: Shim) -> None:
    first, second = replica(world, renews=False), replica(world)
    world.kube.before_call = stuck = Stuck("b")
    identifier = await started(first)
    await stuck.reached.wait()
    world.kube.before_call = None
    world.pass_time(minutes=2)  # it hangs, and others believe that it is dead
    await second.all(SITE)
    other = await second.ended(identifier)
    assert other.deployment.status == records.SUCCESS
    before = dict(world.kube.objects)
    async with first.running():
        pass
    assert world.kube.objects == before


async def test_the_record_of_the_largest_deployments_fits(world: Shim) -> None:
    """Kubernetes takes about a megabyte, and the last deployments are remembered as well."""
    state = records.State()
    for number in range(3):
        digest = f"sha256:{number:064d}"
        jobs = tuple(
            records.DeployedJob(job_type="continuous", name=f"{one:04d}{'n' * 60}", package=digest)
            for one in range(MOST_JOBS)
        )
        stamp = rfc3339(world.now)
        new = records.Deployment(id=str(number), received=stamp, start=stamp, renewed=stamp, holder="me")
        state = transitions.begun(state, new, now=world.now)
        state = transitions.applying(state, new.id, holder="me", jobs=jobs, content=None, now=world.now)
        assert len(state.model_dump_json()) < 2**20
        uids = {job.key: "u" * 36 for job in jobs}
        state = transitions.succeeded(state, new.id, holder="me", uids=uids, log=(), now=world.now)
        assert len(state.model_dump_json()) < 2**20


async def test_too_many_jobs(world: Shim, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparation, "MOST_JOBS", 2)
    deployments = replica(world)
    async with deployments.running():
        ended = await deployments.ended(await started(deployments))
    assert "may have 2" in ended.deployment.status_text
    assert there(world) == set()


async def test_a_short_outage_is_waited_out(world: Shim) -> None:
    deployments, left = replica(world), 3

    async def down(call: Call) -> None:
        nonlocal left
        if (call.kind, call.verb, call.dry_run) == ("WebJob", "create", False) and left:
            left -= 1
            raise Unreachable("down")

    world.kube.before_call = down
    async with deployments.running():
        ended = await deployments.ended(await started(deployments))
    assert (ended.error, ended.deployment.status, left) == (None, records.SUCCESS, 0)


async def test_a_long_outage_fails_with_a_text(world: Shim) -> None:
    deployments = replica(world)

    async def down(call: Call) -> None:
        if (call.kind, call.verb, call.dry_run, call.name) == ("WebJob", "create", False, "b"):
            raise Unreachable("down")

    world.kube.before_call = down
    async with deployments.running():
        ended = await deployments.ended(await started(deployments))
    assert ended.deployment.status == records.FAILED
    assert "Deploy again later" in ended.deployment.status_text
    assert there(world) == set(), "all or none"
