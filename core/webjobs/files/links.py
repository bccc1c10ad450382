"""Symbolic links in a tree of files: which files stand under other paths. Pure.

A package has no links: a link within the tree becomes further paths of the same files. One that leads out of it, to
nothing, or in a circle is refused.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Mapping

_STEPS = 20
"""Steps for each path that there may be."""
MOST_STEPS = 40
"""Links that lead to links, one after the other; Linux follows as many."""


class LinkError(ValueError):
    """A link that can't be followed; the message names it and says why."""


def followed(
    files: Collection[str],
    links: Mapping[str, str],
    *,
    folders: Collection[str] = (),
    most: int = 10_000,
    longest: int = 512,
) -> dict[str, str]:
    """Return the further paths of a tree by its links, each with the path of the file that stands there.

    ``files`` and ``links`` by their paths relative to the root, with ``/``; a link with the text that it holds.
    ``folders``: those that are there without a file, too. ``most``: paths that there may be; ``longest``: characters of
    a path. The work is bounded by ``most``. Raises LinkError.
    """
    tree = _Tree(files, links, folders, most=most, longest=longest)
    for link in sorted(links):
        tree.expand(link, into=link, inside=())
    return tree.found


class _Tree:
    def __init__(
        self, files: Collection[str], links: Mapping[str, str], folders: Collection[str], *, most: int, longest: int
    ) -> None:
        self._files = frozenset(files)
        self._links = links
        self._sorted = sorted((*files, *links))
        self._folders = {path[:at] for path in self._sorted for at, char in enumerate(path) if char == "/"}
        self._folders |= set(folders)
        self._most = most
        self._longest = longest
        self._left = _STEPS * (most + 1)
        self.found: dict[str, str] = {}

    def _step(self, of: str) -> None:
        self._left -= 1
        if self._left < 0:
            raise LinkError(f"The symbolic links lead to too much, {of!r} for one. Replace it by what it points to.")

    def expand(self, link: str, *, into: str, inside: tuple[str, ...]) -> None:
        """Put what a link leads to under a path. ``inside``: the links that led here."""
        if link in inside or len(inside) > MOST_STEPS:
            raise LinkError(f"The symbolic link {link!r} leads in a circle. Replace it by what it points to.")
        if len(into) > self._longest:
            raise LinkError(f"With its symbolic links the package has too long paths, by {link!r} for one.")
        target = self._real(link, steps=0, of=link)
        if target in self._files:
            self._put(into, target)
            return
        below = f"{target}/" if target else ""
        if link.startswith(below):
            raise LinkError(f"The symbolic link {link!r} leads to a folder that holds it. Remove it.")
        if target not in self._folders:
            raise self._nothing(link)
        for at in range(bisect_left(self._sorted, below), len(self._sorted)):
            path = self._sorted[at]
            if not path.startswith(below):
                break
            self._step(link)
            if path in self._files:
                self._put(f"{into}/{path[len(below) :]}", path)
            else:
                self.expand(path, into=f"{into}/{path[len(below) :]}", inside=(*inside, link))

    def _nothing(self, link: str) -> LinkError:
        return LinkError(f"The symbolic link {link!r} leads to nothing: {self._links[link]!r}. Remove it.")

    def _put(self, path: str, file: str) -> None:
        if len(path) > self._longest:
            raise LinkError(f"With its symbolic links the package has too long paths, such as {path[:80]!r}.")
        self.found[path] = file
        if len(self.found) + len(self._files) > self._most:
            raise LinkError(f"With its symbolic links the package has more than {self._most} files.")

    def _real(self, path: str, *, steps: int, of: str) -> str:
        """Return where a path leads once all links in it are followed."""
        if steps > MOST_STEPS:
            raise LinkError(f"The symbolic link {of!r} leads in a circle. Replace it by what it points to.")
        here: list[str] = []
        parts = path.split("/")
        for number, part in enumerate(parts):
            self._step(of)
            if part == ".." and not here:
                raise LinkError(f"The symbolic link {of!r} leads out of the package. Replace it by the file.")
            if part in ("", ".", ".."):
                if here and "/".join(here) not in self._folders:
                    raise self._nothing(of)
                here = here[:-1] if part == ".." else here
                continue
            here.append(part)
            target = self._links.get("/".join(here))
            if target is not None:
                text = target.replace("\\", "/")
                if text.startswith("/") or text[1:2] == ":":
                    raise LinkError(f"The symbolic link {of!r} leads out of the package. Replace it by the file.")
                rest = "/".join([*here[:-1], text, *parts[number + 1 :]])
                return self._real(rest, steps=steps + 1, of=of)
        return "/".join(here)
