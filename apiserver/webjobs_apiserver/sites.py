"""What a request is for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Site:
    """One site, in App Service's sense: the WebJobs of one namespace."""

    name: str
    namespace: str
