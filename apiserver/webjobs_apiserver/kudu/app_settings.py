"""Kudu's route ``/api/settings``: the app settings of the site, a flat object of texts."""

from __future__ import annotations

import json
import re
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from webjobs_apiserver.errors import BadRequest, Missing
from webjobs_apiserver.http import responses
from webjobs_apiserver.kudu.jobs import Facade, read_body

_HALF = re.compile("[\ud800-\udfff]")
_NO_OBJECT = "Send a JSON object of names and texts."


def values_of(content: bytes) -> dict[str, str]:
    """Return the settings of a body: an object of texts, or Kudu's older ``{"key": name, "value": text}``.

    Raises BadRequest for anything else.
    """
    try:
        given = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        raise BadRequest(_NO_OBJECT) from None
    if not isinstance(given, dict):
        raise BadRequest(_NO_OBJECT)
    if set(given) == {"key", "value"}:
        given = {text_of(given["key"]): given["value"]}
    return {name: text_of(value) for name, value in given.items()}


def text_of(value: Any) -> str:
    """Return a plain value as the text that Json.NET makes of it.

    Raises BadRequest for an object or array, and for half of a surrogate pair, which is no text.
    """
    match value:
        case str() if not _HALF.search(value):
            return value
        case None:
            return ""
        case bool():
            return str(value)
        case int() | float():
            return json.dumps(value)
    raise BadRequest(_NO_OBJECT)


def router(facade: Facade) -> APIRouter:
    """Return the routes of app settings: GET, POST, PUT, DELETE."""
    routes = APIRouter(prefix="/api/settings")
    settings, limits = facade.service.settings, facade.service.limits

    @routes.get("")
    async def every(request: Request) -> Response:
        return responses.json_answer(await settings.all(facade.site_of(request)))

    @routes.get("/{name}")
    async def get(request: Request, name: str) -> Response:
        try:
            return responses.json_answer(await settings.get(facade.site_of(request), name))
        except Missing:
            return responses.http_error(f"'{name}' setting does not exist.", status=404)

    @routes.delete("/{name}")
    async def delete(request: Request, name: str) -> Response:
        await settings.delete(facade.site_of(request), name)
        return responses.empty(204)

    async def merge(request: Request) -> Response:
        values = values_of(await read_body(request, limit=limits.settings_bytes))
        await settings.merge(facade.site_of(request), values)
        return responses.empty(204)

    for method in ("POST", "PUT"):
        routes.add_api_route("", merge, methods=[method])
    return routes
