"""Do installations get into each other's way, or operator and shim of one out of step? Pure."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from webjobs_cli.doctor.facts import Facts
from webjobs_cli.doctor.finding import Finding, few
from webjobs_cli.doctor.installation import Installation, Part

SUBJECT = "installations"
"""Subject of the findings."""


def check(facts: Facts) -> Iterator[Finding]:
    """Yield installations that watch the same namespaces or share a store; parts of one that do not."""
    found = [finding for pair in combinations(facts.installations, 2) for finding in _pair(*pair)]
    found += [finding for one in facts.installations for finding in _parts(one)]
    yield from found
    if not found and facts.installations and facts.looked_everywhere:
        names = few([one.label for one in facts.installations])
        yield Finding(level="ok", subject=SUBJECT, what=f"{names}, which nobody else gets into the way of")


def _pair(one: Installation, other: Installation) -> Iterator[Finding]:
    if not all(each.operator and each.operator.replicas for each in (one, other)):
        return
    if one.watched is not None and other.watched is not None:
        shared = sorted({*one.watched} & {*other.watched}) or [*one.watched, *other.watched]
        if not one.watched or not other.watched or {*one.watched} & {*other.watched}:
            where = (
                few(shared)
                if one.watched and other.watched
                else f"all of {few(shared)}"
                if shared
                else "all namespaces"
            )
            yield Finding(
                level="bad",
                subject=SUBJECT,
                what=f"{one.label} and {other.label} both watch {where}: every run happens twice, or they fight",
                do="Uninstall one of them, or give both their own namespaces (the chart's value namespaces).",
            )
    if _store(one.operator) == _store(other.operator) != "":
        yield Finding(
            level="bad",
            subject=SUBJECT,
            what=f"{one.label} and {other.label} have the same bucket and prefix as store",
            do="Each collects what its own WebJobs do not name, and deletes the other's packages by that. Give one of "
            "them another prefix (store.url), and until then store.garbageCollection.enabled: false.",
        )


def _store(part: Part | None) -> str:
    """Return the URL of a store that others can reach; empty for a volume, which is the release's own."""
    url = str(part.config.get("storeUrl") or "") if part else ""
    return "" if url.startswith(("file:", "memory:")) else url.rstrip("/")


def _parts(one: Installation) -> Iterator[Finding]:
    urls = {str(part.config["storeUrl"]) for part in one.parts if part.config.get("storeUrl")}
    if len(urls) > 1:
        yield Finding(
            level="bad",
            subject=SUBJECT,
            what=f"{one.label}: operator and shim have different stores, so that neither finds what the other wrote",
            do="'helm upgrade' with one store.url sets both.",
        )
