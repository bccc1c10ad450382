"""The address of a REST shim (or an App Service site) and its credentials, from flags and environment. Pure.

Passwords and tokens are kept out of every text: nothing here has a ``repr`` that shows them.
"""

from __future__ import annotations

import ipaddress
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from webjobs_cli.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Names:
    """Names of the flags and variables of one address."""

    url: str
    """Name of the flag or variable with the URL."""
    user: str
    """Name of the variable with the user name."""
    password: str
    """Name of the variable with the password."""
    token: str
    """Name of the variable with the token."""

    @property
    def help(self) -> str:
        """Phrase for messages that says what to set."""
        return f"set {self.user} and {self.password}, or {self.token}"


TARGET = Names(url="WEBJOBS_URL", user="WEBJOBS_USER", password="WEBJOBS_PASSWORD", token="WEBJOBS_TOKEN")  # noqa: S106
"""Names for the REST shim."""
SOURCE = Names(
    url="--from-url",
    user="WEBJOBS_SOURCE_USER",
    password="WEBJOBS_SOURCE_PASSWORD",  # noqa: S106
    token="WEBJOBS_SOURCE_TOKEN",  # noqa: S106
)
"""Names for the site that jobs are imported from."""


@dataclass(frozen=True, kw_only=True)
class Address:
    """The address of a site over HTTP, with credentials."""

    url: str
    """Scheme, host and perhaps a path, without credentials and without a slash at the end."""
    authorization: str = field(repr=False)
    """Value of the Authorization header."""
    names: Names = TARGET
    """Names of the flags and variables that the address came from."""

    @property
    def in_clear(self) -> bool:
        """True when the credentials go over a network as they are."""
        parts = urlsplit(self.url)
        if parts.scheme == "https" or parts.hostname == "localhost":
            return False
        try:
            return not ipaddress.ip_address(parts.hostname or "").is_loopback
        except ValueError:
            return True


def read(
    *,
    url: str | None,
    user: str | None,
    password: str | None,
    token: str | None,
    environ: Mapping[str, str],
    names: Names = TARGET,
) -> Address:
    """Return the address that flags and variables say; a flag counts before its variable.

    Raises UsageError that says what is missing.
    """
    if not url:
        raise UsageError(
            f"This needs the REST shim: give its address by --url or {names.url}, and {names.help}. "
            "Without an Ingress: kubectl port-forward -n webjobs-system svc/webjobs-apiserver 8080:80"
        )
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
        port = parts.port
    except ValueError as error:
        raise UsageError(f"The address can't be used: {error}.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise UsageError("The address must be like https://host: with http or https, and without a query.")
    user = user or unquote(parts.username or "") or environ.get(names.user)
    password = password or unquote(parts.password or "") or environ.get(names.password)
    token = token or (None if user else environ.get(names.token))
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    base = f"{parts.scheme}://{host}{f':{port}' if port else ''}{parts.path.rstrip('/')}"
    if token:
        return Address(url=base, authorization=f"Bearer {token}", names=names)
    if not user or not password:
        raise UsageError(f"Credentials for {base} are missing: {names.help}.")
    basic = b64encode(f"{user}:{password}".encode()).decode()
    return Address(url=base, authorization=f"Basic {basic}", names=names)
