"""The version of a runtime that a package asks for: Node.js, Python, PHP, Java. Pure.

Each is said where its own tools and App Service look for it. What can't be understood is a note and no error: the
package ran without it.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from webjobs.model import lenient_json
from webjobs.runtimes import ranges
from webjobs.runtimes.package import Package, TooLarge

_NODE_NAMES = {
    "argon": 4,
    "boron": 6,
    "carbon": 8,
    "dubnium": 10,
    "erbium": 12,
    "fermium": 14,
    "gallium": 16,
    "hydrogen": 18,
    "iron": 20,
    "jod": 22,
    "krypton": 24,
}
"""Major versions of Node.js by the names of their long support."""
_PYTHON = re.compile(r"(?:python-)?(\d)(?:\.(\d{1,2}))?(?:\.\d+)?(?:[a-z]+\d*)?", re.ASCII | re.IGNORECASE)
_LOOSE = re.compile(r"(\d{1,6})(?:\.(\d{1,6}))?", re.ASCII)
_JDK = re.compile(rb"^Build-Jdk(?:-Spec)?:\s*(?:1\.)?(\d{1,3})\b", re.MULTILINE)
_MANIFEST = b"META-INF/MANIFEST.MF"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """The version of a runtime that a package asks for."""

    version: str | None = None
    """Version such as 20 or 3.11; None when the package does not say."""
    file: str | None = None
    """File that says it."""
    notes: tuple[str, ...] = ()
    """Sentences on what could not be understood."""

    @property
    def sentence(self) -> str:
        """Sentence that says file and version, after a blank; empty when the package does not say."""
        return f" {self.file} asks for {self.version}." if self.version else ""


def asked(runtime: str, package: Package, script: str) -> Asked:
    """Return the version of a runtime that a package asks for.

    ``runtime``: js, py, php or jar; of any other nothing is known. ``script``: path of the script; files beside it say.
    """
    if runtime == "jar" and script.lower().endswith(".jar"):
        return Asked(version=_jdk(package.head(script)), file=script)
    notes: list[str] = []
    for name, reader in _READERS.get(runtime, ()):
        path = package.beside(script, name)
        if path is None:
            continue
        try:
            version = reader(package.text(path))
        except (_Unclear, TooLarge) as error:
            notes.append(f"{path} asks for no version of {_NAMES[runtime]} that is understood: {error}")
            continue
        if version:
            return Asked(version=version, file=path, notes=tuple(notes))
    return Asked(notes=tuple(notes))


def short(runtime: str, version: str | None) -> str | None:
    """Return a version as ``asked`` gives it: without patch, and for js and jar the major one alone.

    Of other runtimes it is as it comes. ``version``: also from a path of App Service, such as 364 for Python 3.6, and
    1.8 for Java 8. None for junk.
    """
    if runtime not in _NAMES:
        return version or None
    found = _LOOSE.search(version or "")
    if found is None:
        return None
    major, minor = found[1], found[2]
    if runtime == "py" and len(major) > 1 and minor is None:
        # 364, 353, 3111: the patch has one digit.
        major, minor = major[0], major[1:-1] or major[1]
    if runtime == "jar" and major == "1" and minor:
        return minor
    return major if runtime in ("js", "jar") or minor is None else f"{major}.{minor}"


class _Unclear(ValueError):
    """A version that is not understood; the message says which."""


def _shown(text: str) -> _Unclear:
    return _Unclear(f"{text[:40]!r}.")


def _node_engines(content: bytes) -> str | None:
    found = _range(_member(_json(content), "engines").get("node"))
    return str(found[0]) if found else None


def _php_require(content: bytes) -> str | None:
    required = _member(_json(content), "require")
    found = _range(required.get("php") or required.get("php-64bit"))
    return ".".join(map(str, found[:2])) if found else None


def _node_version(content: bytes) -> str | None:
    word = _first_line(content)
    name = word.lower().removeprefix("lts/")
    if name in ("", "*", "node", "stable", "latest", "system", "lts", "current"):
        return None
    found = (_NODE_NAMES[name],) if name in _NODE_NAMES else _range(word)
    return str(found[0]) if found else None


def _python_version(content: bytes) -> str | None:
    word = _first_line(content)
    found = _PYTHON.fullmatch(word)
    if found:
        return f"{found[1]}.{found[2]}" if found[2] else found[1]
    if word in ("", "system"):
        return None
    raise _shown(word)


def _jdk(head: bytes) -> str | None:
    """Return the version of Java that built a jar, by its manifest; None unless the manifest is the first file in it.

    A folder may come before it. Java's own tools write it so.
    """
    at = 0
    while head[at : at + 4] == b"PK\x03\x04" and len(head) >= at + 30:
        method = int.from_bytes(head[at + 8 : at + 10], "little")
        packed = int.from_bytes(head[at + 18 : at + 22], "little")
        name_size = int.from_bytes(head[at + 26 : at + 28], "little")
        begin = at + 30 + name_size + int.from_bytes(head[at + 28 : at + 30], "little")
        name = head[at + 30 : at + 30 + name_size]
        if name.upper() == _MANIFEST:
            found = _JDK.search(_unpacked(head[begin:], method, packed))
            return found[1].decode() if found else None
        if not name.endswith(b"/"):
            return None
        at = begin + packed
    return None


def _unpacked(data: bytes, method: int, packed: int) -> bytes:
    if method == 0:
        return data[:packed]
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, 64 * 1024)
    except zlib.error:
        return b""


def _range(text: object) -> ranges.Version | None:
    if text is None:
        return None
    if not isinstance(text, str):
        raise _shown(repr(text))
    try:
        return ranges.lowest(text)
    except ranges.NoRange as error:
        raise _shown(text) from error


def _first_line(content: bytes) -> str:
    lines = (line.partition("#")[0].strip() for line in lenient_json.decode(content).splitlines())
    return next((line for line in lines if line), "")


def _json(content: bytes) -> Mapping[str, Any]:
    try:
        value = lenient_json.loads(lenient_json.decode(content))
    except lenient_json.NotJson as error:
        raise _Unclear(f"it is no JSON, {error}.") from error
    return value if isinstance(value, Mapping) else {}


def _member(parent: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = parent.get(key)
    return value if isinstance(value, Mapping) else {}


_READERS: Mapping[str, tuple[tuple[str, Callable[[bytes], str | None]], ...]] = {
    "js": (("package.json", _node_engines), (".nvmrc", _node_version), (".node-version", _node_version)),
    "py": (("runtime.txt", _python_version), (".python-version", _python_version)),
    "php": (("composer.json", _php_require),),
}
"""Files by their names, and what reads them, in the order in which they count."""
_NAMES = {"js": "Node.js", "py": "Python", "php": "PHP", "jar": "Java"}
