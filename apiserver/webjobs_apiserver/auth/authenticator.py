"""The authenticator, which the gates of all facades ask who is let in."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from starlette.requests import Request
from starlette.types import Scope

from webjobs.objects import Object
from webjobs_apiserver.auth import rights, tickets
from webjobs_apiserver.auth.admission import Admitted, Asked, Refusal
from webjobs_apiserver.auth.credentials import Accounts, Credentials, Role
from webjobs_apiserver.auth.headers import Basic, Bearer
from webjobs_apiserver.auth.oidc.failure import SignOnFailed
from webjobs_apiserver.auth.oidc.identity import Identity
from webjobs_apiserver.auth.proven import Proven
from webjobs_apiserver.auth.throttle import Key, Kind, Throttle, TooMany, Tries
from webjobs_apiserver.auth.tickets import Ticket, Tickets, Use
from webjobs_apiserver.auth.tokens import Tokens
from webjobs_apiserver.errors import Unavailable
from webjobs_apiserver.http import caller
from webjobs_apiserver.http.addresses import address_key
from webjobs_apiserver.http.connection import ADMITTED
from webjobs_apiserver.sites import Site, Sites
from webjobs_kube.errors import ApiError

log = logging.getLogger(__name__)

CROWDED = "There are too many connections. Try again later."
"""Message to a client that is let in when too many others are."""
DEPLOYS_ONLY = "The deploy password may only deploy. This needs the site's own password."
"""Message to a client with the deploy password that wants more."""
ASKER = "webjobs.asker"
"""Key of the Admitted in the ASGI scope of a request that the gate let through."""


@dataclass(frozen=True, kw_only=True)
class Keeper:
    """The authenticator: it decides who is let in."""

    sites: Sites
    """Sites by their hosts and names."""
    credentials: Mapping[str, Credentials]
    """Credentials of the sites by namespace."""
    tokens: Tokens
    """Reviews of bearer tokens of Kubernetes."""
    throttle: Throttle
    """Bad tries to log in."""
    clock: Callable[[], datetime]
    """Function that returns the time of now, aware."""
    tickets: Tickets = field(default_factory=Tickets)
    """Maker and checker of tickets."""
    proven: Proven = field(default_factory=Proven)
    """Passwords that were right before."""

    async def admit(
        self, asked: Asked | None, given: Basic | Bearer | Ticket | None, scope: Scope
    ) -> Admitted | Refusal:
        """Return the site on which a client may do what it wants, or the reason why it may not.

        ``asked`` None: the request's host belongs to no site.
        """
        # A host that is nobody's site gets the answer to a wrong password: hosts can't be guessed either.
        # And many clients ask without credentials at first; it is no try.
        if asked is None or given is None:
            return Refusal(status=401)
        if isinstance(given, Bearer):
            given = tickets.of_token(given) or given
        return await self._told(self._looked_at(asked, given, address=address_of(scope)), scope)

    async def admit_vouched(
        self, asked: Asked, vouched: Callable[[], Awaitable[Identity]], scope: Scope
    ) -> Admitted | Refusal:
        """Return the outcome for a user of Kubernetes for whom an issuer vouches.

        ``vouched`` returns the user. Its SignOnFailed passes through; a guess counts as a bad try.
        """

        async def looked_at() -> Admitted | Refusal:
            tries = self._tries(asked, "code", address_of(scope))
            tries.begin()
            try:
                found = await vouched()
            except SignOnFailed as error:
                if error.is_guess:
                    tries.failed()
                raise
            return await self._user(asked, Bearer(token=found.token), found.user, sites=asked.sites)

        return await self._told(looked_at(), scope)

    async def _looked_at(self, asked: Asked, given: Basic | Bearer | Ticket, *, address: str) -> Admitted | Refusal:
        if isinstance(given, Bearer):
            return await self._bearer(asked, given, self._tries(asked, "token", address))
        return await self._account(asked, given, address=address)

    @staticmethod
    async def _told(outcome: Awaitable[Admitted | Refusal], scope: Scope) -> Admitted | Refusal:
        """Return an outcome, and note who is let in."""
        try:
            found = await outcome
        except TooMany as error:
            message = f"Too many wrong credentials from this address. Try again in {error.seconds} s."
            return Refusal(status=429, message=message, wait=error.seconds)
        except Unavailable as error:
            return Refusal(status=503, message=error.message)
        except ApiError as error:
            log.error("a token can't be reviewed: %s", error.reason)
            return Refusal(status=503, message="Tokens can't be checked now. Try again later.")
        if isinstance(found, Admitted):
            caller.note(scope, found.caller)
            if not note_admitted(scope):
                return Refusal(status=503, message=CROWDED)
        return found

    async def ticket(self, admitted: Admitted, *, use: Use) -> Ticket | None:
        """Return a ticket for a client that has just logged in; None for a token of Kubernetes."""
        if admitted.role is None or admitted.accounts is None:
            return None
        return await self.tickets.issue(
            admitted.accounts, admitted.role, namespace=admitted.site.namespace, use=use, now=self.clock()
        )

    async def lasting(self, admitted: Admitted, *, use: Use) -> Ticket | None:
        """Return a ticket that is a password or a session, with the rights of a client.

        None when there can be none for it: for a user of Kubernetes whose groups are too many, or at a site that has no
        account.
        """
        if admitted.review is None:
            return await self.ticket(admitted, use=use)
        namespace = admitted.site.namespace
        accounts = await self.credentials[namespace].accounts()
        return await self.tickets.issue_user(accounts, admitted.review, namespace=namespace, use=use, now=self.clock())

    async def may(self, asked: Asked, session: Ticket) -> bool:
        """Return whether the holder of a session may do something."""
        try:
            return isinstance(await self._account(asked, session, address=""), Admitted)
        except (Unavailable, ApiError):
            return False

    async def sites_of(self, session: Ticket, *, site: Site) -> list[Site]:
        """Return the sites whose jobs the user of Kubernetes may list who has a session at one; none for an account."""
        accounts = await self.credentials[site.namespace].accounts()
        user = await self.tickets.user_of(session, accounts, namespace=site.namespace, now=self.clock())
        if user is None:
            return []
        needs = rights.needs("GET", "/api/webjobs")
        return [
            one
            for one in self.sites.all()
            if await self.tokens.allowed(session.text, user, namespace=one.namespace, needs=needs)
        ]

    def _tries(self, asked: Asked, kind: Kind, address: str) -> Tries:
        keys = [Key(namespace=site.namespace, kind=kind, address=address) for site in asked.sites]
        return Tries(throttle=self.throttle, keys=keys)

    async def _account(self, asked: Asked, given: Basic | Ticket, *, address: str) -> Admitted | Refusal:
        accounts = [await self.credentials[site.namespace].accounts() for site in asked.sites]
        if isinstance(given, Basic) and (by_ticket := await self._by_ticket(asked, given, accounts)):
            return by_ticket
        found = [
            Admitted(site=site, role=role, accounts=known)
            for site, known in zip(asked.sites, accounts, strict=True)
            if (role := await self._role(known, given, site=site))
        ]
        if isinstance(given, Basic):  # signatures can't be guessed: who has a ticket never waits
            self._throttled(asked, given, accounts, found, address=address)
        elif not found:
            return await self._by_session(asked, given, accounts)
        return self._judged(asked, found[0]) if found else Refusal(status=401)

    async def _by_session(self, asked: Asked, given: Ticket, accounts: list[Accounts]) -> Admitted | Refusal:
        """Return the outcome for a session that can be one of a user of Kubernetes."""
        for site, known in zip(asked.sites, accounts, strict=True):
            user = await self.tickets.user_of(given, known, namespace=site.namespace, now=self.clock())
            if user is not None and given.use == "session":
                return await self._user(asked, given, user, sites=[site])
        return Refusal(status=401)

    async def _by_ticket(self, asked: Asked, given: Basic, accounts: list[Accounts]) -> Admitted | Refusal | None:
        """Return the outcome for a password that is a ticket.

        None for one that is none, or a false one: it is a password as any other, and counts as a bad try.
        """
        ticket = tickets.of_password(given) if asked.by_ticket else None
        if ticket is None:
            return None
        for site, known in zip(asked.sites, accounts, strict=True):
            if given.username.lower() not in site.aliases:
                continue
            if role := await self._role(known, ticket, site=site):
                return self._judged(asked, Admitted(site=site, role=role, accounts=known))
            user = await self.tickets.user_of(ticket, known, namespace=site.namespace, now=self.clock())
            if user is not None:  # of this site, and nobody at another
                return await self._user(asked, ticket, user, sites=[site])
        return None

    @staticmethod
    def _judged(asked: Asked, one: Admitted) -> Admitted | Refusal:
        """Return the outcome for an account, by its role."""
        if one.role == "deployer" and "deployer" not in asked.roles:
            return Refusal(status=403, message=DEPLOYS_ONLY)
        if one.role not in asked.roles:
            # Kudu's words for it (docs/kudu-contract.md, section 9); it is no bad try.
            return Refusal(status=401, is_reader=True)
        return asked.outcome(one)

    def _throttled(
        self, asked: Asked, given: Basic, accounts: list[Accounts], found: list[Admitted], *, address: str
    ) -> None:
        """Count a wrong password; raise TooMany for one that has to wait, right or wrong.

        One that was right at this address before is neither counted nor held up.
        """
        digests = {
            site.namespace: self.proven.digest(given, known, namespace=site.namespace, address=address)
            for site, known in zip(asked.sites, accounts, strict=True)
        }
        if any(digests[one.site.namespace] in self.proven for one in found):
            return
        tries = self._tries(asked, "password", address)
        tries.begin()
        for one in found:
            self.proven.add(digests[one.site.namespace])
        if not found:
            tries.failed()

    async def _role(self, known: Accounts, given: Basic | Ticket, *, site: Site) -> Role | None:
        if isinstance(given, Basic):
            return known.role_of(given.username, given.password, aliases=site.aliases)
        return await self.tickets.role_of(given, known, namespace=site.namespace, now=self.clock())

    async def _bearer(self, asked: Asked, given: Bearer, tries: Tries) -> Admitted | Refusal:
        user = await self.tokens.user(given.token, tries)
        if user is None:
            return Refusal(status=401)
        return await self._user(asked, given, user, sites=asked.sites)

    async def _user(
        self, asked: Asked, given: Bearer | Ticket, user: Object, *, sites: list[Site]
    ) -> Admitted | Refusal:
        """Return the outcome for a user of Kubernetes at the first of some sites where it may do it."""
        shown, review = (given.token, user) if isinstance(given, Bearer) else (given.text, None)
        for site in sites:
            if await self.tokens.allowed(shown, user, namespace=site.namespace, needs=asked.needs):
                return asked.outcome(Admitted(site=site, user=user["username"], review=review))
        # The same whether the job is there or not.
        wanted = ", ".join(f"{need.verb} {need.resource}.webjobs.dev" for need in asked.needs)
        return Refusal(status=403, message=f"This needs the right to: {wanted}.")


def asker(request: Request) -> Admitted:
    """Return the client that the gate has let through."""
    admitted: Admitted = request.scope[ASKER]
    return admitted


def note_admitted(scope: Scope) -> bool:
    """Tell the connection of a request that its client was let in; it is not closed for a newer one then.

    Return False when there are too many such clients.
    """
    told: Callable[[], bool] | None = scope.get("state", {}).get(ADMITTED)
    return told() if told else True


def address_of(scope: Scope) -> str:
    """Return what counts as the address of a request's client."""
    client = scope.get("client")
    return address_key(client[0] if client else "")
