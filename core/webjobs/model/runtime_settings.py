"""Keys of settings.job that Kudu does not have: ``image``, ``command``, ``cpu``, ``memory``, ``warm``. Pure.

By them the author of a zip picks a runtime and its size without knowing the WebJob that it becomes. Kudu's own keys are
ignored when their type is wrong (``job_settings.py``); these are not, since a job in the wrong image or without its
memory would only fail later and elsewhere. They raise, with the key and what to write instead.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

_QUANTITY = re.compile(r"(\d{1,18}(?:\.\d{0,9})?|\.\d{1,9})(m|k|Ki|[MGTPE]i?|[eE][+-]?\d{1,2})?", re.ASCII)
_DECIMAL = {"": 0, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_LEAST_CPU = Decimal("0.001")
_MOST_CPU = 10_000
_LEAST_MEMORY = 2**20
_MOST_MEMORY = 2**50
_MAX_IMAGE = 1024
_MAX_WORDS = 256
MOST_WARM = 10
"""Most pods of one job that wait for a run."""


class BadSetting(ValueError):
    """A key of settings.job that can't be used; the message names it and says what to write."""


@dataclass(frozen=True, kw_only=True)
class RuntimeSettings:
    """The runtime that settings.job asks for; ``None`` where it says nothing."""

    image: str | None = None
    """Name of the container image."""
    command: tuple[str, ...] | None = None
    """The whole command line, without the arguments of a run: it stands for interpreter and script."""
    cpu: str | None = None
    """Cores as a Kubernetes quantity, request and limit."""
    memory: str | None = None
    """Bytes of memory as a Kubernetes quantity, request and limit."""
    warm: int | None = None
    """Number of pods that wait for a run."""


def read(settings: Mapping[str, Any], *, ignored: frozenset[str] = frozenset()) -> RuntimeSettings:
    """Return the runtime that a settings object asks for.

    ``null`` counts as absent, keys in ``ignored`` are not looked at. Raises BadSetting for the first key, in the order
    of the fields, that can't be used.
    """
    given = {key: value for key, value in settings.items() if key not in ignored and value is not None}
    return RuntimeSettings(
        image=_image(given.get("image")),
        command=_command(given.get("command")),
        cpu=_cpu(given.get("cpu")),
        memory=_memory(given.get("memory")),
        warm=_warm(given.get("warm")),
    )


def quantity(value: object) -> Decimal | None:
    """Return the number that a Kubernetes quantity means, as text or as a JSON number; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    found = _QUANTITY.fullmatch(value if isinstance(value, str) else str(value))
    if found is None:
        return None
    number, suffix = Decimal(found[1]), found[2] or ""
    if suffix in _BINARY:
        return number * Decimal(2 ** _BINARY[suffix])
    power = _DECIMAL[suffix] if suffix in _DECIMAL else int(suffix[1:])
    return number.scaleb(power)


def _bad(key: str, value: object, advice: str) -> BadSetting:
    shown = repr(value)
    return BadSetting(f"settings.job: {key} can't be {shown[:80]}{'...' if len(shown) > 80 else ''}. {advice}")


def _image(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or not re.fullmatch(rf"[!-~]{{1,{_MAX_IMAGE}}}", value):
        raise _bad("image", value, 'Write the name of a container image, such as "python:3.13-slim", or remove it.')
    return value


def _split(text: str) -> list[str]:
    """Return the words of a command line as a POSIX shell splits it, without expanding anything.

    A quote that is never closed ends with the text.
    """
    for closing in ("", "\\", '"', "'", '\\"'):
        try:
            return shlex.split(text + closing)
        except ValueError:
            continue
    return text.split()


def _command(value: object) -> tuple[str, ...] | None:
    if value is None:
        return None
    given = _split(value) if isinstance(value, str) else value
    words = [word for word in given if isinstance(word, str) and "\0" not in word] if isinstance(given, list) else []
    if words != given or not 0 < len(words) <= _MAX_WORDS or not words[0]:
        raise _bad("command", value, 'Write a list of words, such as ["python3", "-X", "dev", "run.py"], or one text.')
    return tuple(words)


def _cpu(value: object) -> str | None:
    if value is None:
        return None
    cores = quantity(value)
    if cores is None or not _LEAST_CPU <= cores <= _MOST_CPU:
        raise _bad("cpu", value, 'Write a number of cores, such as "0.5" or "500m" (a half), or remove it.')
    return str(value)


def _memory(value: object) -> str | None:
    if value is None:
        return None
    size = quantity(value)
    if size is None or not _LEAST_MEMORY <= size <= _MOST_MEMORY:
        raise _bad("memory", value, 'Write bytes with a unit, such as "256Mi" or "1Gi" (1Mi at least), or remove it.')
    return str(value)


def _warm(value: object) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MOST_WARM:
        raise _bad("warm", value, f"Write how many pods shall wait for a run, from 0 to {MOST_WARM}, or remove it.")
    return value
