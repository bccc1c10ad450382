"""A request as the authenticator sees it, and the two answers: who is let in, or why nobody is. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from webjobs.objects import Object
from webjobs_apiserver.auth import rights, roles
from webjobs_apiserver.auth.credentials import Accounts, Role
from webjobs_apiserver.auth.rights import Need
from webjobs_apiserver.sites import Site


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """The reason why a client is not let in."""

    status: int
    """HTTP status of the answer."""
    message: str = ""
    """Sentence for the client."""
    wait: int = 0
    """Seconds until the client may try again; 0: at once."""
    is_reader: bool = False
    """True when the account may read, and wants more."""


@dataclass(frozen=True, kw_only=True)
class Admitted:
    """A client that is let in."""

    site: Site
    """The site on which the client acts."""
    role: Role | None = None
    """Role of the account; None: the client came by a token of Kubernetes."""
    accounts: Accounts | None = None
    """Accounts of the site; None: the client came by a token of Kubernetes."""
    user: str = ""
    """User of Kubernetes; empty: the client came by an account."""
    review: Object | None = field(default=None, repr=False)
    """The user as a TokenReview has just told of it; None: the client showed no token of Kubernetes, but a ticket."""

    @property
    def caller(self) -> str:
        """Who the client is, for people: an account of the site or a user of Kubernetes, or one by a ticket.

        A ticket says less: it is signed by the owner's account, so that an owner could make one of any user.
        """
        if self.role and self.accounts:
            is_deployer = self.role == "deployer"  # it has no name of its own
            return f"account:{self.site.publishing_user if is_deployer else self.accounts.name_of(self.role)}"
        return f"{'ticket' if self.review is None else 'user'}:{self.user}"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request to do something at a site, and the rights that it needs."""

    needs: tuple[Need, ...]
    """Rights that a client with a token needs."""
    roles: frozenset[Role]
    """Roles of the accounts that may do it."""
    meant: Site | None
    """The site that the request is for; None when there is none of that name."""
    host: Site
    """The site of the request's host. A client that may do it there gets the answer that the meant site is not there,
    be it there or not."""
    by_ticket: bool = False
    """True when a ticket counts as a password. It does not where another ticket or a password is given out: then one
    could be made of another for ever, or become what lasts."""

    @classmethod
    def of_kudu(cls, method: str, path: str, *, meant: Site | None, host: Site, by_ticket: bool = False) -> Asked:
        """Return what a request to Kudu's API asks, or one that stands for it."""
        needs, allowed = rights.needs(method, path), roles.allowed(method, path)
        return cls(needs=needs, roles=allowed, meant=meant, host=host, by_ticket=by_ticket)

    @property
    def sites(self) -> list[Site]:
        """Sites at which the request may be allowed, in the order in which they are tried."""
        return [self.host] if self.meant in (None, self.host) else [self.meant, self.host]

    def outcome(self, admitted: Admitted) -> Admitted | Refusal:
        """Return the outcome for a client that may do it at one of the sites.

        A Refusal with 404 when that is not the meant site.
        """
        return admitted if admitted.site == self.meant else Refusal(status=404)
