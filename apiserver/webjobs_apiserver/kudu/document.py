"""The shim's own description: ``/openapi.json`` (OpenAPI 3) and ``/docs``, a page without scripts or foreign hosts."""

from __future__ import annotations

from functools import cache, partial
from html import escape
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from starlette.responses import HTMLResponse, Response

from webjobs_apiserver.kudu import responses

_PASSTHROUGH = {method: "Answered by the job itself" for method in ("get", "put", "post", "delete", "patch")}
_JOBS = "/api/{}webjobs"
SUMMARIES: dict[str, dict[str, str]] = {
    "/api/webjobs": {"get": "List all jobs"},
    **{
        path: operations
        for kind in ("triggered", "continuous")
        for path, operations in {
            _JOBS.format(kind): {"get": f"List {kind} jobs"},
            _JOBS.format(kind) + "/{name}": {
                "get": f"Get a {kind} job",
                "put": f"Upload a {kind} job (zip or one script)",
                "delete": f"Delete a {kind} job",
            },
            _JOBS.format(kind) + "/{name}/settings": {
                "get": f"Get settings.job of a {kind} job",
                "put": f"Replace settings.job of a {kind} job",
            },
        }.items()
    },
    "/api/triggeredwebjobs/{name}/run": {"post": "Run a job; the query's arguments are passed on"},
    "/api/triggeredwebjobs/{name}/history": {"get": "List the runs of a job"},
    "/api/triggeredwebjobs/{name}/history/{run_id}": {"get": "Get a run"},
    "/api/triggeredwebjobsswagger": {"get": "Triggered jobs as Swagger 2.0"},
    "/api/continuouswebjobs/{name}/start": {"post": "Start a job"},
    "/api/continuouswebjobs/{name}/stop": {"post": "Stop a job"},
    "/api/continuouswebjobs/{name}/passthrough": _PASSTHROUGH,
    "/api/continuouswebjobs/{name}/passthrough/{path}": _PASSTHROUGH,
    "/api/vfs": {"get": "List the root", "put": "Always refused", "delete": "Always refused"},
    "/api/vfs/{path}": {
        "get": "Read a file, or list a folder (path ends with /)",
        "put": "Write a file, or make a folder",
        "delete": "Delete a file or folder",
    },
    "/api/zip": {"get": "Everything as a zip", "put": "Unpack a zip over the root"},
    "/api/zip/{path}": {"get": "A folder as a zip", "put": "Unpack a zip over a folder"},
    "/api/settings": {"get": "List app settings", "post": "Set app settings", "put": "Set app settings"},
    "/api/settings/{name}": {"get": "Get an app setting", "delete": "Remove an app setting"},
    "/api/hooks": {"get": "List web hooks", "post": "Be told of ended runs (TriggeredJobFinished)"},
    "/api/hooks/{identifier}": {"get": "Get a web hook", "delete": "Remove a web hook"},
    "/api/logstream": {"get": "Lines of all jobs as they are written"},
    "/api/logstream/{path}": {"get": "Lines of one job as they are written (jobs/{type}/{name})"},
    "/api/logs/recent": {"get": "The latest lines of all jobs"},
}
"""What each operation does, by path and method; a test holds it to the routes."""
_STYLE = "body{font:16px sans-serif;margin:2em}td{padding:.2em 1em .2em 0}code{white-space:nowrap}"


def document(app: FastAPI) -> dict[str, Any]:
    """OpenAPI 3 of the routes that clients use."""
    found = get_openapi(title=app.title, version="1", routes=app.routes)
    paths = dict(sorted(found["paths"].items(), key=lambda item: list(SUMMARIES).index(item[0])))
    for path, operations in paths.items():
        for method, operation in operations.items():
            operation["summary"] = SUMMARIES[path][method]
            operation["tags"] = [path.split("/")[2]]
            operation["responses"].pop("422", None)  # nothing here is validated that way
    return {
        "openapi": found["openapi"],
        "info": found["info"],
        "paths": paths,
        "components": {"securitySchemes": {"basic": {"type": "http", "scheme": "basic"}}},
        "security": [{"basic": []}],
    }


def page(body: dict[str, Any]) -> str:
    """The operations of a document as a table."""
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


def add(app: FastAPI) -> None:
    """Adds both routes."""
    made = cache(partial(document, app))  # at the first request: most processes are never asked

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi() -> Response:
        return responses.json_answer(made())

    @app.get("/docs", include_in_schema=False)
    async def docs() -> Response:
        policy = "default-src 'none'; style-src 'unsafe-inline'"
        return HTMLResponse(page(made()), headers={"Content-Security-Policy": policy})
