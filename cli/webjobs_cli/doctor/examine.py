"""The examination: all checks, and what could not be looked at. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from webjobs_cli.doctor.checks import (
    attention,
    clocks,
    crds,
    credentials,
    jobs,
    namespaces,
    neighbours,
    rights,
    room,
    storage,
    versions,
    ways_in,
    webhooks,
    workloads,
)
from webjobs_cli.doctor.facts import Facts
from webjobs_cli.doctor.finding import Check, Finding

CHECKS: tuple[Check, ...] = (
    crds.check,
    workloads.check,
    versions.check,
    neighbours.check,
    rights.check,
    storage.check,
    credentials.check,
    ways_in.check,
    namespaces.check,
    room.check,
    webhooks.check,
    clocks.check,
    attention.check,
    jobs.check,
)
"""All checks, in the order of what they say: what others stand on comes first."""


def examine(facts: Facts, checks: Sequence[Check] = CHECKS) -> list[Finding]:
    """Return what checks find in facts, and last what could not be looked at."""
    return [*(finding for check in checks for finding in check(facts)), *_unread(facts)]


def _unread(facts: Facts) -> Iterator[Finding]:
    told = set()
    for one in facts.unread:
        if one.what in told:
            continue
        told.add(one.what)
        yield Finding(
            level="unknown",
            subject="not looked at",
            what=f"you may not {one.what}" if one.forbidden else f"nobody could {one.what}: {one.why}",
            do="Ask a cluster admin, or for the rights of examples/cli/doctor-role.yaml." if one.forbidden else "",
        )
