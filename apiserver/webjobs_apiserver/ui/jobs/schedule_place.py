"""The place in a spec where the schedule of a job is written, and how it is written there. Pure."""

from __future__ import annotations

from typing import Literal

from webjobs.model import WebJob
from webjobs.objects import Object

Place = Literal["spec.schedule", "settings.job"]
"""A place of a schedule."""


def place_of_schedule(webjob: WebJob) -> Place:
    """Return where the schedule of a job is written, or would be.

    Without one it goes where the author of the job will look for it: an uploaded job has a settings.job.
    """
    if webjob.spec.schedule:
        return "spec.schedule"
    return "settings.job" if webjob.job_settings.schedule or webjob.spec.package else "spec.schedule"


def put_schedule(spec: Object, place: Place, schedule: str, *, zone: str) -> None:
    """Write a schedule and its time zone into a spec; empty ones go."""
    if place == "spec.schedule":
        _put(spec, "schedule", schedule)
    elif schedule or "schedule" in (spec.get("settings") or {}):
        settings = dict(spec.get("settings") or {})
        _put(settings, "schedule", schedule)
        spec["settings"] = settings
        spec.get("package", {}).pop("settingsError", None)  # what its file was to say has been said
    _put(spec, "timeZone", zone)


def _put(into: Object, key: str, value: str) -> None:
    """Write a text into an object; an empty one is no key."""
    if value:
        into[key] = value
    else:
        into.pop(key, None)
