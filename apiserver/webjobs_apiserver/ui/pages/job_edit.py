"""The page by which the schedule and the settings of a job are changed, with a look ahead before they are saved."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from starlette.requests import Request
from starlette.responses import Response

from webjobs.model import JobType, job_settings
from webjobs_apiserver.errors import BadRequest, Changed, TooLarge
from webjobs_apiserver.service.jobs import Job
from webjobs_apiserver.service.service import Service
from webjobs_apiserver.ui import addresses
from webjobs_apiserver.ui.door import Visitor
from webjobs_apiserver.ui.jobs.schedule_place import place_of_schedule, put_schedule
from webjobs_apiserver.ui.rendering import Renderer
from webjobs_apiserver.ui.routing import Routes, Told, done, field_of, job_type
from webjobs_apiserver.ui.schedule_ahead import ScheduleAhead

_READ = "GET /api/{kind}webjobs/{name}/settings"
_READ_TRIGGERED = "GET /api/triggeredwebjobs/{name}/settings"
_WRITE = "PUT /api/{kind}webjobs/{name}/settings"


@dataclass(frozen=True, kw_only=True)
class Texts:
    """What the fields of the page hold."""

    schedule: str
    """Schedule as written; empty: none."""
    zone: str
    """Time zone of the schedule; empty: the site's."""
    settings: str
    """settings.job as JSON."""
    version: str
    """Version of the job of which the fields were made."""

    @classmethod
    def of(cls, job: Job) -> Texts:
        """Return the texts of a job as it is."""
        webjob = job.webjob
        return cls(
            schedule=webjob.schedule or "",
            zone=webjob.spec.time_zone or "",
            settings=json.dumps(webjob.spec.settings or {}, indent=2, ensure_ascii=False),
            version=job.version,
        )


class Editor:
    """Renders the page, and saves what its forms say."""

    def __init__(
        self, *, service: Service, renderer: Renderer, ahead: ScheduleAhead, told: Callable[[Exception], Told]
    ) -> None:
        self._service = service
        self._renderer = renderer
        self._ahead = ahead
        self._told = told

    async def page(self, request: Request, visitor: Visitor) -> Response:
        """Return the page of the job in the path of a request."""
        kind, name = job_type(request), request.path_params["name"]
        job = await self._service.jobs.get(visitor.site, kind, name, scriptless=True)
        return await self._shown(request, visitor, job, Texts.of(job))

    async def save(self, request: Request, visitor: Visitor) -> Response:
        """Save one of the forms, or show the page again with what is wrong about it."""
        kind, name = job_type(request), request.path_params["name"]
        job = await self._service.jobs.get(visitor.site, kind, name, scriptless=True)
        sent = replace(Texts.of(job), version=await field_of(request, "version"))
        what, act = await field_of(request, "what"), await field_of(request, "act")
        is_schedule = what == "schedule" and kind == "triggered"
        if is_schedule:
            sent = replace(sent, schedule=await field_of(request, "schedule"), zone=await field_of(request, "zone"))
        elif what == "settings":
            sent = replace(sent, settings=await field_of(request, "settings"))
        else:
            raise BadRequest("This form says neither a schedule nor settings.")
        if act == "preview":
            return await self._shown(request, visitor, job, sent)
        try:
            save = self._save_schedule if is_schedule else self._save_settings
            await save(visitor, kind, job, sent)
        except Changed:
            now = await self._service.jobs.get(visitor.site, kind, name, scriptless=True, fresh=True)
            mine = replace(sent, version=now.version)  # who has seen both texts may save the own one
            return await self._shown(request, visitor, now, mine, status=409, conflict=True, what=what)
        except Exception as error:
            told = self._told(error)
            return await self._shown(request, visitor, job, sent, status=told.status, message=told.message, what=what)
        return done(addresses.job(kind, job.name))

    async def _save_schedule(self, visitor: Visitor, kind: JobType, job: Job, sent: Texts) -> None:
        schedule, zone = sent.schedule.strip(), sent.zone.strip()
        await self._ahead.check(visitor, schedule, zone=zone)
        place = place_of_schedule(job.webjob)
        edit = partial(put_schedule, place=place, schedule=schedule, zone=zone)
        await self._service.jobs.change(visitor.site, kind, job.name, edit, version=sent.version)

    async def _save_settings(self, visitor: Visitor, kind: JobType, job: Job, sent: Texts) -> None:
        content, most = sent.settings.encode("utf-8", "replace"), self._service.limits.settings_bytes
        if len(content) > most:
            raise TooLarge(f"The settings have more than {most} bytes.")
        try:
            settings = job_settings.load_file(content)
        except job_settings.Unreadable as error:
            raise BadRequest(f"The settings stay as they are. {error}") from None
        await self._service.jobs.set_settings(visitor.site, kind, job.name, settings, version=sent.version)

    async def _shown(
        self,
        request: Request,
        visitor: Visitor,
        job: Job,
        texts: Texts,
        *,
        status: int = 200,
        message: str = "",
        conflict: bool = False,
        what: str = "",
    ) -> Response:
        kind = job.webjob.spec.type
        usual, ahead = await self._ahead.of(visitor, texts.schedule, zone=texts.zone)
        own = job.webjob.job_settings.schedule if job.webjob.spec.schedule else None
        return self._renderer.page(
            request,
            "job_edit.html",
            visitor=visitor,
            status=status,
            job=job,
            kind=kind,
            job_url=addresses.job(kind, job.name),
            texts=texts,
            now=Texts.of(job),
            conflict=conflict,
            what=what,
            message=message,
            where=place_of_schedule(job.webjob),
            beside=own,
            usual=usual,
            ahead=ahead,
        )


def add(routes: Routes, editor: Editor, *, ahead: ScheduleAhead) -> None:
    """Add the page, its form and its look ahead."""

    @routes.get("/jobs/{kind}/{name}/edit", stands_for=_READ)
    async def show(request: Request, visitor: Visitor) -> Response:
        return await editor.page(request, visitor)

    @routes.post("/jobs/{kind}/{name}/edit", stands_for=_WRITE)
    async def save(request: Request, visitor: Visitor) -> Response:
        return await editor.save(request, visitor)

    @routes.part("/jobs/triggered/{name}/preview", stands_for=_READ_TRIGGERED)
    async def look_ahead(request: Request, visitor: Visitor) -> Response:
        return await ahead.fragment(request, visitor)
