"""Do the clocks agree: of the nodes, of the shim, of this machine, with that of the API server? Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from webjobs import times
from webjobs.objects import Object
from webjobs_cli.doctor.facts import Facts
from webjobs_cli.doctor.finding import Finding

SUBJECT = "clocks"
"""Subject of the findings."""
_OPERATOR = "webjobs-operator"
"""Name by which the operator writes."""
_RECENT = timedelta(hours=1)
_MUCH = 30.0
_SOME = 5.0
_SYNC = "Set up time synchronisation there (chrony, systemd-timesyncd)"


def check(facts: Facts) -> Iterator[Finding]:
    """Yield whose clock is wrong by how much, or that none is."""
    found = [*(_nodes(facts) if facts.clocks else _stamps(facts)), *_shim(facts), *_here(facts)]
    yield from found
    if not found and (facts.clocks or (facts.server and facts.server.ahead is not None)):
        said = f"{len(facts.clocks)} nodes" if len(facts.clocks) != 1 else "1 node"
        whose = f"this machine and {said}" if facts.clocks else "this machine"
        yield Finding(level="ok", subject=SUBJECT, what=f"{whose}: within seconds of the API server's")


def _nodes(facts: Facts) -> Iterator[Finding]:
    ours: dict[str, list[str]] = {}
    for _, part in facts.parts():
        for pod in part.pods:
            node = str((pod.get("spec") or {}).get("nodeName") or "")
            roles = ours.setdefault(node, [])
            if part.role not in roles:
                roles.append(part.role)
    for clock in facts.clocks:
        # A second less is possible: who is ahead by 5.5 may be so by 4.6.
        off = clock.ahead - 1 if clock.ahead > 1 else min(clock.ahead, 0.0)
        if abs(off) < _SOME:
            continue
        roles = ours.get(clock.node, [])
        effect = "Pods there stamp their logs wrongly."
        if "operator" in roles:
            effect = f"Slots of the operator's timer come {'too early' if off > 0 else 'too late'} by that."
        yield Finding(
            level="bad" if "operator" in roles and abs(off) >= _MUCH else "warn",
            subject=SUBJECT,
            what=f"the clock of node {clock.node}{f', where the {roles[0]} runs,' if roles else ''} is {way(off)}",
            do=f"{_SYNC}. {effect}",
        )


def _stamps(facts: Facts) -> Iterator[Finding]:
    """Yield a finding on an operator that stamps statuses before their time.

    A status can't be written before what it tells of, so that the API server's stamp of the write is the later one.
    That an operator is behind does not show by that.
    """
    ahead = 0.0
    for job in facts.jobs:
        written = max((time_of(entry.get("time")) for entry in _writes(job)), default=times.EPOCH)
        told = [time_of(one.get("lastTransitionTime")) for one in (job.get("status") or {}).get("conditions") or []]
        if facts.now - written < _RECENT and told:
            ahead = max(ahead, (max(told) - written).total_seconds())
    if ahead >= _SOME:
        yield Finding(
            level="bad" if ahead >= _MUCH else "warn",
            subject=SUBJECT,
            what=f"the operator's clock is, or was within the hour, at least {way(ahead)}",
            do=f"{_SYNC}. Slots of the operator's timer come too early by that.",
        )


def _writes(job: Object) -> Iterator[Mapping[str, Any]]:
    """Yield who wrote the status of a WebJob when, for the operator."""
    for entry in job["metadata"].get("managedFields") or []:
        if entry.get("manager") == _OPERATOR and entry.get("subresource") == "status":
            yield entry


def time_of(text: object) -> datetime:
    """Return the time that a text says; the zero of Unix time for what is none."""
    try:
        return times.parse_time(str(text) if text else None)
    except ValueError:
        return times.EPOCH


def _shim(facts: Facts) -> Iterator[Finding]:
    """Yield a finding on the clock that the shim shows over REST; both are compared with this machine's."""
    if facts.rest is None or facts.rest.ahead is None or facts.server is None or facts.server.ahead is None:
        return
    off = facts.rest.ahead - facts.server.ahead
    if abs(off) >= _SOME + facts.server.error:
        yield Finding(
            level="warn",
            subject=SUBJECT,
            what=f"the clock behind {facts.rest.url} is {way(off)}",
            do=f"{_SYNC}: run ids and start times are the shim's.",
        )


def _here(facts: Facts) -> Iterator[Finding]:
    if facts.server is None or facts.server.ahead is None:
        return
    if abs(facts.server.ahead) >= _SOME + facts.server.error:
        yield Finding(
            level="warn",
            subject=SUBJECT,
            what=f"the clock of this machine is {way(-facts.server.ahead)}",
            do=f"{_SYNC}, unless it is the API server's node that is wrong: ages and times in tables are off by that.",
        )


def way(seconds: float) -> str:
    """Return how far a clock is from the API server's: ``42 s ahead of the API server's``."""
    return f"{abs(round(seconds))} s {'ahead of' if seconds > 0 else 'behind'} the API server's"
