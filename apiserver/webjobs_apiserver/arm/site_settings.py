"""ARM's routes of the app settings and connection strings of a site (docs/arm-contract.md, section 7).

A PUT replaces all of its kind, and leaves the other kind alone. Clients read all, change some, and send all.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from webjobs.model.site.connection_strings import PREFIXES, ConnectionString, key_of, split, type_of
from webjobs.model.site.site_settings import linux_name
from webjobs_apiserver.arm.bodies import Body
from webjobs_apiserver.arm.facade import Facade
from webjobs_apiserver.errors import BadRequest
from webjobs_apiserver.http import responses
from webjobs_apiserver.kudu.app_settings import text_of
from webjobs_apiserver.kudu.jobs import read_body

_NO_PROPERTIES = 'properties: send an object of all that there is to be, as {"properties": {...}}.'
_NO_NAME = "The name of a setting may hold letters, digits, '.', '_', '-' and ':', and 253 in all."
_NO_SLOT_SETTINGS = (
    "properties: no setting can be one of a slot. A slot is a site of its own here, and has settings of its own."
)
_SLOT_NAMES = ("connectionStringNames", "appSettingNames", "azureStorageConfigNames")
_BODY_BYTES = 2**20
"""Bytes of a body: a Secret holds no more."""


def app_settings_in(content: bytes) -> dict[str, str]:
    """Return the app settings that a PUT sets, by the keys under which they are stored. Pure.

    Raises BadRequest for what can't be stored, and for the name of a connection string.
    """
    found: dict[str, str] = {}
    for name, value in _in_order(_properties(content)):
        key = linux_name(name)
        if key is None:
            raise BadRequest(f"{_field(name)}: {_NO_NAME}")
        if parts := split(key):
            type_, rest = parts
            raise BadRequest(
                f"{_field(name)}: this is the name of a connection string. Set {rest[:80]} as one of the type {type_}."
            )
        found[key] = _text(_field(name), value)
    return found


def connection_strings_in(content: bytes) -> dict[str, str]:
    """Return the connection strings that a PUT sets, by the keys under which they are stored. Pure.

    Raises BadRequest for what can't be stored, and for a type that there is not.
    """
    found: dict[str, tuple[str, str]] = {}
    for name, pair in _in_order(_properties(content)):
        field = _field(name)
        if not isinstance(pair, dict):
            raise BadRequest(f'{field}: send an object, as {{"type": "SQLAzure", "value": "..."}}.')
        sent = pair.get("type")
        type_ = type_of(sent) if isinstance(sent, str) else None
        if type_ is None:
            raise BadRequest(f"{field}.type: must be one of {', '.join(PREFIXES)}.")
        key = key_of(type_, name)
        if key is None:
            raise BadRequest(f"{field}: {_NO_NAME} It is stored as {PREFIXES[type_]} and the name.")
        found[key.removeprefix(PREFIXES[type_])] = key, _text(f"{field}.value", pair.get("value"))
    return dict(found.values())


def _properties(content: bytes) -> Body:
    try:
        sent = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise BadRequest(_NO_PROPERTIES) from None
    properties = sent.get("properties") if isinstance(sent, dict) else None
    if not isinstance(properties, dict):
        raise BadRequest(_NO_PROPERTIES)
    return properties


def _in_order(properties: Body) -> list[tuple[str, Any]]:
    """Return names and values, in the order in which they count: of two that are stored as one, the last one does.

    A colon is never stored. So what has one was set by the client just now, and the other it has only read.
    """
    return sorted(properties.items(), key=lambda item: ":" in item[0])


def _field(name: str) -> str:
    return f"properties.{name[:80]}"


def _text(field: str, value: Any) -> str:
    """Return a value as text. Null is none: clients print it in place of values that they hide."""
    if value is None:
        raise BadRequest(f"{field}: must be a text.")
    try:
        return text_of(value)
    except BadRequest:
        raise BadRequest(f"{field}: must be a text.") from None


def described(values: Mapping[str, ConnectionString]) -> Body:
    """Return connection strings as ARM shows them, by name. Pure."""
    return {name: {"value": one.value, "type": one.type} for name, one in values.items()}


def has_slot_names(content: bytes) -> bool:
    """Return whether a body names settings of slots. Pure."""
    properties = _properties(content)
    return any(properties.get(name) for name in _SLOT_NAMES)


def router(facade: Facade, prefix: str) -> APIRouter:
    """Return the routes of the settings of a site, or of a slot."""
    routes = APIRouter(prefix=f"{prefix}/config")
    settings = facade.service.settings

    def answer(request: Request, name: str, properties: Body) -> Response:
        found = _resource(facade, request, name, properties)
        found.headers["Cache-Control"] = "no-store"
        return found

    async def app_settings(request: Request) -> Response:
        return answer(request, "appsettings", await settings.plain(facade.site(request)))

    async def put_app_settings(request: Request) -> Response:
        await settings.replace_plain(facade.site(request), app_settings_in(await _body(request)))
        return await app_settings(request)

    async def connection_strings(request: Request) -> Response:
        found = await settings.connection_strings(facade.site(request))
        return answer(request, "connectionstrings", described(found))

    async def put_connection_strings(request: Request) -> Response:
        await settings.replace_connection_strings(facade.site(request), connection_strings_in(await _body(request)))
        return await connection_strings(request)

    async def slot_names(request: Request) -> Response:
        return answer(request, "slotConfigNames", {name: [] for name in _SLOT_NAMES})

    async def put_slot_names(request: Request) -> Response:
        if has_slot_names(await _body(request)):
            raise BadRequest(_NO_SLOT_SETTINGS)
        return await slot_names(request)

    table: list[tuple[str, str, Callable[[Request], Any]]] = [
        ("POST", "/appsettings/list", app_settings),
        ("PUT", "/appsettings", put_app_settings),
        ("POST", "/connectionstrings/list", connection_strings),
        ("PUT", "/connectionstrings", put_connection_strings),
        ("GET", "/slotconfignames", slot_names),
        ("PUT", "/slotconfignames", put_slot_names),
    ]
    for method, path, endpoint in table:
        routes.add_api_route(path, endpoint, methods=[method])
    return routes


async def _body(request: Request) -> bytes:
    return await read_body(request, limit=_BODY_BYTES)


def _resource(facade: Facade, request: Request, name: str, properties: Body) -> Response:
    """Return a kind of settings as a resource; ``name``: its own, below ``config``."""
    site, _, _ = request.scope["path"].rpartition("/config/")
    return responses.json_answer(facade.envelope(request, properties, identifier=f"{site}/config/{name}"))
