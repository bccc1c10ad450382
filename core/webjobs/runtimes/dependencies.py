"""Dependencies that a package names and does not hold. Pure.

App Service does not install them for a WebJob either: they lie in the package, or the script fetches them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from webjobs.model import lenient_json
from webjobs.runtimes.package import Package, TooLarge

_PYTHON_FOLDERS = ("site-packages", ".python_packages", "antenv")


@dataclass(frozen=True, kw_only=True)
class Missing:
    """Dependencies that a package names and does not hold."""

    kind: Literal["pip", "npm"]
    """Tool that would install them."""
    file: str
    """File that names them."""

    @property
    def note(self) -> str:
        """Sentence for the author of the package."""
        if self.kind == "pip":
            return (
                f"{self.file} is not installed: put the packages beside the script "
                "(pip install --target .), or use an image that has them."
            )
        return f"{self.file} is not installed: put node_modules into the package (npm ci), or use an image that has it."


def missing(runtime: str, package: Package, script: str) -> Missing | None:
    """Return the dependencies that a package lacks for a runtime (js or py); None when nothing is known to lack.

    ``script``: path of the script; files beside it name them.
    """
    if runtime == "py":
        path = package.beside(script, "requirements.txt")
        return Missing(kind="pip", file=path) if path and _requires(package, path) else None
    if runtime == "js":
        path = package.beside(script, "package.json")
        wanted = path and _has_dependencies(package, path) and not package.has_folder("node_modules")
        return Missing(kind="npm", file=path) if path and wanted else None
    return None


def _requires(package: Package, path: str) -> bool:
    if package.has_folder(*_PYTHON_FOLDERS) or any(".dist-info/" in each.lower() for each in package.paths):
        return False
    try:
        lines = lenient_json.decode(package.text(path)).splitlines()
    except TooLarge:
        return True
    return any(line.partition("#")[0].strip() for line in lines)


def _has_dependencies(package: Package, path: str) -> bool:
    try:
        value = lenient_json.loads(lenient_json.decode(package.text(path)))
    except (TooLarge, lenient_json.NotJson):
        return False
    found = value.get("dependencies") if isinstance(value, Mapping) else None
    return isinstance(found, Mapping) and bool(found)
