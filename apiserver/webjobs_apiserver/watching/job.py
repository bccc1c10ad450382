"""A WebJob as a client asked for it."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from pydantic import ValidationError

from webjobs import names
from webjobs.model import JobType, WebJob
from webjobs.objects import Object

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Job:
    """A WebJob and the name by which it was asked for."""

    name: str
    """Name of the job in the client's own spelling (docs/kudu-contract.md, section 3.4: names are case-insensitive and
    echoed)."""
    webjob: WebJob
    """Model of the WebJob."""
    raw: Object
    """The object as the API server gave it."""

    @property
    def object_name(self) -> str:
        """Name of the WebJob in Kubernetes."""
        return self.webjob.metadata.name

    @property
    def version(self) -> str:
        """A text that differs for each spec that a WebJob of the name ever has; its status does not count."""
        return f"{self.webjob.metadata.uid}.{self.webjob.metadata.generation}"

    @property
    def deleting(self) -> bool:
        """True when the WebJob is being deleted."""
        return self.webjob.metadata.deletion_timestamp is not None

    def is_called(self, name: str, job_type: JobType) -> bool:
        """Return whether clients mean this job by a name and a type."""
        return self.webjob.spec.type == job_type and names.same(self.webjob.display_name, name)


def of(raw: Object) -> Job | None:
    """Return the job of an object, under its own name; None when the object can't be read."""
    try:
        webjob = WebJob.parse(raw)
    except ValidationError as error:  # stored before its CRD became stricter: must not break the others
        log.warning("WebJob %s can't be read: %s", raw.get("metadata", {}).get("name"), error)
        return None
    return Job(name=webjob.display_name, webjob=webjob, raw=raw)


def listed(jobs: list[Job]) -> list[Job]:
    """Return jobs in the order of a list: triggered ones first, each type by name.

    Without those that are being deleted.
    """
    live = [job for job in jobs if not job.deleting]
    return sorted(live, key=lambda job: names.listing_key(job.webjob.spec.type, job.name))
