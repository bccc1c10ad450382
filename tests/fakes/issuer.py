"""An issuer of OpenID Connect on this machine: real HTTP, real keys, and what it can do wrong."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from hashlib import sha256
from html import escape
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import jwt
from aiohttp import web
from aiohttp.test_utils import TestServer
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

CLIENT, SECRET = "dash board", "s3cret: %+"
"""Name and secret that a header can hold only when they are encoded."""

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@cache
def key(name: str) -> PrivateKey:
    """A private key of a name; names that begin with ``ec`` are of a curve."""
    if name.startswith("ec"):
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public(name: str, **more: Any) -> dict[str, Any]:
    """A public key as a document of keys has it."""
    made = key(name)
    if isinstance(made, rsa.RSAPrivateKey):
        found = RSAAlgorithm.to_jwk(made.public_key(), as_dict=True)
    else:
        found = ECAlgorithm.to_jwk(made.public_key(), as_dict=True)
    return {**found, "kid": name, "use": "sig", **more}


def signed(claims: dict[str, Any], *, by: str = "one", algorithm: str = "RS256", kid: str | None = None) -> str:
    """A token."""
    return jwt.encode(claims, key(by), algorithm=algorithm, headers={"kid": kid or by})


def hand_made(header: dict[str, Any], claims: dict[str, Any], signature: bytes = b"") -> str:
    """A token that no library would make."""
    parts = [json.dumps(header).encode(), json.dumps(claims).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


@dataclass
class FakeIssuer:
    """The issuer. Its codes are good once, for who shows the verifier and the same address."""

    clock: Callable[[], datetime]
    secret: str | None = SECRET
    """Secret of the client; None: a public client."""
    claims: dict[str, Any] = field(default_factory=lambda: {"email": "ann@example.com", "groups": ["ops"]})
    """Claims of who logs in; None as a value takes one away."""
    sign: Callable[[dict[str, Any]], str] = signed
    keys: list[dict[str, Any]] = field(default_factory=lambda: [public("one")])
    document: dict[str, Any] = field(default_factory=dict)
    """What differs in the discovery document."""
    answers: dict[str, web.Response] = field(default_factory=dict)
    """Answers by path, in place of the right ones."""
    asked: list[str] = field(default_factory=list)
    """Paths of all requests."""
    url: str = ""
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    @asynccontextmanager
    async def running(
        self, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", name: str | None = None
    ) -> AsyncIterator[FakeIssuer]:
        """While it answers, in clear or by TLS. ``name``: of the host, as others know it."""
        application = web.Application(middlewares=[self._noted])
        application.router.add_get("/.well-known/openid-configuration", self._discovery)
        application.router.add_get("/keys", self._keys)
        application.router.add_get("/authorize", self._authorize)
        application.router.add_post("/token", self._token)
        server = TestServer(application, scheme="https" if tls else "http", host=host)
        await server.start_server(ssl=tls)
        self.url = f"{server.scheme}://{name or host}:{server.port}"
        try:
            yield self
        finally:
            await server.close()

    def config(self, **more: Any) -> dict[str, Any]:
        """The dashboard's settings for it."""
        return {"issuer": self.url, "client_id": CLIENT, **more}

    def approve(self, location: str) -> str:
        """Path and query to which the browser comes back, when the person at a login page of it agrees."""
        assert location.startswith(f"{self.url}/authorize?")
        back = urlsplit(self._approved(dict(parse_qsl(urlsplit(location).query))))
        return f"{back.path}?{back.query}"

    def _approved(self, asked: dict[str, str]) -> str:
        assert (asked["response_type"], asked["client_id"]) == ("code", CLIENT)
        assert asked["code_challenge_method"] == "S256"
        code = f"code{len(self._codes)}"
        self._codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    async def _authorize(self, request: web.Request) -> web.Response:
        """The page at which a person agrees."""
        back = escape(self._approved(dict(request.query)))
        page = f'<!DOCTYPE html><title>Issuer</title><link rel="icon" href="data:,"><a href="{back}">Agree</a>'
        return web.Response(text=page, content_type="text/html")

    @web.middleware
    async def _noted(self, request: web.Request, handler: Any) -> web.StreamResponse:
        self.asked.append(request.path)
        if given := self.answers.get(request.path):
            return given
        found: web.StreamResponse = await handler(request)
        return found

    async def _discovery(self, _: web.Request) -> web.Response:
        known = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
        }
        return web.json_response(known | self.document)

    async def _keys(self, _: web.Request) -> web.Response:
        return web.json_response({"keys": self.keys})

    async def _token(self, request: web.Request) -> web.Response:
        form = {name: str(value) for name, value in (await request.post()).items()}
        if not self._knows(request.headers.get("Authorization"), form):
            return web.json_response({"error": "invalid_client"}, status=401)
        asked = self._codes.get(form["code"], {})
        digest = base64.urlsafe_b64encode(sha256(form["code_verifier"].encode()).digest()).decode().rstrip("=")
        if digest != asked.get("code_challenge") or form["redirect_uri"] != asked["redirect_uri"]:
            return web.json_response({"error": "invalid_grant"}, status=400)
        self._codes[form["code"]] = {}
        now = int(self.clock().timestamp())
        usual = {"iss": self.url, "aud": CLIENT, "sub": "7", "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        claims = {name: value for name, value in (usual | self.claims).items() if value is not None}
        return web.json_response({"id_token": self.sign(claims), "token_type": "Bearer", "access_token": "x"})

    def _knows(self, header: str | None, form: dict[str, str]) -> bool:
        if self.secret is None:
            return header is None and (form.get("client_id"), form.get("client_secret")) == (CLIENT, None)
        if "client_secret_basic" in self.document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"]):
            right = base64.b64encode(b"dash+board:s3cret%3A+%25%2B").decode()
            return header == f"Basic {right}"
        return (form.get("client_id"), form.get("client_secret")) == (CLIENT, self.secret)
