"""A WebJob as a client asked for it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from webjobs import names
from webjobs.model import JobType, WebJob

log = logging.getLogger(__name__)

Object = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Job:
    """A WebJob and the name by which it was asked for."""

    name: str
    """In the client's own spelling (docs/kudu-contract.md, section 3.4: names are case-insensitive and echoed)."""
    webjob: WebJob
    raw: Object
    """The object as the API server gave it."""

    @property
    def object_name(self) -> str:
        return self.webjob.metadata.name

    @property
    def deleting(self) -> bool:
        return self.webjob.metadata.deletion_timestamp is not None

    def is_called(self, name: str, job_type: JobType) -> bool:
        """Whether clients mean this one."""
        return self.webjob.spec.type == job_type and names.same(self.webjob.display_name, name)


def of(raw: Object) -> Job | None:
    """The job of an object, under its own name; None when it can't be read."""
    try:
        webjob = WebJob.parse(raw)
    except ValidationError as error:  # stored before its CRD became stricter: must not break the others
        log.warning("WebJob %s can't be read: %s", raw.get("metadata", {}).get("name"), error)
        return None
    return Job(name=webjob.display_name, webjob=webjob, raw=raw)


def listed(jobs: list[Job]) -> list[Job]:
    """Without those that are being deleted; triggered ones first, each type by name."""
    live = [job for job in jobs if not job.deleting]
    return sorted(live, key=lambda job: (job.webjob.spec.type != "triggered", names.fold(job.name)))
