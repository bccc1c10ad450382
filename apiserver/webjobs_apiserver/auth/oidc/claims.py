"""The claims of an ID token: whether they are for this login, and which user of Kubernetes they name. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from webjobs.objects import Object
from webjobs_apiserver.auth.oidc.failure import SignOnFailed

LEEWAY = timedelta(seconds=60)
"""Time by which the clock of the issuer may differ."""
AUTHENTICATED = "system:authenticated"
"""Group of everybody whom Kubernetes knows."""
RESERVED = "system:"
"""What the names of Kubernetes' own users and groups begin with."""

Claims = Mapping[str, Any]
"""Claims of a token whose signature is right."""


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What a token has to say of itself."""

    issuer: str
    """Address of the issuer."""
    client_id: str
    """Name of the dashboard at the issuer."""
    nonce: str
    """Nonce of the login."""


@dataclass(frozen=True, kw_only=True)
class Naming:
    """How claims become names."""

    username_claim: str
    """Claim with the name of the user."""
    username_prefix: str
    """Text before it."""
    groups_claim: str
    """Claim with the names of groups."""
    groups_prefix: str
    """Text before each."""


def check(claims: Claims, expected: Expected, *, now: datetime) -> None:
    """Raise SignOnFailed for claims that are not for this login, or not any more."""
    if claims.get("iss") != expected.issuer:
        raise SignOnFailed("The token of the single sign-on is of another issuer.")
    _check_audience(claims, expected.client_id)
    ends, issued = _time(claims, "exp"), _time(claims, "iat")
    seconds, leeway = now.timestamp(), LEEWAY.total_seconds()
    if seconds >= ends + leeway:
        raise SignOnFailed("The token of the single sign-on has expired. Log in again.")
    if max(issued, _time(claims, "nbf", default=issued)) > seconds + leeway:
        raise SignOnFailed("The token of the single sign-on is of the future: the clocks differ.")
    if claims.get("nonce") != expected.nonce:
        raise SignOnFailed("The token of the single sign-on is of another login. Log in again.")
    _text(claims, "sub")


def _check_audience(claims: Claims, client_id: str) -> None:
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    party = claims.get("azp", None if len(audiences) > 1 else client_id)
    if client_id not in audiences or party != client_id:
        raise SignOnFailed("The token of the single sign-on is for another application.")


def user_of(claims: Claims, naming: Naming) -> Object:
    """Return the user of Kubernetes, as a TokenReview would have it. Raises SignOnFailed when there can be none."""
    name = _text(claims, naming.username_claim)
    # Some issuers write a text. One that says nothing of it vouches for the address, as for Kubernetes itself.
    if naming.username_claim == "email" and claims.get("email_verified", True) not in (True, "true"):
        raise SignOnFailed("The single sign-on has not verified your e-mail address.")
    given = claims.get(naming.groups_claim)
    groups = [] if given is None else [given] if isinstance(given, str) else given
    if not isinstance(groups, list) or not all(isinstance(one, str) and one and one.isprintable() for one in groups):
        raise SignOnFailed(f"The claim {naming.groups_claim} of the single sign-on is no list of names.")
    user = naming.username_prefix + name
    named = [naming.groups_prefix + one for one in dict.fromkeys(groups)]
    if any(one.startswith(RESERVED) for one in (user, *named)):
        raise SignOnFailed(f"The single sign-on may name nobody {RESERVED}...")
    return {"username": user, "groups": [*named, AUTHENTICATED]}


def _text(claims: Claims, name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value or not value.isprintable():
        raise SignOnFailed(f"The token of the single sign-on has no claim {name} that can be used.")
    return value


def _time(claims: Claims, name: str, *, default: float | None = None) -> float:
    value = claims.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 2**53:
        raise SignOnFailed(f"The token of the single sign-on has no claim {name} that can be used.")
    return value
