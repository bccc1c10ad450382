"""Credentials in the headers of a request."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass

from starlette.datastructures import Headers

_TOKEN_LENGTH = 16384


@dataclass(frozen=True, kw_only=True)
class Basic:
    """A user name and password; UTF-8 bytes."""

    username: bytes
    """User name of the account."""
    password: bytes
    """Password of the account."""

    def __repr__(self) -> str:
        return "Basic(...)"  # must not get into a log by accident


@dataclass(frozen=True, kw_only=True)
class Bearer:
    """A bearer token."""

    token: str
    """The token, ASCII without blanks."""

    def __repr__(self) -> str:
        return "Bearer(...)"


def shown(headers: Headers) -> Basic | Bearer | None:
    """Return the credentials that the headers show; None when there is nothing to be used, or several at once."""
    values = headers.getlist("authorization")
    if len(values) != 1:
        return None
    scheme, _, rest = values[0].strip().partition(" ")
    rest = rest.strip()
    if scheme.lower() == "bearer" and 0 < len(rest) <= _TOKEN_LENGTH and rest.isascii() and " " not in rest:
        return Bearer(token=rest)
    if scheme.lower() != "basic":
        return None
    try:
        username, colon, password = base64.b64decode(rest, validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return None
    return Basic(username=username, password=password) if colon else None
