"""The reading of all facts of a cluster."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from webjobs import times
from webjobs.model import API_VERSION
from webjobs.objects import Object
from webjobs_cli.doctor.checks import crds
from webjobs_cli.doctor.facts import ByRest, Facts, NodeClock, Place, Server
from webjobs_cli.doctor.installation import Installation, Look
from webjobs_cli.doctor.reading import releases
from webjobs_cli.doctor.reading.looking import Looking
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import Forbidden

_MOST_RUNS = 20_000
_NODE_LEASES = "kube-node-lease"


@dataclass(frozen=True, kw_only=True)
class Scope:
    """Where to look."""

    release_namespace: str | None
    """Namespace of the one installation that is meant; None: all that there are."""
    only: str | None
    """Namespace whose WebJobs are meant; None: all."""
    usual: str
    """Namespace whose WebJobs are looked at where no others may be."""


async def read(
    kube: KubeClient, scope: Scope, *, clock: Callable[[], datetime], cli_version: str, rest: ByRest | None
) -> Facts:
    """Return all facts that may be read. Raises ApiError when the API server is not there or knows nobody."""
    looking = Looking(kube)
    server, now = await _server(looking, clock)
    deployments, everywhere, looked_in = await releases.find(looking, namespace=scope.release_namespace)
    installations = await releases.read(looking, deployments)
    jobs, scopes = await _jobs(looking, installations, scope)
    schedules, runs = await _beside(looking, scopes)
    names = {str(job["metadata"]["namespace"]) for job in jobs}
    names |= {site for one in installations for site in (*one.sites, *(one.watched or ()))}
    places = await asyncio.gather(*(_place(looking, name) for name in sorted(names)))
    gone = frozenset(place.name for place in places if place.namespace.missing)
    whole = [await releases.complete(looking, one, gone=gone) for one in installations]
    webhooks = await _webhooks(looking)
    wanted = crds.own()
    return Facts(
        now=now,
        cli_version=cli_version,
        server=server,
        served=await _served(looking),
        crds=await looking.all_of({name: looking.get("CustomResourceDefinition", None, name) for name in wanted}),
        looked_everywhere=everywhere,
        looked_in=looked_in,
        installations=tuple(whole),
        places=tuple(places),
        storage_classes=await _storage_classes(looking, whole),
        clocks=tuple(node_clocks(await looking.list("Lease", _NODE_LEASES) or [])),
        jobs=tuple(jobs),
        runs=tuple(runs),
        schedules=tuple(schedules),
        webhooks=tuple(webhooks),
        receivers=await _receivers(looking, webhooks),
        rest=rest,
        unread=looking.unread,
    )


async def _server(looking: Looking, clock: Callable[[], datetime]) -> tuple[Server | None, datetime]:
    """Return what the API server says of itself, and the time by its clock, by ours where it says none."""
    before = clock()
    try:
        said, date = await looking.kube.about()
    except Forbidden as error:
        looking.note("get the version of the API server", error)
        return None, clock()
    after = clock()
    version = str(said.get("gitVersion", ""))
    if date is None:
        return Server(version=version, ahead=None, error=0), after
    # The header says whole seconds: half a second later is the middle of what it can mean.
    middle = before + (after - before) / 2
    ahead = (date - middle).total_seconds() + 0.5
    wrong = (after - before).total_seconds() / 2 + 0.5
    return Server(version=version, ahead=ahead, error=wrong), date


async def _served(looking: Looking) -> frozenset[str] | None:
    found = await looking.tried(looking.kube.served(API_VERSION), what=f"get what is served of {API_VERSION}")
    return None if found is None else frozenset(found)


async def _jobs(
    looking: Looking, installations: Iterable[Installation], scope: Scope
) -> tuple[list[Object], list[str | None]]:
    """Return the WebJobs, and the namespaces that were looked at; None among these: all."""
    if scope.only is None:
        found = await looking.list("WebJob", None)
        if found is not None:
            return _of_kind("WebJob", found), [None]
    sites = dict.fromkeys([scope.usual, *(site for one in installations for site in one.sites)])
    names = [scope.only] if scope.only is not None else list(sites)
    listed = await asyncio.gather(*(looking.list("WebJob", name) for name in names))
    seen = [(name, found) for name, found in zip(names, listed, strict=True) if found is not None]
    return [job for _, found in seen for job in _of_kind("WebJob", found)], [name for name, _ in seen]


async def _beside(looking: Looking, scopes: Iterable[str | None]) -> tuple[list[Object], list[Object]]:
    """Return the WebJobSchedules, and the WebJobRuns that have not ended."""
    schedules: list[Object] = []
    runs: list[Object] = []
    for namespace in scopes:
        schedules += _of_kind("WebJobSchedule", await looking.list("WebJobSchedule", namespace) or [])
        runs += _of_kind("WebJobRun", await looking.unended(namespace, most=_MOST_RUNS))
    return schedules, runs


def _of_kind(kind: str, found: Iterable[Object]) -> list[Object]:
    """Return items of a list with their kind, which lists leave out."""
    return [{"kind": kind} | one for one in found]


async def _place(looking: Looking, name: str) -> Place:
    namespace: Look[Object] = await looking.get("Namespace", None, name)
    if namespace.missing:
        return Place(name=name, namespace=namespace)
    quotas, ranges = await asyncio.gather(looking.list("ResourceQuota", name), looking.list("LimitRange", name))
    return Place(name=name, namespace=namespace, quotas=tuple(quotas or ()), ranges=tuple(ranges or ()))


async def _storage_classes(looking: Looking, installations: Iterable[Installation]) -> tuple[Object, ...] | None:
    """Return the StorageClasses, if a claim waits for a volume: else nobody needs to know."""
    looks = [look for one in installations for look in one.claims.values()]
    if all(((look.value or {}).get("status") or {}).get("phase") in (None, "Bound") for look in looks):
        return None
    found = await looking.list("StorageClass", None)
    return None if found is None else tuple(found)


async def _webhooks(looking: Looking) -> list[Object]:
    kinds = ("ValidatingWebhookConfiguration", "MutatingWebhookConfiguration")
    return [one for kind in kinds for one in _of_kind(kind, await looking.list(kind, None) or [])]


async def _receivers(looking: Looking, webhooks: Iterable[Object]) -> dict[tuple[str, str], int | None]:
    found: dict[tuple[str, str], int | None] = {}
    for configuration in webhooks:
        for hook in configuration.get("webhooks") or []:
            service: dict[str, Any] = (hook.get("clientConfig") or {}).get("service") or {}
            key = (str(service.get("namespace", "")), str(service.get("name", "")))
            if all(key) and key not in found and hook.get("failurePolicy", "Fail") == "Fail":
                found[key] = await releases.addresses(looking, *key)
    return found


def node_clocks(leases: Iterable[Object]) -> Iterable[NodeClock]:
    """Yield how far the clock of each node is from the API server's, by the Leases that kubelets renew. Pure.

    The kubelet writes its own time into it, and the API server notes its own in managedFields, in whole seconds.
    """
    for lease in leases:
        meta, spec = lease["metadata"], lease.get("spec") or {}
        stamps = [entry.get("time") for entry in meta.get("managedFields") or [] if _renews(entry)]
        with suppress(ValueError, TypeError):
            if stamps and spec.get("renewTime"):
                written = max(times.parse_time(stamp) for stamp in stamps)
                ahead = (times.parse_time(spec["renewTime"]) - written).total_seconds()
                yield NodeClock(node=str(meta["name"]), ahead=ahead)


def _renews(entry: Object) -> bool:
    """Return whether an entry of managedFields is that of the kubelet's renewals; others may write labels."""
    fields = (entry.get("fieldsV1") or {}).get("f:spec") or {}
    return bool(entry.get("time")) and "f:renewTime" in fields
