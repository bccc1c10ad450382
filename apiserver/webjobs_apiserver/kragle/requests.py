"""Requests of the Kragle API: bodies, numbers in paths, pages. Pure.

What can't be used is a Fault that says why.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn
from urllib.parse import parse_qsl

from webjobs_apiserver.auth.headers import Basic
from webjobs_apiserver.kragle import faults
from webjobs_apiserver.kragle.faults import Fault
from webjobs_apiserver.service.schedules.registry import Timing

BODY_BYTES = 64 * 2**10
"""Most bytes of a body."""
MAX_NAME = 256
"""Most characters of the name of a Job or Schedule."""
MIN_PERIOD = 60
"""Fewest seconds of a period: Kragle's floor between two runs (docs/kragle.md, section 3)."""
MAX_PERIOD = 10 * 366 * 86400
"""Most seconds of a period."""
MAX_TIMESTAMP = 253_402_300_799
"""Last second of the year 9999, in seconds of Unix time."""

_NUMBER = re.compile(r"[+-]?[0-9]{1,40}")
_JOB_KEYS = {"schedule_id": "timing", "stack_id": "stack", "name": "name", "enabled": "enabled"}
_TIMING_KEYS = ("config", "name", "once")


def parsed(content: bytes) -> Any:
    """Return the JSON value of a body."""

    def no_number(text: str) -> NoReturn:
        raise ValueError(text)

    try:
        return json.loads(content, parse_constant=no_number)
    except (ValueError, RecursionError):
        raise Fault(faults.JSON, "The body is not JSON.") from None


def inline(value: Any) -> tuple[Basic, Any] | None:
    """Return credentials and the real body of a request with inline auth; None when it has none."""
    if not isinstance(value, dict) or set(value) != {"auth", "payload"}:
        return None
    return login(value["auth"]), value["payload"]


def login(value: Any) -> Basic:
    """Return name and password of a login; the username wins over the email."""
    given = _object(value, known=("username", "email", "password"))
    for key, one in given.items():
        if not isinstance(one, str):
            raise Fault(faults.UNSUITABLE, f"{key} must be a string.")
    name, password = given.get("username", given.get("email")), given.get("password")
    if name is None or password is None:
        raise Fault(faults.UNSUITABLE, "A login needs a password, and a username or an email.")
    return Basic(username=name.encode("utf-8", "replace"), password=password.encode("utf-8", "replace"))


def number(text: str) -> int:
    """Return the id in a path."""
    if not _NUMBER.fullmatch(text):
        raise Fault(faults.QUERY, "An id is an integer.")
    return int(text)


def page(query: str) -> int:
    """Return the number of the page that a list is asked for, from 1.

    ``query``: of the URL. Other parameters are ignored.
    """
    given = [value for key, value in parse_qsl(query, keep_blank_values=True) if key == "page"]
    if not given:
        return 1
    if len(given) > 1 or not _NUMBER.fullmatch(given[0]) or int(given[0]) < 1:
        raise Fault(faults.QUERY, "page must be an integer from 1 on.")
    return int(given[0])


def job_changes(value: Any) -> dict[str, Any]:
    """Return the fields of a Job that a body gives, by the service's words."""
    given = _object(value, known=tuple(_JOB_KEYS))
    for key in ("schedule_id", "stack_id"):
        if key in given and not _is_int(given[key]):
            raise Fault(faults.UNSUITABLE, f"{key} must be an integer.")
    if "enabled" in given and not isinstance(given["enabled"], bool):
        raise Fault(faults.UNSUITABLE, "enabled must be true or false.")
    if "name" in given:
        _check_name(given["name"])
    return {_JOB_KEYS[key]: one for key, one in given.items()}


def new_job(value: Any) -> dict[str, Any]:
    """Return the fields of a new Job that a body gives, with their defaults, by the service's words."""
    changes = job_changes(value)
    for key, word in (("schedule_id", "timing"), ("stack_id", "stack")):
        if word not in changes:
            raise Fault(faults.UNSUITABLE, f"{key} is missing.")
    return {"name": None, "enabled": False} | changes


def new_timing(value: Any) -> Timing:
    """Return the new Schedule that a body gives."""
    if "config" not in _object(value, known=_TIMING_KEYS):
        raise Fault(faults.UNSUITABLE, "config is missing.")
    return changed_timing(Timing(), value)


def changed_timing(before: Timing, value: Any) -> Timing:
    """Return a Schedule after a PUT; what the body does not give stays."""
    given = _object(value, known=_TIMING_KEYS)
    after = before.model_copy()
    if "name" in given:
        after.name = _check_name(given["name"])
    if "once" in given:
        if not isinstance(given["once"], bool):
            raise Fault(faults.UNSUITABLE, "once must be true or false.")
        after.once = given["once"]
    if "config" in given:
        after.period, after.timestamp = _config(given["config"])
    if after.once and after.timestamp is None:
        raise Fault(faults.CONFIG, "once needs a config with a timestamp: a period runs again and again.")
    return after


def _config(value: Any) -> tuple[int | None, int | None]:
    """Return period and timestamp of a config; one of them is None."""
    if not isinstance(value, dict) or len(value) != 1 or not set(value) <= {"period", "timestamp"}:
        raise Fault(faults.CONFIG, "config must be an object with either period or timestamp, and nothing else.")
    ((key, one),) = value.items()
    if not _is_int(one):
        raise Fault(faults.CONFIG, f"{key} must be an integer, in seconds.")
    if key == "period":
        if not MIN_PERIOD <= one <= MAX_PERIOD:
            raise Fault(faults.CONFIG, f"period must be from {MIN_PERIOD} to {MAX_PERIOD} seconds.")
        return one, None
    if not 0 <= one <= MAX_TIMESTAMP:
        raise Fault(faults.CONFIG, f"timestamp must be from 0 to {MAX_TIMESTAMP}.")
    return None, one


def _object(value: Any, *, known: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Fault(faults.UNSUITABLE, "The body must be a JSON object.")
    if strange := sorted(set(value) - set(known)):
        raise Fault(faults.UNSUITABLE, f"{strange[0][:80]!r} is unknown here: known are {', '.join(sorted(known))}.")
    return value


def _check_name(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not 0 < len(value) <= MAX_NAME or not value.isprintable():
        raise Fault(
            faults.UNSUITABLE,
            f"name must be null or a string of 1 to {MAX_NAME} printable characters.",
        )
    return value


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
