"""Names of time zones: IANA's, and Windows' as WEBSITE_TIME_ZONE has them on App Service.

Source of the Windows names: CLDR's windowsZones, territory 001, in the copy that tzlocal keeps. CLDR maps neither
"Mid-Atlantic Standard Time" nor "Kamchatka Standard Time", which Windows keeps only for old settings: no place has
their rules. They are unknown here, too.
"""

from __future__ import annotations

from datetime import UTC, tzinfo
from difflib import get_close_matches
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from tzlocal.windows_tz import win_tz

from webjobs.schedules.grammar import ScheduleError, quoted

_WINDOWS = {windows.lower(): iana for windows, iana in win_tz.items()}

_LONGEST = 64
"""Longest text that is compared with all names: a longer one is no misspelt name, and comparing it would take long."""


def iana_name(text: str) -> str:
    """Return the IANA name of a zone: Europe/Berlin for itself and for W. Europe Standard Time.

    Windows names count in any case, as on Windows; IANA names as they are written, as in Kubernetes. Raises
    ScheduleError for an unknown name, with the closest known one.
    """
    name = text if _is_iana(text) else _WINDOWS.get(text.lower())
    if name is not None:
        return name
    nearest = _nearest(text) if len(text) <= _LONGEST else None
    hint = f"did you mean {nearest!r}? Use" if nearest else "use"
    raise ScheduleError(
        f"time zone {quoted(text)} is unknown: {hint} an IANA name such as Europe/Berlin or UTC, "
        "or a Windows name such as W. Europe Standard Time"
    )


def load_zone(name: str | None) -> tzinfo:
    """Return the zone with an IANA or Windows name; UTC for None.

    Raises ScheduleError for an unknown name.
    """
    return UTC if name is None else ZoneInfo(iana_name(name))


def _is_iana(text: str) -> bool:
    try:
        ZoneInfo(text)
    except (KeyError, ValueError, OSError):
        # An absent file, a name that leads out of the folder, a folder's name.
        return False
    return True


@lru_cache(maxsize=256)
def _nearest(text: str) -> str | None:
    names = _known_names()
    found = get_close_matches(text.lower(), names, n=1)
    return names[found[0]] if found else None


@lru_cache(maxsize=1)
def _known_names() -> dict[str, str]:
    """Return all names of zones by their lower case.

    Reading IANA's takes a look at each zone's file.
    """
    return {name.lower(): name for name in (*win_tz, *sorted(available_timezones()))}
