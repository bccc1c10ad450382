"""The deployments of a site: what was deployed, its log, a new one, what a zip holds, and an earlier one again."""

from __future__ import annotations

from collections.abc import AsyncIterator

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response

from webjobs_apiserver.errors import BadRequest
from webjobs_apiserver.service.deployments.deployments import Asked
from webjobs_apiserver.service.deployments.records import FAILED, SUCCESS, Deployment
from webjobs_apiserver.service.service import Service
from webjobs_apiserver.ui import addresses
from webjobs_apiserver.ui.door import Visitor
from webjobs_apiserver.ui.rendering import Renderer
from webjobs_apiserver.ui.routing import FORM_BYTES, Routes, done, field_of, file_of

_DEPLOYER = "Dashboard"
_STATES = {FAILED: "Failed", SUCCESS: "Success"}


def state_of(one: Deployment) -> str:
    """Return the state of a deployment in the words of runs."""
    return _STATES.get(one.status, "Running")


async def pieces(file: UploadFile, *, size: int = 2**16) -> AsyncIterator[bytes]:
    """Yield the content of a file that was sent."""
    while piece := await file.read(size):
        yield piece


def add(routes: Routes, *, service: Service, renderer: Renderer) -> None:
    """Add the pages and their forms."""
    deployments = service.deployments
    most = service.limits.upload_bytes + FORM_BYTES

    @routes.get("/deployments", stands_for="GET /api/deployments")
    async def show(request: Request, visitor: Visitor) -> Response:
        state = await deployments.all(visitor.site)
        return renderer.page(
            request,
            "deployments.html",
            visitor=visitor,
            state=state,
            state_of=state_of,
        )

    @routes.get("/deployments/{id}", stands_for="GET /api/deployments/{id}")
    async def show_one(request: Request, visitor: Visitor) -> Response:
        state = await deployments.all(visitor.site)
        one = state.named(request.path_params["id"])
        return renderer.page(
            request,
            "deployment.html",
            visitor=visitor,
            one=one,
            state_of=state_of,
            is_active=one.id == state.active,
        )

    @routes.post("/deployments", stands_for="POST /api/zipdeploy", most=most)
    async def deploy(request: Request, visitor: Visitor) -> Response:
        file = await file_of(request, "zip")
        clean = await field_of(request, "clean") == "yes"
        message = (await field_of(request, "message")).strip() or (file.filename or "")[:200]
        asked = Asked(deployer=_DEPLOYER, author=visitor.name, message=message[:1000], clean=clean)
        one = await deployments.deploy(visitor.site, asked, body=pieces(file), size=file.size)
        return done(addresses.deployment(one.id))

    @routes.post("/deployments/verdicts", stands_for="POST /api/zipdeploy", most=most)
    async def look(request: Request, visitor: Visitor) -> Response:
        file = await file_of(request, "zip")
        jobs = await service.verdicts.of_zip(visitor.site, body=pieces(file), size=file.size)
        fine = sum(one.verdict.fitness == "fine" for one in jobs)
        return renderer.page(request, "verdicts.html", visitor=visitor, jobs=jobs, fine=fine)

    @routes.post("/deployments/{id}/again", stands_for="PUT /api/deployments/{id}")
    async def again(request: Request, visitor: Visitor) -> Response:
        identifier = request.path_params["id"]
        if await field_of(request, "sure") != "yes":
            raise BadRequest("Nothing was deployed: say that you are sure.")
        one = await deployments.again(visitor.site, identifier)
        return done(addresses.deployment(one.id))
