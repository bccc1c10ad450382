"""The image for the runtimes that a package needs, among those that the chart's values offer. Pure.

1. No entry: the administrator does not allow the runtime.
2. No versions: the one image is pinned for all.
3. .NET: the version that is asked for, else the next higher one; never a lower one, for .NET itself refuses it.
4. Others: the version, else the next higher minor one of Python or PHP, else the default image.
5. Several runtimes: a combined image that has them all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pydantic import Field

from webjobs.model.base import ConfigSection
from webjobs.runtimes.needs import Need, numbers
from webjobs.runtimes.programs import Problem

_DOTNET = ("dotnet", "aspnet")
_FORWARD = {"DOTNET_ROLL_FORWARD": "Major"}
"""Variable by which .NET takes the version of the image, whatever the program's own policy (rollForward) says: there is
only one in it."""
_BY_MAJOR = ("js", "jar")
"""Runtimes whose minor versions go into one image."""
_NAMES = {"dotnet": ".NET", "aspnet": "ASP.NET Core", "js": "Node.js", "py": "Python", "php": "PHP", "jar": "Java"}


class Offer(ConfigSection):
    """An entry of the chart's runtimes: images that have a POSIX shell, tar and the interpreter."""

    image: str
    """Default image."""
    versions: dict[str, str] = Field(default_factory=dict)
    """Images by version, such as 8.0 or 22; none: the default image is for all."""


class Combined(ConfigSection):
    """An image that has several runtimes, for batch files that call more than one."""

    runtimes: tuple[str, ...] = Field(min_length=2)
    """Keys of the runtimes in it; aspnet has dotnet, too."""
    image: str
    """Name of the image."""


@dataclass(frozen=True, kw_only=True)
class Picked:
    """The image for a package."""

    image: str
    """Name of the image."""
    version: str | None = None
    """Version of the offer that was picked; None for a default, pinned or combined image."""
    note: str | None = None
    """Sentence for the user when the version is another one than was asked for."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables without which the runtime in the image refuses the program."""


def pick(needs: Sequence[Need], offers: Mapping[str, Offer], combined: Sequence[Combined] = ()) -> Picked | Problem:
    """Return the image for a package, or the reason why the chart's values have none.

    ``needs``: its runtimes, the main one first.
    """
    keys = {need.runtime for need in needs}
    if len(keys) > 1:
        return _combined(keys, combined)
    main = needs[0]
    offer = offers.get(main.runtime)
    if offer is None:
        return _none(main.runtime)
    if main.runtime in _DOTNET:
        return _dotnet(main.runtime, main.version, offer)
    asked = numbers(main.version)
    if not asked or not offer.versions:
        return Picked(image=offer.image)
    return _other(main.runtime, str(main.version), asked[: 1 if main.runtime in _BY_MAJOR else 2], offer)


def _none(runtime: str) -> Problem:
    message = f"This installation has no image for the runtime {runtime}. "
    message += f"Set runtimes.{runtime}.image in the chart's values, or image in settings.job."
    return Problem(reason="NoRuntime", message=message)


def _combined(keys: set[str], combined: Sequence[Combined]) -> Picked | Problem:
    for each in combined:
        there = {*each.runtimes, "sh", *(["dotnet"] if "aspnet" in each.runtimes else [])}
        if keys <= there:
            return Picked(image=each.image, environment=_FORWARD if keys.intersection(_DOTNET) else {})
    names = ", ".join(sorted(keys))
    return Problem(
        reason="NoCombinedImage",
        message=f"The job needs several runtimes in one image: {names}. Add an entry with runtimes: [{names}] and an "
        "image that has them all to combinedRuntimes in the chart's values, or set image in settings.job.",
    )


def _dotnet(runtime: str, version: str | None, offer: Offer) -> Picked | Problem:
    """Return the image of .NET."""
    if version is None or not offer.versions:
        return Picked(image=offer.image, environment=_FORWARD)
    asked = _pair(version)
    higher = [key for key in offer.versions if offer.versions[key] and _pair(key) >= asked]
    if not higher:
        name = _NAMES[runtime]
        return Problem(
            reason="NoRuntimeVersion",
            message=f"{name} {version} is asked for, and no image has this version or a higher one. Add it to "
            f"runtimes.{runtime}.versions in the chart's values, or set image in settings.job.",
        )
    key = min(higher, key=_pair)
    same_major = _pair(key)[0] == asked[0]
    return Picked(
        image=offer.versions[key],
        version=key,
        note=None if same_major else _other_version(runtime, version, key),
        environment=_FORWARD,
    )


def _pair(version: str) -> tuple[int, int]:
    """Return major and minor version."""
    major, minor, *_ = (*numbers(version), 0, 0)
    return major, minor


def _other(runtime: str, version: str, asked: tuple[int, ...], offer: Offer) -> Picked:
    """Return the image of a runtime whose programs run in other versions, too."""
    size = len(asked)
    known = {key: numbers(key) for key in offer.versions if offer.versions[key] and numbers(key)}
    same = [key for key in known if known[key][:size] == asked]
    if same:
        # Of several the default one, where the package asks for a major version alone.
        key = next((one for one in same if offer.versions[one] == offer.image), max(same, key=numbers))
        return Picked(image=offer.versions[key], version=key)
    higher = [key for key in known if size == 2 and known[key][:1] == asked[:1] and known[key][:2] > asked]
    if higher:
        key = min(higher, key=numbers)
        return Picked(image=offer.versions[key], version=key, note=_other_version(runtime, version, key))
    return Picked(image=offer.image, note=_other_version(runtime, version, None))


def _other_version(runtime: str, asked: str, found: str | None) -> str:
    name = _NAMES.get(runtime, runtime)
    runs = f"{name} {found}" if found else "the default image"
    return (
        f"{name} {asked} is asked for and not among the images; {runs} runs it. To pin a version, add it to "
        f"runtimes.{runtime}.versions in the chart's values, or set image in settings.job."
    )
