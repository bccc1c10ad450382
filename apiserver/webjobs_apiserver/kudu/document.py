"""The shim's own description: ``/openapi.json`` (OpenAPI 3) and ``/docs``, a page without scripts or foreign hosts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from html import escape
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.responses import HTMLResponse, Response

from webjobs_apiserver.http import responses
from webjobs_apiserver.kudu.operations import EVERYWHERE, OPERATIONS, Operation

_STYLE = "body{font:16px sans-serif;margin:2em}td{padding:.2em 1em .2em 0}code{white-space:nowrap}"


Operations = Mapping[str, Mapping[str, Operation]]
"""Operations by path template and verb."""


def document(app: FastAPI, operations: Operations = OPERATIONS) -> dict[str, Any]:
    """Return the OpenAPI 3 document of the routes that clients use; all of them are in ``operations``."""
    found = get_openapi(title=app.title, version="1", routes=app.routes)
    paths = dict(sorted(found["paths"].items(), key=lambda item: list(operations).index(item[0])))
    for path, by_method in paths.items():
        for method, operation in by_method.items():
            operation |= _told(path, operations[path][method], parameters=operation.get("parameters", []))
    return {
        "openapi": found["openapi"],
        "info": found["info"],
        "paths": paths,
        "components": {"securitySchemes": {"basic": {"type": "http", "scheme": "basic"}}},
        "security": [{"basic": []}],
    }


def _told(path: str, operation: Operation, *, parameters: list[Any]) -> dict[str, Any]:
    """Return what the routes' code can't say of an operation."""
    given = [("query", name) for name in operation.query] + [("header", name) for name in operation.headers]
    told: dict[str, Any] = {
        "summary": operation.summary,
        "tags": [path.split("/")[2]],
        "parameters": parameters + [{"in": place, "name": name, "schema": {"type": "string"}} for place, name in given],
        "responses": {
            str(status): _answer(status, media) for status, media in {**operation.answers, **EVERYWHERE}.items()
        },
    }
    if operation.takes:
        told["requestBody"] = {"content": {media: {"schema": schema} for media, schema in operation.takes.items()}}
    if operation.stream:
        told["x-stream"] = True
    return told


def _answer(status: int | str, media: str | None) -> dict[str, Any]:
    phrase = HTTPStatus(int(status)).phrase if isinstance(status, int) else "Any other"
    return {"description": phrase} | ({"content": {media: {}}} if media else {})


def page(body: dict[str, Any]) -> str:
    """Return the operations of a document as a table in HTML."""
    rows = "".join(
        f"<tr><td><code>{escape(method.upper())}</code><td><code>{escape(path)}</code>"
        f"<td>{escape(operation['summary'])}\n"
        for path, operations in body["paths"].items()
        for method, operation in operations.items()
    )
    title = escape(body["info"]["title"])
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><style>{_STYLE}</style>"
        f"<h1>{title}</h1><p>The same as <a href=openapi.json>OpenAPI 3</a>.<table>\n{rows}</table>"
    )


def add(app: FastAPI, operations: Operations = OPERATIONS) -> None:
    """Add the routes ``/openapi.json`` and ``/docs``."""
    made = cache(partial(document, app, operations))  # at the first request: most processes are never asked

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi() -> Response:
        return responses.json_answer(made())

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        policy = "default-src 'none'; style-src 'unsafe-inline'"
        return HTMLResponse(page(made()), headers={"Content-Security-Policy": policy})
