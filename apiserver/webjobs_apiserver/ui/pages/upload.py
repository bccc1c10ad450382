"""The page by which a job is made or gets other files, and the way back to earlier ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from starlette.requests import Request
from starlette.responses import Response

from webjobs.files import package_history
from webjobs.model import JobType
from webjobs.objects import Object
from webjobs_apiserver.errors import Refused
from webjobs_apiserver.service.jobs import Edit
from webjobs_apiserver.service.service import Service
from webjobs_apiserver.ui import addresses
from webjobs_apiserver.ui.door import Visitor
from webjobs_apiserver.ui.jobs.schedule_place import put_schedule
from webjobs_apiserver.ui.pages.deployments import pieces
from webjobs_apiserver.ui.rendering import Renderer
from webjobs_apiserver.ui.routing import FORM_BYTES, Routes, done, field_of, file_of, job_type
from webjobs_apiserver.ui.schedule_ahead import ScheduleAhead

_JOB = "/jobs/{kind}/{name}"


@dataclass(frozen=True, kw_only=True)
class NewJob:
    """What the fields for a new job hold, beside its file."""

    name: str = ""
    """Name of the job."""
    kind: JobType = "triggered"
    """Type of the job."""
    schedule: str = ""
    """Schedule as written; empty: that of settings.job, or none."""
    zone: str = ""
    """Time zone of the schedule; empty: the site's."""

    @classmethod
    async def sent(cls, request: Request) -> Self:
        """Return what a form holds; a continuous job has no schedule."""
        name = (await field_of(request, "name")).strip()
        if await field_of(request, "kind") == "continuous":
            return cls(name=name, kind="continuous")
        schedule, zone = (await field_of(request, "schedule")).strip(), (await field_of(request, "zone")).strip()
        return cls(name=name, schedule=schedule, zone=zone)

    def put(self, spec: Object) -> None:
        """Write schedule and time zone into the spec of an uploaded job; empty ones leave what is there."""
        if self.schedule:
            put_schedule(spec, "settings.job", self.schedule, zone=self.zone)
        elif self.zone:
            spec["timeZone"] = self.zone


def add(routes: Routes, *, service: Service, renderer: Renderer, ahead: ScheduleAhead) -> None:
    """Add the pages and their forms."""
    _add_new(routes, service, renderer, ahead)
    most = service.limits.upload_bytes + FORM_BYTES

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

    @routes.post(f"{_JOB}/files", stands_for="PUT /api/{kind}webjobs/{name}", most=most)
    async def upload(request: Request, visitor: Visitor) -> Response:
        return await _put(service, request, visitor, job_type(request), request.path_params["name"])

    @routes.post(f"{_JOB}/back", stands_for="PUT /api/{kind}webjobs/{name}")
    async def back(request: Request, visitor: Visitor) -> Response:
        kind, name = job_type(request), request.path_params["name"]
        job = await service.jobs.go_back(visitor.site, kind, name, await field_of(request, "digest"))
        return done(addresses.job(kind, job.name))


def _add_new(routes: Routes, service: Service, renderer: Renderer, ahead: ScheduleAhead) -> None:
    """Add the page of a new job, and its form."""

    async def new_job(request: Request, visitor: Visitor, texts: NewJob) -> Response:
        usual, shown = await ahead.of(visitor, texts.schedule, zone=texts.zone)
        return renderer.page(request, "upload.html", visitor=visitor, job=None, texts=texts, usual=usual, ahead=shown)

    @routes.get("/upload", stands_for="GET /api/webjobs")
    async def show_new(request: Request, visitor: Visitor) -> Response:
        return await new_job(request, visitor, NewJob())

    @routes.part("/upload/preview", stands_for="GET /api/webjobs")
    async def look_ahead(request: Request, visitor: Visitor) -> Response:
        return await ahead.fragment(request, visitor)

    # The right does not depend on the name, which is in the form.
    @routes.post("/upload", stands_for="PUT /api/triggeredwebjobs/any", most=service.limits.upload_bytes + FORM_BYTES)
    async def upload_new(request: Request, visitor: Visitor) -> Response:
        new = await NewJob.sent(request)
        if await field_of(request, "act") == "preview":
            return await new_job(request, visitor, new)
        await ahead.check(visitor, new.schedule, zone=new.zone)
        if await service.jobs.find(visitor.site, new.kind, new.name, scriptless=True):
            raise Refused(f"There is a {new.kind} job of that name already. Its own page gives it other files.")
        return await _put(service, request, visitor, new.kind, new.name, edit=new.put)


async def _put(
    service: Service, request: Request, visitor: Visitor, kind: JobType, name: str, *, edit: Edit | None = None
) -> Response:
    """Give a job the file of a form; return the answer that leads to its page."""
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
        edit=edit,
    )
    return done(addresses.job(kind, job.name))
