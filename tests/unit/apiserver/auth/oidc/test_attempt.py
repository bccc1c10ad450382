"""Logins that have begun, and what of them the issuer is told."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from urllib.parse import parse_qs, urlsplit

import pytest

from webjobs_apiserver.auth.oidc.attempt import LIFETIME, Attempt
from webjobs_apiserver.auth.oidc.discovery import Endpoints, address_of
from webjobs_apiserver.auth.oidc.failure import SignOnFailed
from webjobs_apiserver.config import OidcConfig

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DOCUMENT = {
    "issuer": "https://id.example",
    "authorization_endpoint": "https://id.example/authorize?tenant=a",
    "token_endpoint": "https://tokens.example/token",
    "jwks_uri": "https://id.example/keys",
}


def test_a_cookie_holds_all_of_it() -> None:
    made = Attempt.begin("/ui/jobs?q=ä b", now=NOW)
    assert Attempt.of_cookie(made.cookie, now=NOW) == made
    assert Attempt.of_cookie(made.cookie, now=NOW + LIFETIME - timedelta(seconds=1)) == made
    assert Attempt.of_cookie(made.cookie, now=NOW + LIFETIME) is None
    assert Attempt.begin("/ui/" + "a" * 2000, now=NOW).after == "", "a cookie may not be that long"
    assert made.secret not in repr(made)


@pytest.mark.parametrize("text", ["", "a.1.b", "a" * 43, f"{'a' * 43}.99999999999.a", f"{'a' * 43}.99999999999._w"])
def test_what_is_no_cookie(text: str) -> None:
    assert Attempt.of_cookie(text, now=NOW) is None


def test_no_two_texts_are_the_same() -> None:
    one, two = Attempt.begin("", now=NOW), Attempt.begin("", now=NOW)
    texts = [text for made in (one, two) for text in (made.secret, made.state, made.nonce, made.verifier)]
    assert len(set(texts)) == len(texts)
    assert one.is_state(one.state)
    assert not one.is_state(two.state)
    assert not one.is_state("\ud800")


def test_what_the_issuer_is_told() -> None:
    made = Attempt.begin("/ui/", now=NOW)
    endpoints = Endpoints.of(DOCUMENT, issuer="https://id.example")
    address = endpoints.login(
        made, client_id="a&b", scopes=["openid", "groups"], redirect_uri="https://s/ui/login/oidc/callback"
    )
    assert address.startswith("https://id.example/authorize?tenant=a&")
    digest = base64.urlsafe_b64encode(sha256(made.verifier.encode()).digest()).decode().rstrip("=")
    assert parse_qs(urlsplit(address).query) == {
        "tenant": ["a"],
        "response_type": ["code"],
        "client_id": ["a&b"],
        "redirect_uri": ["https://s/ui/login/oidc/callback"],
        "scope": ["openid groups"],
        "state": [made.state],
        "nonce": [made.nonce],
        "code_challenge": [digest],
        "code_challenge_method": ["S256"],
    }
    assert made.verifier not in address
    assert made.secret not in address


@pytest.mark.parametrize(
    "changed",
    [
        {"issuer": "https://id.example/"},
        {"issuer": None},
        {"token_endpoint": "http://tokens.example/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": "https://id.example/a\nb"},
        {"token_endpoint": None},
        {"token_endpoint": "https://user:password@tokens.example/"},
    ],
)
def test_documents_that_are_refused(changed: dict[str, str | None]) -> None:
    with pytest.raises(SignOnFailed, match="set up wrong"):
        Endpoints.of(DOCUMENT | changed, issuer="https://id.example")


@pytest.mark.parametrize(
    ("methods", "in_header"),
    [(None, True), (["client_secret_post"], False), (["client_secret_post", "client_secret_basic"], True)],
)
def test_where_the_secret_stands(methods: list[str] | None, in_header: bool) -> None:
    found = Endpoints.of(DOCUMENT | {"token_endpoint_auth_methods_supported": methods}, issuer="https://id.example")
    assert found.secret_in_header == in_header


def test_where_the_document_is() -> None:
    assert address_of("https://id.example/t/") == "https://id.example/t/.well-known/openid-configuration"
    assert address_of("https://id.example/t") == "https://id.example/t/.well-known/openid-configuration"


@pytest.mark.parametrize(
    "issuer",
    ["https://id.example", "https://id.example/t/", "http://127.0.0.1:5556/dex", "http://localhost", "http://[::1]:1"],
)
def test_issuers(issuer: str) -> None:
    assert OidcConfig(issuer=issuer, client_id="a").issuer == issuer


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("issuer", ""),
        ("issuer", "http://id.example"),
        ("issuer", "http://127.0.0.1.example"),
        ("issuer", "https://id.example?a=b"),
        ("issuer", "https://id.example:port"),
        ("issuer", "id.example"),
        ("clientId", ""),
        ("usernamePrefix", ""),
        ("groupsPrefix", ""),
        ("groupsPrefix", " "),
        ("groupsPrefix", "sys"),
        ("usernamePrefix", "system:"),
        ("groupsPrefix", "system:oidc:"),
        ("scopes", ["email"]),
    ],
)
def test_settings_that_are_refused_name_their_field(field: str, value: str | list[str]) -> None:
    with pytest.raises(ValueError, match=field):
        OidcConfig.model_validate({"issuer": "https://id.example", "clientId": "a"} | {field: value})
