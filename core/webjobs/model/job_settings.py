"""settings.job: the JSON object that travels with a WebJob's files.

Kudu is strict about types: a value of the wrong JSON type (``"true"``, ``"60"``, ``60.0``) is ignored and the default
holds. Unknown keys are kept and echoed, so the raw object stays in ``spec.settings`` and this module is only a reading
of it. Source: docs/kudu-contract.md, section 4.1. Every pod has its own copy of the job's files;
with ``is_in_place`` it lies in a copy of the site's content. Keys that Kudu does not have are in
``runtime_settings.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

from webjobs.model import lenient_json

FILE_NAME = "settings.job"
"""Name of the file with a job's settings, in the script's directory."""
DISABLE_FILE_NAME = "disable.job"
"""Name of the file that stops a continuous job, in the script's directory."""

_LARGEST = 2**31 - 1
"""Kudu's integers have 32 bits."""


@dataclass(frozen=True, kw_only=True)
class JobSettings:
    """Kudu's keys of settings.job that have an effect; ``None`` where the file does not (validly) say."""

    schedule: str | None = None
    """NCRONTAB expression of the job."""
    is_singleton: bool | None = None
    """True when the job wants one instance."""
    is_in_place: bool | None = None
    """True when the job wants to run in the folder that it has in the web site."""
    stopping_wait_time: int | None = None
    """Seconds between the notice to stop and the kill."""


def read(settings: Mapping[str, Any]) -> JobSettings:
    """Return the keys of a settings object that have an effect; wrongly typed values count as absent."""
    schedule = settings.get("schedule")
    singleton, in_place = settings.get("is_singleton"), settings.get("is_in_place")
    wait = settings.get("stopping_wait_time")
    return JobSettings(
        schedule=schedule if isinstance(schedule, str) and schedule else None,
        is_singleton=singleton if isinstance(singleton, bool) else None,
        is_in_place=in_place if isinstance(in_place, bool) else None,
        stopping_wait_time=max(wait, 0) if _is_integer(wait) else None,  # negative numbers count as 0, as in Kudu
    )


def _is_integer(value: object) -> TypeGuard[int]:
    # bool is an int in Python, not in JSON.
    return isinstance(value, int) and not isinstance(value, bool) and -_LARGEST - 1 <= value <= _LARGEST


class Unreadable(ValueError):
    """A settings.job that can't be read; the message says where and why."""


def load_file(content: bytes) -> dict[str, Any]:
    """Return the object in a settings.job file as Kudu reads it; ``{}`` for an empty file and for ``null``.

    Raises Unreadable. Kudu takes such a file for ``{}`` without a word, and the schedule in it is lost.
    """
    try:
        value = lenient_json.loads(lenient_json.decode(content))
    except lenient_json.NotJson as error:
        raise Unreadable(f"{FILE_NAME} is no JSON: {error}.") from None
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Unreadable(f'{FILE_NAME} holds no object: write {{"schedule": "0 */5 * * * *"}}, for example.')
    return value
