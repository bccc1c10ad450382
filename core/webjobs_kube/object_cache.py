"""The rules of a cache of objects that watches, lists and the answers to its own process's calls are told to.

News come late, twice and in any order. The newest resourceVersion wins, whoever tells it, so that a process that has
just written reads what it wrote. An object that is gone is remembered by its UID for a while: a late answer about it
must not bring it back. An object of the same name with another UID is another one, and takes the place.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Hashable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Any, Generic, TypeVar

from cachetools import FIFOCache

from webjobs.objects import Object

N = TypeVar("N", bound=Hashable)
H = TypeVar("H")

GONE = 10_000
"""Objects that are gone and still remembered."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Known(Generic[H]):
    version: int
    uid: str
    home: H


class ObjectCache(Generic[N, H]):
    """Versions of the known objects, by kind and a name that is unique in its kind; and what each belongs to.

    Contents are kept by whoever has this cache, in the form that it needs. ``take_out`` is called with kind, home and
    name when the content of an object has to go from its home.
    """

    def __init__(self, take_out: Callable[[str, H, N], None]) -> None:
        self._take_out = take_out
        self._known: defaultdict[str, dict[N, _Known[H]]] = defaultdict(dict)
        self._gone: FIFOCache[tuple[str, str], float] = FIFOCache(GONE)
        """Version up to which news of an object are late, by kind and UID; infinite: for good. The last end counts."""

    def observe(self, kind: str, name: N, body: Mapping[str, Any], *, home: H) -> bool:
        """Take notice of an object; return whether it is news, whose content is to be kept.

        ``home``: what it belongs to now; it leaves the one where it was before.
        """
        uid, version = body["metadata"]["uid"], int(body["metadata"]["resourceVersion"])
        before = self._known[kind].get(name)
        if (before and before.version >= version) or self._gone.get((kind, uid), 0) >= version:
            return False
        if before and before.uid != uid:
            self._gone[kind, before.uid] = inf
        if before and (before.uid, before.home) != (uid, home):
            self._take_out(kind, before.home, name)
        self._known[kind][name] = _Known(version=version, uid=uid, home=home)
        return True

    def forget(self, kind: str, name: N, *, uid: str, version: float = inf) -> H | None:
        """Take notice of the end of an object; return what it belonged to, None when it was not known.

        ``version``: as of which it is gone; newer news bring it back. For a watch with a selector an object is gone
        without its label, and there again with it. Without a version it is gone for good.
        """
        self._gone[kind, uid] = version
        known = self._known[kind].get(name)
        if known is None or known.uid != uid:
            return None
        del self._known[kind][name]
        self._take_out(kind, known.home, name)
        return known.home

    def forget_others(self, kind: str, uids: Collection[str], *, version: int) -> None:
        """Take notice of the end of all objects of a kind that a list as of a resourceVersion does not have.

        ``uids``: those of the list. Objects that are newer than the list stay.
        """
        for name, known in list(self._known[kind].items()):
            if known.uid not in uids and known.version <= version:
                self.forget(kind, name, uid=known.uid)

    def home(self, kind: str, name: N) -> H | None:
        """Return what an object belongs to; None when it is not known."""
        known = self._known[kind].get(name)
        return known.home if known else None


def without_managed_fields(body: Mapping[str, Any]) -> Object:
    """Return an object without its managed fields, which are half of it; a write without them keeps them."""
    return {**body, "metadata": {key: value for key, value in body["metadata"].items() if key != "managedFields"}}
