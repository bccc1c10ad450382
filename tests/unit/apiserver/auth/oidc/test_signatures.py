"""Signatures of ID tokens: which keys and algorithms count."""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.fakes.issuer import hand_made, key, public, signed
from webjobs_apiserver.auth.oidc.failure import SignOnFailed
from webjobs_apiserver.auth.oidc.signatures import UnknownKey, keys_of, verified

CLAIMS = {"sub": "7"}
KEYS = (public("one"), public("two"), public("ec"))


@pytest.mark.parametrize(("by", "algorithm"), [("one", "RS256"), ("two", "PS256"), ("ec", "ES256")])
def test_signatures_that_count(by: str, algorithm: str) -> None:
    assert verified(signed(CLAIMS, by=by, algorithm=algorithm), KEYS) == CLAIMS


def test_a_token_that_names_no_key() -> None:
    token = jwt.encode(CLAIMS, key("one"), algorithm="RS256")
    assert verified(token, (public("one"), public("ec"))) == CLAIMS
    with pytest.raises(UnknownKey):
        verified(token, KEYS)


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "", None, ["RS256"]])
def test_no_signature(algorithm: Any) -> None:
    for header in ({"alg": algorithm, "kid": "one"}, {"alg": algorithm}):
        with pytest.raises(SignOnFailed, match="not signed"):
            verified(hand_made(header, CLAIMS), KEYS)


def test_a_public_key_is_no_secret() -> None:
    """Neither in its own form nor as the document has it."""
    pem = key("one").public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for secret in (pem, str(public("one")["n"]).encode()):
        header = {"alg": "HS256", "kid": "one"}
        content = hand_made(header, CLAIMS).rpartition(".")[0]
        token = hand_made(header, CLAIMS, hmac.new(secret, content.encode(), sha256).digest())
        with pytest.raises(SignOnFailed, match="not signed"):
            verified(token, KEYS)
    shared = ({"kty": "oct", "kid": "one", "k": "c2VjcmV0" * 8},)
    with pytest.raises(SignOnFailed, match="not signed"):
        verified(jwt.encode(CLAIMS, b"secret" * 8, algorithm="HS256", headers={"kid": "one"}), shared)


@pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS512"])
def test_other_algorithms(algorithm: str) -> None:
    with pytest.raises(SignOnFailed, match="not signed"):
        verified(signed(CLAIMS, algorithm=algorithm), KEYS)


def test_another_key_of_the_same_name() -> None:
    with pytest.raises(SignOnFailed, match="not signed"):
        verified(signed(CLAIMS, by="stranger", kid="one"), KEYS)


def test_a_key_in_the_token_is_none() -> None:
    token = jwt.encode(CLAIMS, key("stranger"), algorithm="RS256", headers={"jwk": public("stranger"), "kid": "x"})
    with pytest.raises(UnknownKey):
        verified(token, KEYS)


@pytest.mark.parametrize("changed", [{"alg": "PS256"}, {"kty": "EC"}, {"kid": "other"}, {"crv": "P-256"}])
def test_a_key_that_is_for_something_else(changed: dict[str, str]) -> None:
    with pytest.raises(UnknownKey):
        verified(signed(CLAIMS), (public("one", **changed),))


def test_keys_of_a_document() -> None:
    found = keys_of({"keys": [public("one"), public("two", use="enc"), "text", {"kty": "RSA", "kid": "three"}]})
    assert [one["kid"] for one in found] == ["one", "three"]
    with pytest.raises(SignOnFailed, match="no keys"):
        keys_of({"keys": {}})


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a.b",
        "a.b.c",
        "é.b.c",
        "x" * 100_000,
        signed(CLAIMS)[:-4],
        signed(CLAIMS) + "x",
        hand_made({"alg": "RS256", "kid": "one", "crit": ["x"]}, CLAIMS),
        jwt.PyJWS().encode(b"[1]", key("one"), algorithm="RS256", headers={"kid": "one"}),
        jwt.PyJWS().encode(b"[" * 40_000, key("one"), algorithm="RS256", headers={"kid": "one"}),
    ],
    ids=range(10),
)
def test_what_is_no_token(token: str) -> None:
    with pytest.raises(SignOnFailed):
        verified(token, KEYS)


@pytest.mark.parametrize("broken", [{"n": "AQAB"}, {"n": "!"}, {"n": None}, {"e": 3}])
def test_a_key_that_is_none(broken: dict[str, Any]) -> None:
    with pytest.raises(SignOnFailed, match="not signed"):
        verified(signed(CLAIMS), (public("one", **broken),))
