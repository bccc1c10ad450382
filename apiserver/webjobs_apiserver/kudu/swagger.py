"""Kudu's route ``/api/triggeredwebjobsswagger``: triggered jobs as Swagger 2.0, for Azure's connectors.

The document is that of docs/kudu-contract.md, section 2.4.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from webjobs_apiserver.http import responses
from webjobs_apiserver.kudu.jobs import Facade


def document(names: list[str]) -> dict[str, Any]:
    """Return the Swagger document for jobs; spelling and ``placeHolder`` are Kudu's."""
    return {
        "swagger": "2.0",
        "info": {"version": "v1", "title": "WebJobs"},
        "host": "placeHolder",
        "schemes": ["https"],
        "paths": {f"/api/triggeredjobs/{name}/run": {"post": _operation(name)} for name in names},
    }


def _operation(name: str) -> dict[str, Any]:
    return {
        "deprecated": False,
        "operationId": name,
        "consumes": [],
        "produces": [],
        "responses": {"200": {"description": "Success"}, "default": {"description": "Success"}},
        "parameters": [
            {
                "name": "arguments",
                "in": "query",
                "description": "Web Job Arguments",
                "required": False,
                "type": "string",
            }
        ],
    }


def router(facade: Facade) -> APIRouter:
    """Return the route of the Swagger document."""
    routes = APIRouter()

    @routes.get("/api/triggeredwebjobsswagger")
    async def swagger(request: Request) -> Response:
        jobs = await facade.service.jobs.list(facade.site_of(request), "triggered")
        return responses.json_answer(document([job.name for job in jobs]))

    return routes
