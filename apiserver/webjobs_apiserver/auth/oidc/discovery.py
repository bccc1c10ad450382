"""The discovery document of an issuer: where a browser goes to log in, and where codes and keys are. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlencode

from webjobs_apiserver.auth.oidc.attempt import Attempt
from webjobs_apiserver.auth.oidc.failure import SignOnFailed
from webjobs_apiserver.http.destinations import is_sealed

_WELL_KNOWN = "/.well-known/openid-configuration"


@dataclass(frozen=True, kw_only=True)
class Endpoints:
    """Addresses of an issuer."""

    authorization: str
    """Page by which a person logs in."""
    token: str
    """Address that takes codes."""
    keys: str
    """Address of the keys by which tokens are signed."""
    secret_in_header: bool
    """True: the secret of the client stands in the header; False: in the form."""

    @classmethod
    def of(cls, document: Mapping[str, Any], *, issuer: str) -> Self:
        """Return those of a document. Raises SignOnFailed for one of another issuer, or without what is needed."""
        if document.get("issuer") != issuer:
            raise SignOnFailed("The single sign-on is set up wrong: its document names another issuer.", status=503)
        methods = document.get("token_endpoint_auth_methods_supported")
        return cls(
            authorization=_address(document, "authorization_endpoint"),
            token=_address(document, "token_endpoint"),
            keys=_address(document, "jwks_uri"),
            secret_in_header=not isinstance(methods, list) or "client_secret_basic" in methods,
        )

    def login(self, attempt: Attempt, *, client_id: str, scopes: list[str], redirect_uri: str) -> str:
        """Return the address to which the browser is sent."""
        asked = {
            "response_type": "code",
            "client_id": client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(scopes),
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": attempt.challenge,
            "code_challenge_method": "S256",
        }
        return f"{self.authorization}{'&' if '?' in self.authorization else '?'}{urlencode(asked)}"


def address_of(issuer: str) -> str:
    """Return the address of the document of an issuer."""
    return issuer.removesuffix("/") + _WELL_KNOWN


def _address(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not is_sealed(value):
        message = f"The single sign-on is set up wrong: its document has no {name} that is an https address."
        raise SignOnFailed(message, status=503)
    return value
