"""Storage for kopf without its memory of objects: no handler here asks what changed, so nothing is remembered.

By default kopf copies every object of every event, to compare it with what it has written into the object's
annotations. With event handlers only, both are never used; the copies were half of the operator's time.
"""

from __future__ import annotations

from typing import Any

import kopf


class NoDiffBase(kopf.DiffBaseStorage):
    """A storage that remembers no state of objects."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        """Return an empty essence of any object."""
        return kopf.BodyEssence({})

    def fetch(self, **_: Any) -> None:
        """Return None: no state is remembered."""
        return None

    def store(self, **_: Any) -> None:
        """Do nothing: no state is remembered."""
        return


class NoProgress(kopf.ProgressStorage):
    """A storage that remembers no progress of handlers."""

    def fetch(self, **_: Any) -> None:
        """Return None: no progress is remembered."""
        return None

    def store(self, **_: Any) -> None:
        """Do nothing: no progress is remembered."""
        return

    def purge(self, **_: Any) -> None:
        """Do nothing: no progress is remembered."""
        return

    def touch(self, **_: Any) -> None:
        """Do nothing: no progress is remembered."""
        return

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        """Return the essence as it is: it holds no progress."""
        return essence
