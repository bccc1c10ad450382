"""Who sent a request: noted by the authenticator, read by the access log and by what is written on behalf of it."""

from __future__ import annotations

import re

from starlette.types import Scope

_KEY = "webjobs.caller"
"""Key of the name in the state of the ASGI scope, which all copies of the scope share."""
_LONGEST = 256
_ODD = re.compile(r"[^\x21-\x7e\xa1-\U0010ffff]")


def begin(scope: Scope) -> Scope:
    """Return the scope of a request with a state of its own, in which the caller can be noted."""
    return {**scope, "state": {**scope.get("state", {}), _KEY: ""}}


def note(scope: Scope, name: str) -> None:
    """Note who sent a request; blanks and control characters are replaced, for it goes into lines of a log."""
    if (state := scope.get("state")) is not None:
        state[_KEY] = _ODD.sub("?", name)[:_LONGEST]


def of(scope: Scope) -> str:
    """Return who sent a request; empty when nobody was let in.

    ``account:NAME`` for an account of the site, ``user:NAME`` for a user of Kubernetes, ``ticket:NAME`` for one that
    comes by a publishing password, ``pod:NAMESPACE`` for a pod that fetches its package.
    """
    name: str = scope.get("state", {}).get(_KEY, "")
    return name
