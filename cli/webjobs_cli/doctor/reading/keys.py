"""Names of the keys of a Secret or ConfigMap. Values are looked at here, and go no further. Pure."""

from __future__ import annotations

import base64
import binascii

from webjobs.objects import Object
from webjobs_cli.doctor.checks.credentials import PASSWORDS, SHORTEST
from webjobs_cli.doctor.installation import NOT_SEEN, Keys, Look


def of_secret(look: Look[Object]) -> Look[Keys]:
    """Return the keys of a Secret: which there are, which are empty, which passwords are short."""
    if look.value is None:
        return NOT_SEEN if not look.seen else Look(seen=True)
    sizes = {str(key): _size(str(value)) for key, value in (look.value.get("data") or {}).items()}
    short = {key for key in PASSWORDS if 0 < sizes.get(key, 0) < SHORTEST}
    return Look(seen=True, value=_keys(sizes, short=frozenset(short)))


def of_config_map(look: Look[Object]) -> Look[Keys]:
    """Return the keys of a ConfigMap."""
    if look.value is None:
        return NOT_SEEN if not look.seen else Look(seen=True)
    return Look(seen=True, value=_keys({str(key): len(value) for key, value in (look.value.get("data") or {}).items()}))


def _keys(sizes: dict[str, int], *, short: frozenset[str] = frozenset()) -> Keys:
    return Keys(names=frozenset(sizes), empty=frozenset(key for key, size in sizes.items() if not size), short=short)


def _size(value: str) -> int:
    """Return how many bytes a value of a Secret has, without a line end after it, which the shim leaves out, too."""
    try:
        return len(base64.b64decode(value).rstrip(b"\r\n"))
    except (binascii.Error, ValueError):
        return 0
