"""Kudu's routes that both types of jobs have: list, get, upload, delete, settings; and the list of all."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from fastapi import APIRouter, Request
from starlette.responses import Response

from webjobs.model import JobType, job_settings
from webjobs.objects import Object
from webjobs_apiserver.errors import BadRequest, TooLarge
from webjobs_apiserver.http import disposition, responses
from webjobs_apiserver.kudu import bodies
from webjobs_apiserver.kudu.listing import Listing
from webjobs_apiserver.service.jobs import Job
from webjobs_apiserver.service.service import Service
from webjobs_apiserver.sites import Site

_ZIP = "application/zip"
_JSON_TYPES = ("application/json", "text/json")
_NO_FILE_NAME = "Missing Content-Disposition header."


@dataclass(frozen=True, kw_only=True)
class Facade:
    """The service, and the bodies of Kudu's answers, for the routers."""

    service: Service
    """Operations on sites."""
    site_of: Callable[[Request], Site]
    """Function that returns the site of a request."""
    listing: Listing = field(default_factory=Listing)
    """Renderer of the lists of jobs."""

    async def body(self, request: Request, job: Job) -> bodies.Body:
        """Return the object of a job."""
        base = responses.base_url(request)
        if job.webjob.spec.type == "continuous":
            return bodies.continuous(job, base=base)
        latest = await self.service.runs.latest_of(self.site_of(request), job)
        return bodies.triggered(job, latest=latest, base=base, now=self.service.clock())

    async def list_answer(self, request: Request, job_type: JobType | None) -> Response:
        """Return the list of all jobs (of a type) as a response.

        It comes from memory or takes two reads, however many jobs there are.
        """
        site = self.site_of(request)
        jobs = await self.service.jobs.list(site, job_type)
        has_triggered = any(job.webjob.spec.type == "triggered" for job in jobs)
        rendered = self.listing.render(
            (site.namespace, job_type or ""),
            jobs,
            latest=await self.service.runs.latest(site) if has_triggered else {},
            base=responses.base_url(request),
            now=self.service.clock(),
        )
        return responses.tagged(request, rendered.body, etag=rendered.etag)


def media_type(request: Request) -> str:
    """Return the content type of a request without parameters, in lower case; empty when there is none."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def announced_size(request: Request) -> int | None:
    """Return Content-Length of a request; None when it is missing (chunked) or no number."""
    length = request.headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdecimal() else None


async def read_body(request: Request, *, limit: int, what: str = "The settings have") -> bytes:
    """Return a small body.

    Raises TooLarge beyond ``limit`` bytes. ``what``: begin of its sentence.
    """
    content = bytearray()
    async for piece in request.stream():
        content += piece
        if len(content) > limit:
            raise TooLarge(f"{what} more than {limit} bytes.")
    return bytes(content)


def object_of(content: bytes, *, otherwise: str) -> Object:
    """Return the JSON object in a body; an empty one for a body without anything.

    Raises BadRequest with the sentence ``otherwise`` for all else.
    """
    if not content.strip():
        return {}
    try:
        given = json.loads(content)
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise BadRequest(otherwise)
    return given


def load_settings(content: bytes) -> Object:
    """Return the object in a body that is to change a job's settings.

    Raises BadRequest where it can't be read.
    """
    try:
        return job_settings.load_file(content)
    except job_settings.Unreadable as error:
        raise BadRequest(f"The settings stay as they are. {error}") from None


def all_jobs(facade: Facade) -> APIRouter:
    """Return the route ``/api/webjobs``: jobs of both types."""
    routes = APIRouter()

    @routes.get("/api/webjobs")
    async def every(request: Request) -> Response:
        return await facade.list_answer(request, None)

    return routes


def jobs_of(facade: Facade, job_type: JobType) -> APIRouter:
    """Return the routes that jobs of each type have."""
    service = facade.service
    routes = APIRouter(prefix=f"/api/{job_type}webjobs")

    @routes.get("")
    async def every(request: Request) -> Response:
        return await facade.list_answer(request, job_type)

    @routes.get("/{name}")
    async def get(request: Request, name: str) -> Response:
        job = await service.jobs.get(facade.site_of(request), job_type, name)
        return responses.json_answer(await facade.body(request, job))

    @routes.put("/{name}")
    async def put(request: Request, name: str) -> Response:
        file_name = disposition.file_name(request.headers.get("content-disposition"))
        if file_name is None:
            raise BadRequest(_NO_FILE_NAME)
        job = await service.uploads.put(
            facade.site_of(request),
            job_type,
            name,
            file_name=file_name,
            is_zip=media_type(request) == _ZIP,
            body=request.stream(),
            size=announced_size(request),
        )
        return responses.json_answer(await facade.body(request, job))

    @routes.delete("/{name}")
    async def delete(request: Request, name: str) -> Response:
        await service.jobs.delete(facade.site_of(request), job_type, name)
        return responses.empty()

    @routes.get("/{name}/script")
    async def script(request: Request, name: str) -> Response:
        # Not Kudu's: who moves a batch file wants to see what runs.
        site = facade.site_of(request)
        job = await service.jobs.get(site, job_type, name)
        return Response(await service.reading.translated_script(site, job), media_type="text/plain")

    @routes.get("/{name}/settings")
    async def get_settings(request: Request, name: str) -> Response:
        job = await service.jobs.find(facade.site_of(request), job_type, name, scriptless=True)
        return responses.json_answer((job.webjob.spec.settings or {}) if job else {})

    @routes.put("/{name}/settings")
    async def put_settings(request: Request, name: str) -> Response:
        content = await read_body(request, limit=service.limits.settings_bytes)
        if content and media_type(request) not in _JSON_TYPES:
            given = media_type(request) or "application/octet-stream"
            message = f"The request entity's media type '{given}' is not supported for this resource."
            return responses.http_error(message, status=415)
        settings = load_settings(content)  # as Kudu: nothing, and null, wipe the settings
        await service.jobs.set_settings(facade.site_of(request), job_type, name, settings)
        return responses.empty()

    return routes
