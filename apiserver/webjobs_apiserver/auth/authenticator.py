"""Who is let in: what the gates of all facades ask."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from starlette.types import Scope

from webjobs_apiserver.auth import rights, tickets
from webjobs_apiserver.auth.credentials import Accounts, Credentials, Role
from webjobs_apiserver.auth.headers import Basic, Bearer
from webjobs_apiserver.auth.rights import Need
from webjobs_apiserver.auth.throttle import Throttle, address_key
from webjobs_apiserver.auth.tickets import Ticket, Tickets
from webjobs_apiserver.auth.tokens import Tokens
from webjobs_apiserver.errors import Unavailable
from webjobs_apiserver.sites import Site, Sites
from webjobs_kube.errors import ApiError

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why somebody is not let in."""

    status: int
    message: str = ""
    wait: int = 0
    """Seconds."""
    is_reader: bool = False
    """The account may read, and wants more."""


@dataclass(frozen=True, kw_only=True)
class Admitted:
    """Who may."""

    site: Site
    role: Role | None = None
    """None: by a token of Kubernetes."""
    accounts: Accounts | None = None


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What somebody wants to do, and where."""

    needs: tuple[Need, ...]
    """Of who shows a token."""
    reader_may: bool
    meant: Site | None
    """The site that it is for; None when there is none of that name."""
    host: Site
    """The host's site. Who may do that there learns that the meant one is not there, be it there or not."""

    @classmethod
    def of_kudu(cls, method: str, path: str, *, meant: Site | None, host: Site) -> Asked:
        """Something of Kudu's API, or what stands for it."""
        may = rights.reader_may(method, path)
        return cls(needs=rights.needs(method, path), reader_may=may, meant=meant, host=host)

    @property
    def sites(self) -> list[Site]:
        """Where it must be allowed, in the order in which that is tried."""
        return [self.host] if self.meant in (None, self.host) else [self.meant, self.host]

    def outcome(self, admitted: Admitted) -> Admitted | Refusal:
        """For who may do it at one of them."""
        return admitted if admitted.site == self.meant else Refusal(status=404)


@dataclass(frozen=True, kw_only=True)
class Keeper:
    """What decides."""

    sites: Sites
    credentials: Mapping[str, Credentials]
    """By namespace."""
    tokens: Tokens
    throttle: Throttle
    clock: Callable[[], datetime]
    tickets: Tickets = field(default_factory=Tickets)

    async def admit(
        self, asked: Asked | None, given: Basic | Bearer | Ticket | None, scope: Scope
    ) -> Admitted | Refusal:
        """The site that a client may do with what it wants. ``asked`` None: the host is nobody's."""
        # A host that is nobody's site gets the answer to a wrong password: hosts can't be guessed either.
        # And many clients ask without credentials at first; it is no try.
        if asked is None or given is None:
            return Refusal(status=401)
        if isinstance(given, Bearer):
            given = tickets.of_token(given) or given
        client = scope.get("client")
        address = address_key(client[0] if client else "")
        keys = [(site.namespace, address) for site in asked.sites]
        try:
            accounts = [
                None if isinstance(given, Bearer) else await self.credentials[site.namespace].accounts()
                for site in asked.sites
            ]
            if wait := max(self.throttle.wait(key) for key in keys):
                message = f"Too many wrong credentials from this address. Try again in {wait} s."
                return Refusal(status=429, message=message, wait=wait)
            if isinstance(given, Bearer):
                return await self._bearer(asked, given, keys=keys)
        except Unavailable as error:
            return Refusal(status=503, message=error.message)
        except ApiError as error:
            log.error("a token can't be reviewed: %s", error.reason)
            return Refusal(status=503, message="Tokens can't be checked now. Try again later.")
        for site, known in zip(asked.sites, accounts, strict=True):
            role = await self._role(known, given, site=site) if known else None
            if role == "reader" and not asked.reader_may:
                # Kudu's words for it (docs/kudu-contract.md, section 9); it is no bad try.
                return Refusal(status=401, is_reader=True)
            if role:
                return asked.outcome(Admitted(site=site, role=role, accounts=known))
        if isinstance(given, Basic):  # signatures can't be guessed, and a ticket that ran out is no guess
            self._failed(keys)
        return Refusal(status=401)

    async def ticket(self, admitted: Admitted) -> Ticket | None:
        """For who has just logged in; None for a token of Kubernetes."""
        if admitted.role is None or admitted.accounts is None:
            return None
        return await self.tickets.issue(
            admitted.accounts, admitted.role, namespace=admitted.site.namespace, now=self.clock()
        )

    async def _role(self, known: Accounts, given: Basic | Ticket, *, site: Site) -> Role | None:
        if isinstance(given, Basic):
            return known.role_of(given.username, given.password)
        return await self.tickets.role_of(given, known, namespace=site.namespace, now=self.clock())

    async def _bearer(self, asked: Asked, given: Bearer, *, keys: list[tuple[str, str]]) -> Admitted | Refusal:
        user = await self.tokens.user(given.token)
        if user is None:
            self._failed(keys)
            return Refusal(status=401)
        for site in asked.sites:
            if await self.tokens.allowed(given.token, user, namespace=site.namespace, needs=asked.needs):
                return asked.outcome(Admitted(site=site))
        # The same whether the job is there or not.
        wanted = ", ".join(f"{need.verb} {need.resource}.webjobs.dev" for need in asked.needs)
        return Refusal(status=403, message=f"This needs the right to: {wanted}.")

    def _failed(self, keys: list[tuple[str, str]]) -> None:
        for key in keys:
            self.throttle.failed(key)
