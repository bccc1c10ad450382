"""Runtimes that a package needs: keys of the chart's runtimes, with the versions that are asked for. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

ORDER = ("aspnet", "dotnet", "mono", "wine", "fsx", "jar", "php", "py", "js", "ps1", "tools", "sh")
"""Keys of runtimes; of several that a script needs the first one is its main one."""


@dataclass(frozen=True, kw_only=True)
class Need:
    """A runtime that a package needs."""

    runtime: str
    """Key of the runtime among the chart's runtimes."""
    version: str | None = None
    """Version that is asked for; None for any."""


def ordered(found: Mapping[str, str | None]) -> tuple[Need, ...]:
    """Return needs with the main one first.

    ``found``: versions by keys of runtimes. ASP.NET's has the .NET runtime, and any has a shell.
    """
    wanted = dict(found)
    if "aspnet" in wanted and "dotnet" in wanted:
        newest = max((wanted["aspnet"], wanted.pop("dotnet")), key=numbers)
        wanted["aspnet"] = newest
    if len(wanted) > 1:
        wanted.pop("sh", None)
    known = [key for key in ORDER if key in wanted]
    others = sorted(key for key in wanted if key not in ORDER)
    return tuple(Need(runtime=key, version=wanted[key]) for key in [*known, *others]) or (Need(runtime="sh"),)


def numbers(version: str | None) -> tuple[int, ...]:
    """Return the numbers of a version up to the first part that is none, to compare it; empty for None."""
    found: list[int] = []
    for part in (version or "").split("-")[0].split("."):
        if not (part.isascii() and part.isdigit() and len(part) < 10):
            break
        found.append(int(part))
    return tuple(found)
