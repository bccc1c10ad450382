"""Are operator, shim, command line and Kubernetes of versions that fit? Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from webjobs_cli.doctor.facts import Facts
from webjobs_cli.doctor.finding import Finding
from webjobs_cli.doctor.installation import version_of

SUBJECT = "versions"
"""Subject of the findings."""
OLDEST = (1, 31)
"""Oldest minor version of Kubernetes that the chart takes."""


def check(facts: Facts) -> Iterator[Finding]:
    """Yield what does not fit together, or which versions there are."""
    found = [*_kubernetes(facts), *_installations(facts)]
    yield from found
    if any(finding.level != "ok" for finding in found):
        return
    versions = sorted({version_of(part) for _, part in facts.parts()} - {""})
    said = [f"Kubernetes {facts.server.version}" if facts.server else ""]
    said += [f"operator and shim {' and '.join(versions)}" if versions else ""]
    said += [f"this program {facts.cli_version}" if facts.cli_version else ""]
    if any(said):
        yield Finding(level="ok", subject=SUBJECT, what=", ".join(filter(None, said)))


def _kubernetes(facts: Facts) -> Iterator[Finding]:
    number = re.match(r"v?(\d+)\.(\d+)", facts.server.version) if facts.server else None
    if number and (int(number[1]), int(number[2])) < OLDEST:
        yield Finding(
            level="bad",
            subject=SUBJECT,
            what=f"Kubernetes is {number[0]}, and {OLDEST[0]}.{OLDEST[1]} is the oldest that is tried",
            do="Upgrade the cluster.",
        )


def _installations(facts: Facts) -> Iterator[Finding]:
    for one in facts.installations:
        if one.operator and one.shim and one.operator.image != one.shim.image:
            yield Finding(
                level="bad",
                subject=SUBJECT,
                what=f"{one.label}: the operator is {one.operator.image}, the shim {one.shim.image}",
                do="Both are of one release, and read what the other one writes: 'helm upgrade' sets both.",
            )
            continue
        versions = {version_of(part) for part in one.parts} - {""}
        if facts.cli_version and versions and facts.cli_version not in versions:
            yield Finding(
                level="warn",
                subject=SUBJECT,
                what=f"{one.label} is {' and '.join(sorted(versions))}, this program {facts.cli_version}",
                do="Install the command line of the same version: some of what is said here is of another one.",
            )
