"""The signature of an ID token, by the keys of its issuer. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from webjobs_apiserver.auth.oidc.failure import SignOnFailed

_KINDS = {"RS256": ("RSA", None), "PS256": ("RSA", None), "ES256": ("EC", "P-256")}
"""Algorithms that count, with type and curve of their keys: no ``none``, and none by which a public key is a secret."""
_MOST = 65536
"""Most characters of a token."""
_FALSE = "The token of the single sign-on is not signed as it has to be."

Keys = tuple[Mapping[str, Any], ...]
"""Keys of an issuer, as its document has them."""


class UnknownKey(SignOnFailed):
    """A token that is signed by a key that is not among those that are known: the issuer may have a new one."""


def keys_of(document: Mapping[str, Any]) -> Keys:
    """Return the keys in a document that may sign tokens. Raises SignOnFailed when it is none."""
    found = document.get("keys")
    if not isinstance(found, list):
        raise SignOnFailed("The single sign-on is set up wrong: it shows no keys.", status=503)
    return tuple(one for one in found if isinstance(one, dict) and one.get("use", "sig") == "sig")


def verified(token: str, keys: Keys) -> dict[str, Any]:
    """Return the claims of a token. Raises UnknownKey, and SignOnFailed for a false one."""
    # 15 MB of memory, for who uses it.
    from jwt import PyJWK, PyJWS, PyJWTError

    if len(token) > _MOST:
        raise SignOnFailed(_FALSE)
    jws = PyJWS(options={"enforce_minimum_key_length": True})
    try:
        header = jws.get_unverified_header(token)
        algorithm = header.get("alg")
        if algorithm not in _KINDS:
            raise SignOnFailed(_FALSE)
        made = PyJWK(dict(_key(keys, header.get("kid"), algorithm)), algorithm)
        return _payload(jws.decode(token, made, algorithms=[algorithm]))
    except (PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise SignOnFailed(_FALSE) from error


def _key(keys: Keys, name: Any, algorithm: str) -> Mapping[str, Any]:
    """Return the key of a name; the only one that fits when a token names none."""
    kind, curve = _KINDS[algorithm]
    fitting = [
        key
        for key in keys
        if key.get("kty") == kind and key.get("crv") == curve and key.get("alg", algorithm) == algorithm
    ]
    named = fitting if name is None else [key for key in fitting if key.get("kid") == name]
    if len(named) != 1:
        raise UnknownKey("The token of the single sign-on is signed by a key that is not among those of the issuer.")
    return named[0]


def _payload(content: bytes) -> dict[str, Any]:
    found = json.loads(content)
    if not isinstance(found, dict):
        raise ValueError("no object")
    return found
