"""The revision of the translator: what comes of a batch file changes with it alone."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable


@lru_cache(maxsize=1)
def revision() -> str:
    """Return a digest of the translator's own source, as hex."""
    digest = sha256()
    for name, content in sorted(_sources(files("webjobs.batch"), "")):
        digest.update(name.encode() + b"\0" + content + b"\0")
    return digest.hexdigest()


def _sources(folder: Traversable, prefix: str) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for entry in folder.iterdir():
        name = f"{prefix}{entry.name}"
        if entry.is_dir() and entry.name != "__pycache__":
            found += _sources(entry, f"{name}/")
        elif entry.name.endswith((".py", ".sh")):
            found.append((name, entry.read_bytes()))
    return found
