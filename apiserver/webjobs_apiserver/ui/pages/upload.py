"""The page by which a job is made or gets other files, and the way back to earlier ones."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from webjobs.files import package_history
from webjobs.model import JobType
from webjobs_apiserver.errors import Refused
from webjobs_apiserver.service.service import Service
from webjobs_apiserver.ui import addresses
from webjobs_apiserver.ui.door import Visitor
from webjobs_apiserver.ui.pages.deployments import pieces
from webjobs_apiserver.ui.rendering import Renderer
from webjobs_apiserver.ui.routing import FORM_BYTES, Routes, done, field_of, file_of, job_type

_JOB = "/jobs/{kind}/{name}"


def add(routes: Routes, *, service: Service, renderer: Renderer) -> None:
    """Add the pages and their forms."""
    most = service.limits.upload_bytes + FORM_BYTES

    @routes.get("/upload", stands_for="GET /api/webjobs")
    async def show_new(request: Request, visitor: Visitor) -> Response:
        return renderer.page(request, "upload.html", visitor=visitor, job=None)

    @routes.get(f"{_JOB}/files", stands_for="GET /api/{kind}webjobs/{name}")
    async def show(request: Request, visitor: Visitor) -> Response:
        job = await service.jobs.get(visitor.site, job_type(request), request.path_params["name"], scriptless=True)
        return renderer.page(
            request,
            "upload.html",
            visitor=visitor,
            job=job,
            package=job.webjob.spec.package,
            earlier=package_history.of(job.raw),
        )

    async def put(request: Request, visitor: Visitor, *, kind: JobType, name: str) -> Response:
        file = await file_of(request, "file")
        file_name = file.filename or ""
        job = await service.uploads.put(
            visitor.site,
            kind,
            name,
            file_name=file_name,
            is_zip=file_name.lower().endswith(".zip"),
            body=pieces(file),
            size=file.size,
        )
        return done(addresses.job(kind, job.name))

    @routes.post(f"{_JOB}/files", stands_for="PUT /api/{kind}webjobs/{name}", most=most)
    async def upload(request: Request, visitor: Visitor) -> Response:
        return await put(request, visitor, kind=job_type(request), name=request.path_params["name"])

    # The right does not depend on the name, which is in the form.
    @routes.post("/upload", stands_for="PUT /api/triggeredwebjobs/any", most=most)
    async def upload_new(request: Request, visitor: Visitor) -> Response:
        kind: JobType = "continuous" if await field_of(request, "kind") == "continuous" else "triggered"
        name = (await field_of(request, "name")).strip()
        if await service.jobs.find(visitor.site, kind, name, scriptless=True):
            raise Refused(f"There is a {kind} job of that name already. Its own page gives it other files.")
        return await put(request, visitor, kind=kind, name=name)

    @routes.post(f"{_JOB}/back", stands_for="PUT /api/{kind}webjobs/{name}")
    async def back(request: Request, visitor: Visitor) -> Response:
        kind, name = job_type(request), request.path_params["name"]
        job = await service.jobs.go_back(visitor.site, kind, name, await field_of(request, "digest"))
        return done(addresses.job(kind, job.name))
