"""Whom an issuer vouches for. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from webjobs.objects import Object


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A user for whom an issuer vouches."""

    user: Object
    """User of Kubernetes, as a TokenReview would have it."""
    token: str = field(repr=False)
    """ID token that names the user."""
