"""The door of the dashboard: who comes in, by which session, and what that visitor may do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Self

from starlette.requests import Request

from webjobs.model.site.site_settings import SiteSettings
from webjobs_apiserver.auth import tickets
from webjobs_apiserver.auth.admission import Admitted, Asked, Refusal
from webjobs_apiserver.auth.authenticator import ASKER, Keeper
from webjobs_apiserver.auth.headers import Basic, Bearer
from webjobs_apiserver.auth.oidc.identity import Identity
from webjobs_apiserver.auth.tickets import Ticket
from webjobs_apiserver.sites import SITE, Site
from webjobs_apiserver.ui import rights, sessions

_FIRST = ("GET", "/api/webjobs")
"""Request to Kudu's API that everybody may send who may log in."""


@dataclass(frozen=True, kw_only=True)
class Abilities:
    """What a visitor may do with the jobs of a site; pages show no button for the rest."""

    run: bool
    """True: start runs."""
    cancel: bool
    """True: end runs."""
    change: bool
    """True: upload, start, stop and change jobs."""
    delete: bool
    """True: delete jobs."""
    deploy: bool
    """True: deploy zips."""
    settings: bool
    """True: read and change app settings."""

    @classmethod
    async def of(cls, may: Callable[[str, str], Awaitable[bool]]) -> Self:
        """Return the abilities of who may send some requests to Kudu's API, by method and path.

        They are the same for all jobs, whatever their names.
        """
        return cls(
            run=await may("POST", "/api/triggeredwebjobs/any/run"),
            cancel=await may("DELETE", "/api/triggeredwebjobs/any/history/1"),
            change=await may("PUT", "/api/continuouswebjobs/any")
            and await may("POST", "/api/continuouswebjobs/any/stop"),
            delete=await may("DELETE", "/api/triggeredwebjobs/any"),
            deploy=await may("POST", "/api/zipdeploy"),
            settings=await may("GET", "/api/settings") and await may("POST", "/api/settings"),
        )


async def may(keeper: Keeper, session: Ticket, method: str, path: str, *, site: Site) -> bool:
    """Return whether the holder of a session may send a request to Kudu's API, or what stands for it here."""
    asked = rights.asked(method, path, site=site)
    return asked is not None and await keeper.may(asked, session)


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """Somebody who is let in."""

    site: Site
    """Site whose pages are shown."""
    caller: str
    """Who it is, as runs and the access log tell it: ``account:NAME``, or ``ticket:NAME`` for a user of Kubernetes."""
    session: Ticket = field(repr=False)
    """Ticket of the session."""
    keeper: Keeper = field(repr=False)
    """Authenticator, which is asked what the visitor may do."""
    can: Abilities
    """What the visitor may do with the jobs of the site."""
    settings: SiteSettings | None = None
    """Settings of the site, as they were when the page was asked for; None where no page is, or they can't be read."""

    @property
    def name(self) -> str:
        """Name of the account or user."""
        return self.caller.partition(":")[2]

    @property
    def token(self) -> str:
        """Token of the session for forms."""
        return sessions.token(self.session)

    async def may(self, method: str, path: str) -> bool:
        """Return whether the visitor may send a request to Kudu's API, or what stands for it here."""
        return await may(self.keeper, self.session, method, path, site=self.site)


class Door:
    """The door: it lets visitors in."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper

    def site_of(self, request: Request) -> Site | None:
        """Return the site of a request's host; None when it is nobody's."""
        return self._keeper.sites.of_host(request.headers.get("host", ""))

    async def enter(self, request: Request, *, method: str, path: str) -> Visitor | Refusal:
        """Return the visitor who may do what a page or form stands for, or why not.

        ``method`` and ``path``: of the request to Kudu's API that it stands for, decoded. The site is in the request's
        scope after that.
        """
        session = sessions.of(request)
        asked = rights.asked(method, path, site=self.site_of(request))
        admitted = await self._keeper.admit(asked, session, request.scope)
        if isinstance(admitted, Refusal):
            return admitted
        assert session  # noqa: S101  nobody is admitted without one
        request.scope[SITE], request.scope[ASKER] = admitted.site, admitted
        can = await Abilities.of(partial(may, self._keeper, session, site=admitted.site))
        return Visitor(site=admitted.site, caller=admitted.caller, session=session, keeper=self._keeper, can=can)

    async def log_in(self, request: Request, shown: Basic | Bearer) -> Ticket | Refusal:
        """Return the ticket of a new session for an account or a token of Kubernetes, or why there is none.

        A ticket of another use begins no session: it would last longer by that.
        """
        if isinstance(shown, Bearer) and tickets.of_token(shown):
            return Refusal(status=401)
        return await self._begun(await self._keeper.admit(self._first(request), shown, request.scope))

    async def sign_on(self, request: Request, vouched: Callable[[], Awaitable[Identity]]) -> Ticket | Refusal:
        """Return the ticket of a new session for whom an issuer vouches, or why there is none.

        SignOnFailed of ``vouched`` passes through.
        """
        asked = self._first(request)
        if asked is None:
            return Refusal(status=401)
        return await self._begun(await self._keeper.admit_vouched(asked, vouched, request.scope))

    def _first(self, request: Request) -> Asked | None:
        method, path = _FIRST
        return rights.asked(method, path, site=self.site_of(request))

    async def _begun(self, admitted: Admitted | Refusal) -> Ticket | Refusal:
        if isinstance(admitted, Refusal):
            return admitted
        session = await self._keeper.lasting(admitted, use="session")
        return session or Refusal(status=403, message="This user has too many groups, or the site has no account.")
