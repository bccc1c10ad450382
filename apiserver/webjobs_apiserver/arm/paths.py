"""Addresses of Azure Resource Manager: which site they name, and what of its WebJobs.

Fixed words don't count case and one trailing slash is accepted, as in Kudu's routes; names keep their case.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote, unquote

from starlette.types import ASGIApp, Receive, Scope, Send

from webjobs_apiserver.http.paths import canonical

ROOT = "/subscriptions"
METADATA, ADFS = "/metadata/endpoints", "/adfs"
"""What is asked before a login, see ``login.py``."""
SITE = f"{ROOT}/{{subscription}}/resourceGroups/{{group}}/providers/Microsoft.Web/sites/{{site}}"
SLOT = f"{SITE}/slots/{{slot}}"
"""The two templates that all routes begin with."""
ADDRESS = "webjobs.arm"
"""Key in the ASGI scope."""
_WORDS = ("subscriptions", "", "resourcegroups", "", "providers", "microsoft.web", "sites", "")
"""What an address begins with, in lower case; empty: a name."""
_SUBSCRIPTION = 2
"""Segments of the path of one."""
_NO_NAME = "\\"
"""For a slash inside a name. Neither can be in one, but it is still one segment, and so the same question."""


@dataclass(frozen=True, kw_only=True)
class Address:
    """Something below a site; decoded."""

    subscription: str
    group: str
    site: str
    slot: str = ""
    """Empty: the site itself."""
    rest: tuple[str, ...] = ()
    """From the kind of resource on, for example ("triggeredwebjobs", "report", "run"); fixed words in lower case."""

    @property
    def path(self) -> str:
        """The canonical path, which the routers see."""
        template = SLOT if self.slot else SITE
        known = template.format(subscription=self.subscription, group=self.group, site=self.site, slot=self.slot)
        return "/".join([known, *self.rest])

    @property
    def kudu_path(self) -> str:
        """The path of the same in Kudu's API: who may ask that may ask this."""
        return "/".join(["/api", *self.rest])

    @property
    def site_name(self) -> str:
        """For messages: the site with its type."""
        return "/".join(["Microsoft.Web/sites", self.site, *(["slots", self.slot] if self.slot else [])])


def is_arm(path: str) -> bool:
    """Whether an answer to that has ARM's form."""
    return f"{path}/".lower().startswith(f"{ROOT}/")


def parse(parts: Sequence[str]) -> Address | None:
    """The address in the decoded segments of a path; None when it is not below a site."""
    if len(parts) < len(_WORDS) or not all(parts[: len(_WORDS)]):
        return None
    if any(word not in ("", part.lower()) for part, word in zip(parts, _WORDS, strict=False)):
        return None
    rest, slot = list(parts[len(_WORDS) :]), ""
    if len(rest) > 1 and rest[0].lower() == "slots" and rest[1]:
        slot, rest = rest[1], rest[2:]
    if rest:
        first, *more = canonical("/".join(["/api", rest[0].lower(), *rest[1:]])).removeprefix("/api/").split("/")
        # Kudu's other spellings are none of ARM's.
        rest = [first, *more] if first == rest[0].lower() else [rest[0].lower(), *rest[1:]]
    return Address(subscription=parts[1], group=parts[3], site=parts[7], slot=slot, rest=tuple(rest))


def _beside(parts: Sequence[str]) -> str:
    """The canonical path of what is not below a site: of the subscriptions, or of nothing."""
    known = parts[:-1] if len(parts) > 1 and not parts[-1] else parts
    return "/".join([ROOT, *known[1:]]) if len(known) <= _SUBSCRIPTION and all(known) else f"{ROOT}/-/-"


def segments(scope: Scope) -> list[str]:
    """The decoded segments of a request's path. A slash that was escaped separates nothing, and is in no name."""
    return [unquote(part).replace("/", _NO_NAME) for part in sent(scope).removeprefix("/").split("/")]


def sent(scope: Scope) -> str:
    """A request's path as the client sent it, escaped."""
    raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode()
    return raw.partition(b"?")[0].decode("latin-1")


def of(scope: Scope) -> Address | None:
    """The address that a request is for; None for routes of others, and for what is not below a site."""
    address: Address | None = scope.get(ADDRESS)
    return address


def resource(path: str) -> tuple[str, str] | None:
    """Type and name of what is at a path, for example ("Microsoft.Web/sites/triggeredwebjobs", "shop/report").

    None when the path is not below a site.
    """
    address = parse(path.removeprefix("/").split("/"))
    if address is None:
        return None
    words, names = zip(*_pairs(address), strict=True)
    return "/".join(["Microsoft.Web", *words]), "/".join(name for name in names if name)


def _pairs(address: Address) -> Iterator[tuple[str, str]]:
    """Types and names, from the site on; a list has an empty name."""
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
        await self._app(scope, receive, send)
