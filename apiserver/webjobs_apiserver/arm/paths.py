"""Addresses of Azure Resource Manager: which site they name, and what of its WebJobs.

Fixed words don't count case and one trailing slash is accepted, as in Kudu's routes; names keep their case.
Slashes before the first word don't count: clients put their path behind an address that ends with one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote

from starlette.types import ASGIApp, Receive, Scope, Send

from webjobs_apiserver.http.paths import canonical, without_line_feeds

ROOT = "/subscriptions"
"""First segment of the path of all of ARM's resources."""
METADATA, ADFS = "/metadata/endpoints", "/adfs"
"""Paths that are asked before a login (``login.py``): of the cloud's addresses, and the prefix of the token's."""
SITE = f"{ROOT}/{{subscription}}/resourceGroups/{{group}}/providers/Microsoft.Web/sites/{{site}}"
"""Template of the path of a site, with which routes begin."""
SITES = f"{ROOT}/{{subscription}}/providers/Microsoft.Web/sites"
"""Template of the path of all sites, of a subscription or of a resource group: any is right."""
SLOT = f"{SITE}/slots/{{slot}}"
"""Template of the path of a slot of a site, with which routes begin."""
ADDRESS = "webjobs.arm"
"""Key of the Address in the ASGI scope."""
_WORDS = ("subscriptions", "", "resourcegroups", "", "providers", "microsoft.web", "sites", "")
"""Segments that an address begins with, in lower case; empty: a name."""
_CONFIG = "config"
"""Kind of resource that has no names of its own: all below it are fixed words."""
_SITES_LENGTH = 5
"""Segments of the path of the sites of a subscription."""
_SUBSCRIPTION = 2
"""Segments of the path of a subscription."""
_NO_NAME = "\\"
"""Stand-in for a slash inside a segment. Neither can be in a name, but the segment is still one, and so the route that
it asks for stays the same."""


@dataclass(frozen=True, kw_only=True)
class Address:
    """The address of something below a site; decoded."""

    subscription: str
    """Name of the subscription; any is right."""
    group: str
    """Name of the resource group; any is right."""
    site: str
    """Name of the site."""
    slot: str = ""
    """Name of the slot; empty: the site itself."""
    rest: tuple[str, ...] = ()
    """Segments from the kind of resource on, for example ("triggeredwebjobs", "report", "run"); fixed words in lower
    case."""

    @property
    def path(self) -> str:
        """The canonical path of the address, which the routers see."""
        template = SLOT if self.slot else SITE
        known = template.format(subscription=self.subscription, group=self.group, site=self.site, slot=self.slot)
        return "/".join([known, *self.rest])

    @property
    def kudu_path(self) -> str:
        """Path of the same thing in Kudu's API: a client that may ask for that may ask for this.

        What only Kudu spells so is nothing here, and nothing there.
        """
        path = "/".join(["/api", *self.rest])
        return path if canonical(path) == path else "/api/-"

    @property
    def site_name(self) -> str:
        """Name of the site with its type, for messages."""
        return "/".join(["Microsoft.Web/sites", self.site, *(["slots", self.slot] if self.slot else [])])


def _at_one_slash(path: str) -> str:
    return "/" + path.lstrip("/")


def is_arm(path: str) -> bool:
    """Return whether the answer to a request for a path has ARM's form."""
    return f"{_at_one_slash(path)}/".lower().startswith(f"{ROOT}/")


def parse(parts: Sequence[str]) -> Address | None:
    """Return the address in the decoded segments of a path; None when it is not below a site."""
    if len(parts) < len(_WORDS) or not all(parts[: len(_WORDS)]):
        return None
    if any(word not in ("", part.lower()) for part, word in zip(parts, _WORDS, strict=False)):
        return None
    rest, slot = list(parts[len(_WORDS) :]), ""
    if len(rest) > 1 and rest[0].lower() == "slots" and rest[1]:
        slot, rest = rest[1], rest[2:]
    if rest == [""]:
        rest = []  # one slash at the end
    if rest and rest[0].lower() == _CONFIG:
        rest = [part.lower() for part in (rest[:-1] if len(rest) > 1 and not rest[-1] else rest)]
    elif rest:
        first, *more = canonical("/".join(["/api", rest[0].lower(), *rest[1:]])).removeprefix("/api/").split("/")
        # Kudu's other spellings are none of ARM's.
        rest = [first, *more] if first == rest[0].lower() else [rest[0].lower(), *rest[1:]]
    return Address(subscription=parts[1], group=parts[3], site=parts[7], slot=slot, rest=tuple(rest))


def _beside(parts: Sequence[str]) -> str:
    """Return the canonical path of what is not below a site: of the subscriptions, of the sites, or of nothing."""
    known = parts[:-1] if len(parts) > 1 and not parts[-1] else parts
    folded = [part.lower() for part in known]
    in_group = len(known) == len(_WORDS) - 1 and folded[2] == _WORDS[2]
    is_list = folded[-3:] == ["providers", "microsoft.web", "sites"]
    if all(known) and is_list and (in_group or len(known) == _SITES_LENGTH):
        return SITES.format(subscription=known[1])
    return "/".join([ROOT, *known[1:]]) if len(known) <= _SUBSCRIPTION and all(known) else f"{ROOT}/-/-"


def segments(scope: Scope) -> list[str]:
    """Return the decoded segments of a request's path.

    A slash that was escaped separates nothing, and is in no name.
    """
    parts = sent(scope).lstrip("/").split("/")
    return [without_line_feeds(unquote(part)).replace("/", _NO_NAME) for part in parts]


def sent(scope: Scope) -> str:
    """Return a request's path as the client sent it, escaped."""
    raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    return raw.partition(b"?")[0].decode("latin-1")


def of(scope: Scope) -> Address | None:
    """Return the address that a request is for; None for routes of others, and for what is not below a site."""
    address: Address | None = scope.get(ADDRESS)
    return address


def resource(path: str) -> tuple[str, str] | None:
    """Return type and name of what is at a path; None when the path is not below a site.

    For example ("Microsoft.Web/sites/triggeredwebjobs", "shop/report").
    """
    address = parse(path.removeprefix("/").split("/"))
    if address is None:
        return None
    words, names = zip(*_pairs(address), strict=True)
    return "/".join(["Microsoft.Web", *words]), "/".join(name for name in names if name)


def _pairs(address: Address) -> Iterator[tuple[str, str]]:
    """Yield types and names, from the site on; a list has an empty name."""
    yield "sites", address.site
    if address.slot:
        yield "slots", address.slot
    for index in range(0, len(address.rest), 2):
        kind, *name = address.rest[index : index + 2]
        yield kind, "".join(name)


class ArmPaths:
    """ASGI middleware: everybody behind it sees the canonical path, and the Address in the scope."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and is_arm(scope["path"]):
            address = parse(segments(scope))
            scope = {**scope, "path": address.path if address else _beside(segments(scope)), ADDRESS: address}
        elif scope["type"] == "http" and _at_one_slash(scope["path"]) == METADATA:
            scope = {**scope, "path": METADATA}
        await self._app(scope, receive, send)
