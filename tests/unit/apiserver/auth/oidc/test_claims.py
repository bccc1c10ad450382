"""Claims of ID tokens: for this login or not, and whom they name."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from webjobs_apiserver.auth.oidc.claims import Expected, Naming, check, user_of
from webjobs_apiserver.auth.oidc.failure import SignOnFailed

NOW = datetime(2026, 1, 1, tzinfo=UTC)
AT = NOW.timestamp()
EXPECTED = Expected(issuer="https://id.example", client_id="dash", nonce="n")
GOOD = {"iss": "https://id.example", "aud": "dash", "sub": "7", "iat": AT, "exp": AT + 300, "nonce": "n"}
NAMING = Naming(username_claim="email", username_prefix="oidc:", groups_claim="groups", groups_prefix="corp:")


def changed(claims: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Claims with changes; None takes one away."""
    return {name: value for name, value in (claims | changes).items() if value is not None}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"aud": ["dash"]},
        {"aud": ["other", "dash"], "azp": "dash"},
        {"azp": "dash"},
        {"exp": AT - 59},
        {"iat": AT + 59},
        {"nbf": AT + 59},
    ],
)
def test_claims_that_count(changes: dict[str, Any]) -> None:
    check(changed(GOOD, changes), EXPECTED, now=NOW)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"iss": "https://id.example/"}, "another issuer"),
        ({"iss": None}, "another issuer"),
        ({"aud": "other"}, "another application"),
        ({"aud": None}, "another application"),
        ({"aud": []}, "another application"),
        ({"aud": ["dash", "other"]}, "another application"),
        ({"aud": ["dash", "other"], "azp": "other"}, "another application"),
        ({"azp": "other"}, "another application"),
        ({"aud": "dashboard"}, "another application"),
        ({"exp": AT - 60}, "expired"),
        ({"exp": None}, "no claim exp"),
        ({"exp": str(AT + 300)}, "no claim exp"),
        ({"exp": True}, "no claim exp"),
        ({"exp": float("nan")}, "no claim exp"),
        ({"exp": 10**400}, "no claim exp"),
        ({"iat": None}, "no claim iat"),
        ({"iat": AT + 61}, "of the future"),
        ({"nbf": AT + 61}, "of the future"),
        ({"nonce": "m"}, "another login"),
        ({"nonce": None}, "another login"),
        ({"sub": None}, "no claim sub"),
        ({"sub": 7}, "no claim sub"),
    ],
)
def test_claims_that_do_not(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(SignOnFailed, match=why):
        check(changed(GOOD, changes), EXPECTED, now=NOW)


@pytest.mark.parametrize(
    ("claims", "user", "groups"),
    [
        ({"email": "a@b.c"}, "oidc:a@b.c", []),
        ({"email": "a@b.c", "email_verified": True, "groups": ["x", "y", "x"]}, "oidc:a@b.c", ["corp:x", "corp:y"]),
        ({"email": "a@b.c", "email_verified": "true", "groups": "x"}, "oidc:a@b.c", ["corp:x"]),
        ({"email": "system:admin", "groups": ["system:masters"]}, "oidc:system:admin", ["corp:system:masters"]),
    ],
)
def test_who_is_named(claims: dict[str, Any], user: str, groups: list[str]) -> None:
    assert user_of(claims, NAMING) == {"username": user, "groups": [*groups, "system:authenticated"]}


def test_another_claim_needs_no_address() -> None:
    naming = Naming(username_claim="sub", username_prefix="p-", groups_claim="roles", groups_prefix="r-")
    found = user_of({"sub": "7", "email": "a@b.c", "email_verified": False, "roles": ["x"], "groups": ["y"]}, naming)
    assert found == {"username": "p-7", "groups": ["r-x", "system:authenticated"]}


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({}, "no claim email"),
        ({"email": ""}, "no claim email"),
        ({"email": ["a@b.c"]}, "no claim email"),
        ({"email": "a@b.c\nroot"}, "no claim email"),
        ({"email": "a@b.c", "email_verified": False}, "not verified"),
        ({"email": "a@b.c", "email_verified": "false"}, "not verified"),
        ({"email": "a@b.c", "email_verified": None}, "not verified"),
        ({"email": "a@b.c", "groups": {"a": 1}}, "claim groups"),
        ({"email": "a@b.c", "groups": [1]}, "claim groups"),
        ({"email": "a@b.c", "groups": [""]}, "claim groups"),
        ({"email": "a@b.c", "groups": ["a\x00"]}, "claim groups"),
    ],
)
def test_who_can_not_be_named(claims: dict[str, Any], why: str) -> None:
    with pytest.raises(SignOnFailed, match=why):
        user_of(claims, NAMING)


@pytest.mark.parametrize("claims", [{"email": "tem:admin"}, {"email": "x", "groups": ["tem:masters"]}])
def test_nobody_is_named_as_kubernetes_own(claims: dict[str, Any]) -> None:
    """Whatever the prefix is: the settings refuse this one, too."""
    naming = Naming(username_claim="email", username_prefix="sys", groups_claim="groups", groups_prefix="sys")
    with pytest.raises(SignOnFailed, match="system:"):
        user_of(claims, naming)
