"""What .NET programs say of the framework that they need: X.runtimeconfig.json and X.deps.json. Pure.

Both are written by the .NET SDK. Sources: "Runtime Configuration File" and "deps.json" in dotnet/cli's documentation,
and the host in dotnet/runtime, whose JSON may have comments and commas too many.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from webjobs.model import lenient_json

ASPNET = ("Microsoft.AspNetCore.App", "Microsoft.AspNetCore.All")
"""Frameworks of web applications; the .NET runtime is a part of them."""
CORE = "Microsoft.NETCore.App"
"""Framework of the .NET runtime alone."""
DESKTOP = "Microsoft.WindowsDesktop.App"
"""Framework of programs with windows (WinForms, WPF), which only Windows has."""


class BadConfig(ValueError):
    """A file of a .NET program that can't be read; the message names file and field."""


@dataclass(frozen=True, kw_only=True)
class Framework:
    """A framework that a .NET program needs."""

    name: str
    """Full name, such as Microsoft.NETCore.App."""
    version: str
    """Version with patch, such as 8.0.11; empty when the file does not say."""


@dataclass(frozen=True, kw_only=True)
class RuntimeConfig:
    """The content of an X.runtimeconfig.json."""

    frameworks: tuple[Framework, ...]
    """Frameworks that the program needs, or brings with it."""
    self_contained: bool
    """True for a program that brings its framework with it."""
    options: Mapping[str, Any]
    """All of ``runtimeOptions`` as it is in the file."""

    @property
    def main(self) -> Framework | None:
        """Framework that picks the runtime: ASP.NET's, else the desktop's, else .NET's; None when none is named."""
        for name in (*ASPNET, DESKTOP):
            for framework in self.frameworks:
                if framework.name == name:
                    return framework
        return self.frameworks[0] if self.frameworks else None

    def has(self, name: str) -> bool:
        """Return whether the program needs a framework of this name."""
        return any(framework.name == name for framework in self.frameworks)


@dataclass(frozen=True, kw_only=True)
class Dependencies:
    """The content of an X.deps.json."""

    rid: str | None
    """Platform that the program was published for, such as win-x64; None for any."""
    assemblies: tuple[str, ...]
    """Paths of libraries beside the program, without those of .NET; ``de/X.resources.dll`` for translated texts."""
    framework_files: frozenset[str]
    """Names of files of .NET that a self-contained program brings with it."""
    windows_packages: tuple[str, ...]
    """Names of packages that are there in their form for Windows only."""


def read_config(name: str, content: bytes) -> RuntimeConfig:
    """Return what an X.runtimeconfig.json says.

    ``name``: for messages. Raises BadConfig.
    """
    options = _member(name, _object(name, content), "runtimeOptions")
    given = _frameworks(name, options, "frameworks")
    if isinstance(options.get("framework"), Mapping):
        given = (_framework(name, "framework", options["framework"]), *given)
    elif options.get("framework") is not None:
        raise BadConfig(f"{name}: runtimeOptions.framework is no object. Publish the program anew.")
    included = _frameworks(name, options, "includedFrameworks")
    return RuntimeConfig(frameworks=given or included, self_contained=not given, options=options)


def read_dependencies(name: str, content: bytes) -> Dependencies:
    """Return what an X.deps.json says.

    ``name``: for messages. Raises BadConfig.
    """
    whole = _object(name, content)
    target = str(_member(name, whole, "runtimeTarget").get("name", ""))
    targets, libraries = _member(name, whole, "targets"), _member(name, whole, "libraries")
    assemblies: dict[str, None] = {}
    framework_files: set[str] = set()
    windows: dict[str, None] = {}
    for library, parts in _member(name, targets, target).items():
        runtime, native, resources = (_keys(parts, kind) for kind in ("runtime", "native", "resources"))
        if _is_framework(library, libraries.get(library)):
            framework_files.update(PurePosixPath(path).name for path in (*runtime, *native))
            continue
        if native or any(path.startswith("runtimes/win") for path in runtime):
            windows[library.partition("/")[0]] = None
        assemblies.update(dict.fromkeys(PurePosixPath(path).name for path in runtime))
        # A translated library lies in a folder of its language.
        assemblies.update(dict.fromkeys("/".join(PurePosixPath(path).parts[-2:]) for path in resources))
    rid = target.partition("/")[2] or None
    return Dependencies(
        rid=rid,
        assemblies=tuple(assemblies),
        framework_files=frozenset(framework_files),
        windows_packages=tuple(windows) if rid and rid.startswith("win") else (),
    )


def as_portable(stem: str, config: RuntimeConfig, assemblies: Collection[str]) -> tuple[str, str]:
    """Return X.runtimeconfig.json and X.deps.json that run a self-contained program by the runtime of an image.

    ``stem``: the X. ``assemblies``: libraries that are there, as in ``Dependencies``. Only those are listed: a library
    of .NET for Windows that lies in the folder would win against that of the image.
    """
    kept = {key: value for key, value in config.options.items() if key != "includedFrameworks"}
    # The patch is the image's: an older one than the program's would not be taken.
    kept["frameworks"] = [
        {"name": framework.name, "version": ".".join([*framework.version.split("-")[0].split(".")[:2], "0"])}
        for framework in config.frameworks
    ]
    runtime: dict[str, object] = {path: {} for path in assemblies if "/" not in path}
    resources = {path: {"locale": path.partition("/")[0]} for path in assemblies if "/" in path}
    library = f"{stem}/1.0.0"
    dependencies = {
        "runtimeTarget": {"name": "any"},
        "targets": {"any": {library: {"runtime": runtime, "resources": resources}}},
        "libraries": {library: {"type": "project", "serviceable": False, "sha512": ""}},
    }
    return _json({"runtimeOptions": kept}), _json(dependencies)


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _object(name: str, content: bytes) -> Mapping[str, Any]:
    try:
        value = lenient_json.loads(lenient_json.decode(content))
    except lenient_json.NotJson as error:
        raise BadConfig(f"{name} is no JSON: {error}. Publish the program anew.") from error
    if not isinstance(value, Mapping):
        raise BadConfig(f"{name} holds no JSON object. Publish the program anew.")
    return value


def _member(name: str, parent: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = parent.get(key)
    if not isinstance(value, Mapping):
        raise BadConfig(f"{name}: {key} is missing, or no object. Publish the program anew.")
    return value


def _frameworks(name: str, options: Mapping[str, Any], key: str) -> tuple[Framework, ...]:
    value = options.get(key)
    if value is None:
        return ()
    if not isinstance(value, list):
        raise BadConfig(f"{name}: runtimeOptions.{key} is no list. Publish the program anew.")
    return tuple(_framework(name, f"{key}[{place}]", each) for place, each in enumerate(value))


def _framework(name: str, field: str, value: object) -> Framework:
    found = value.get("name") if isinstance(value, Mapping) else None
    version = value.get("version", "") if isinstance(value, Mapping) else None
    if not isinstance(found, str) or not found or not isinstance(version, str):
        raise BadConfig(f"{name}: runtimeOptions.{field} has no name, or a version that is no text. Publish it anew.")
    return Framework(name=found, version=version)


def _keys(parts: object, kind: str) -> tuple[str, ...]:
    value = parts.get(kind) if isinstance(parts, Mapping) else None
    return tuple(str(key) for key in value) if isinstance(value, Mapping) else ()


def _is_framework(library: str, entry: object) -> bool:
    """Return whether a library is .NET itself: a runtime pack, or before .NET Core 3 a package."""
    kind = entry.get("type") if isinstance(entry, Mapping) else None
    return kind == "runtimepack" or library.lower().startswith("runtimepack.")
