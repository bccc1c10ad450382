"""The packages that a WebJob had before its current one, so that it can go back to them. Pure.

They are an annotation, written in the one write that puts another package into the spec. The collector keeps every
package whose digest a WebJob names, wherever in it, and so these packages stay in the store as long as they are listed
here.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from webjobs import times
from webjobs.model import GROUP, Package
from webjobs.objects import Object

ANNOTATION = f"{GROUP}/earlier-packages"
"""Annotation of a WebJob that lists its earlier packages as JSON, the newest first."""
KEPT = 5
"""Most earlier packages that are kept of a WebJob."""
_MOST_BYTES = 64 * 2**10
"""Most bytes of the annotation; Kubernetes takes 256 KiB of all annotations of an object. Large settings leave room for
fewer packages."""


class NothingEarlier(LookupError):
    """There is no such package to go back to; the message says what there is."""


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """A package as it was used, with the settings that were in force beside it."""

    package: Package
    """The package as it stood in the spec."""
    settings: Object
    """``spec.settings`` that was in force beside the package."""
    replaced: str
    """When another package took its place (RFC 3339)."""

    def to_wire(self) -> Object:
        """Return the earlier package as it stands in the annotation."""
        return {"package": self.package.to_wire(), "settings": self.settings, "replaced": self.replaced}


def of(raw: Mapping[str, Any]) -> list[Earlier]:
    """Return the earlier packages of a WebJob, the newest first; an entry that can't be read is left out."""
    text = (raw.get("metadata", {}).get("annotations") or {}).get(ANNOTATION, "[]")
    try:
        listed = json.loads(text)
    except (ValueError, RecursionError):
        return []
    found = []
    for one in listed if isinstance(listed, list) else []:
        try:
            package, settings = Package.parse(one["package"]), one.get("settings")
            replaced = str(one.get("replaced", ""))
        except (ValidationError, TypeError, KeyError, AttributeError):
            continue
        found.append(
            Earlier(package=package, settings=settings if isinstance(settings, dict) else {}, replaced=replaced)
        )
    return found


def record(before: Mapping[str, Any], after: Object, *, now: datetime) -> None:
    """Add the package of ``before`` to the earlier packages of ``after``, when it has another one or none by now.

    Both are whole WebJobs; ``after`` is changed in place.
    """
    old, new = before["spec"].get("package"), after["spec"].get("package")
    if not old or not old.get("entrypoint") or (new and new.get("digest") == old.get("digest")):
        return
    entry = Earlier(
        package=Package.parse(old),
        settings=before["spec"].get("settings") or {},
        replaced=times.rfc3339(now, micro=False),
    )
    current = new.get("digest") if new else None
    rest = [one for one in of(before) if one.package.digest not in (entry.package.digest, current)]
    _write(after, [entry, *rest])


def go_back(raw: Mapping[str, Any], to: Earlier, *, now: datetime) -> Object:
    """Return a WebJob with an earlier package in its place; the package that it has now becomes an earlier one."""
    spec = {key: value for key, value in raw["spec"].items() if key != "script"}
    spec |= {"package": to.package.to_wire(), "settings": to.settings}
    changed: Object = {**raw, "metadata": dict(raw["metadata"]), "spec": spec}
    record(raw, changed, now=now)
    return changed


def choose(raw: Mapping[str, Any], wanted: str | None) -> Earlier:
    """Return the earlier package whose digest begins with ``wanted``; the newest for None.

    ``wanted``: with or without ``sha256:``. Raises NothingEarlier when none or more than one begins so.
    """
    known = of(raw)
    if not known:
        raise NothingEarlier("no earlier package is known: there has been one upload only, or none.")
    if wanted is None:
        return known[0]
    begin = wanted.removeprefix("sha256:").lower()
    fitting = [one for one in known if begin and one.package.digest.removeprefix("sha256:").startswith(begin)]
    if len(fitting) == 1:
        return fitting[0]
    digests = ", ".join(one.package.digest.removeprefix("sha256:")[:12] for one in known)
    few = "more than one earlier package begins with" if fitting else "no earlier package begins with"
    raise NothingEarlier(f"{few} {wanted[:80]!r}; there are {digests}.")


def _write(after: Object, entries: list[Earlier]) -> None:
    entries = entries[:KEPT]
    while entries and len(text := _render(entries)) > _MOST_BYTES:
        entries.pop()
    annotations = dict(after["metadata"].get("annotations") or {})
    if entries:
        annotations[ANNOTATION] = text
    else:
        annotations.pop(ANNOTATION, None)
    after["metadata"] = dict(after["metadata"], annotations=annotations)


def _render(entries: list[Earlier]) -> str:
    return json.dumps([one.to_wire() for one in entries], separators=(",", ":"))
