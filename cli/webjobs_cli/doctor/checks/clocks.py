"""Do the clocks agree: of the nodes, of the shim, of this machine, with that of the API server? Pure."""

from __future__ import annotations

from collections.abc import Iterator

from webjobs_cli.doctor.facts import Facts
from webjobs_cli.doctor.finding import Finding

SUBJECT = "clocks"
"""Subject of the findings."""
_MUCH = 30.0
_SOME = 5.0
_SYNC = "Set up time synchronisation there (chrony, systemd-timesyncd)"


def check(facts: Facts) -> Iterator[Finding]:
    """Yield whose clock is wrong by how much, or that none is."""
    found = [*_nodes(facts), *_shim(facts), *_here(facts)]
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
