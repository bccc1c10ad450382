"""The files of a package as a choice looks at them: by name in any case, and only their beginnings. Pure.

Windows finds files by name in any case, so packages from there name them so.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import PurePosixPath

HEAD = 256 * 1024
"""Most bytes of a file that are looked at. A text must be shorter to be read: the X.deps.json of a program that brings
its own .NET has 30 KB and more."""

Read = Callable[[str], bytes]
"""A function that returns the first ``HEAD`` bytes of a file of the package, or all of a shorter one."""


class TooLarge(ValueError):
    """A text file that is not read for its size; the message names it."""


class Package:
    """The files of a package, relative to its root, with ``/``."""

    def __init__(self, paths: Collection[str], read: Read) -> None:
        """``paths``: all files. ``read``: called once for a file at most."""
        self.paths = tuple(sorted(paths, key=str.casefold))
        self._read = read
        self._heads: dict[str, bytes] = {}
        self._by_lower: dict[str, str] = {}
        for path in self.paths:
            self._by_lower.setdefault(path.lower(), path)
        self._exact = frozenset(paths)

    def find(self, path: str) -> str | None:
        """Return the file of a path in any case, the exact one first; None when there is none."""
        return path if path in self._exact else self._by_lower.get(path.lower())

    def beside(self, path: str, name: str) -> str | None:
        """Return the file ``name`` in the folder of a file; None when it is not there."""
        return self.find(str(PurePosixPath(path).parent / name))

    def head(self, path: str) -> bytes:
        """Return the first bytes of a file, ``HEAD`` at most."""
        if path not in self._heads:
            self._heads[path] = self._read(path)[:HEAD]
        return self._heads[path]

    def text(self, path: str) -> bytes:
        """Return the whole content of a small file. Raises TooLarge."""
        content = self.head(path)
        if len(content) >= HEAD:
            raise TooLarge(f"{path} is too large to be looked at: make it smaller than {HEAD // 1024} KiB.")
        return content

    def has_folder(self, *names: str) -> bool:
        """Return whether a file is in a folder of one of these names, anywhere in the package."""
        wanted = [f"/{name}/" for name in names]
        return any(name in f"/{path.lower()}" for path in self.paths for name in wanted)
