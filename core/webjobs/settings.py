"""settings.job: the JSON object that travels with a WebJob's files.

Kudu is strict about types: a value of the wrong JSON type (``"true"``, ``"60"``, ``60.0``) is ignored and the
default holds. Unknown keys are kept and echoed, so the raw object stays in ``spec.settings`` and this module is
only a reading of it. Source: Kudu's WebJobs contract, section 4.1.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

FILE_NAME = "settings.job"
DISABLE_FILE_NAME = "disable.job"


@dataclass(frozen=True, kw_only=True)
class JobSettings:
    """The keys of settings.job that have an effect; ``None`` where the file does not (validly) say."""

    schedule: str | None = None
    is_singleton: bool | None = None
    stopping_wait_time: int | None = None
    """Seconds."""


def read(settings: Mapping[str, Any]) -> JobSettings:
    """The effective keys of a settings object; wrongly typed values count as absent."""
    schedule = settings.get("schedule")
    singleton = settings.get("is_singleton")
    wait = settings.get("stopping_wait_time")
    return JobSettings(
        schedule=schedule if isinstance(schedule, str) and schedule else None,
        is_singleton=singleton if isinstance(singleton, bool) else None,
        # bool is an int in Python, not in JSON. Negative numbers count as 0, as in Kudu.
        stopping_wait_time=max(wait, 0) if isinstance(wait, int) and not isinstance(wait, bool) else None,
    )


def parse_file(content: bytes) -> dict[str, Any]:
    """The object in a settings.job file; ``{}`` for anything that is not a JSON object, as Kudu reads it."""
    try:
        value = json.loads(content.decode("utf-8-sig"), parse_constant=_refuse, parse_float=_finite)
    except (ValueError, RecursionError):  # UnicodeDecodeError, JSONDecodeError and endless integers are ValueErrors
        return {}
    return value if isinstance(value, dict) else {}


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):  # 1e999: can't be written as JSON again
        raise ValueError(f"{text} is out of range")
    return number
