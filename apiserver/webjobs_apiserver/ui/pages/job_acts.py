"""What is done with a job by the forms of its page, through the same service as by the REST API."""

from __future__ import annotations

from functools import partial
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from webjobs import names
from webjobs.model import JobType
from webjobs.model.command_line import split_arguments
from webjobs.objects import Object
from webjobs.runs import runs
from webjobs_apiserver.errors import BadRequest, Busy
from webjobs_apiserver.service.jobs import Job
from webjobs_apiserver.service.service import Service
from webjobs_apiserver.ui import addresses
from webjobs_apiserver.ui.door import Visitor
from webjobs_apiserver.ui.once import Once
from webjobs_apiserver.ui.rendering import Renderer
from webjobs_apiserver.ui.routing import Routes, done, field_of, job_type

TRIGGER = "External - dashboard"
"""What starts a run, in Kudu's words: it names the client after the dash."""
MOST_INSTANCES = 200
"""Most instances that a form asks for: as many as the status of a WebJob tells of."""
_LONGEST_QUERY = 4000
"""Longest arguments that are shown by an address."""
_RUN = "POST /api/triggeredwebjobs/{name}/run"
_SUSPEND = "PUT /api/triggeredwebjobs/{name}/settings"
_SCALE = "PUT /api/continuouswebjobs/{name}/settings"


def add(routes: Routes, *, service: Service, renderer: Renderer, once: Once[tuple[Job, str]]) -> None:
    """Add the actions of the forms. ``once``: the memory of the runs that forms have started."""
    _add_run(routes, service=service, renderer=renderer, once=once)
    for verb, stopped in (("start", False), ("stop", True)):
        _add_stop(routes, service, verb=verb, stopped=stopped)
    for verb, suspend in (("suspend", True), ("resume", False)):
        _add_suspend(routes, service, verb=verb, suspend=suspend)
    _add_scale(routes, service)
    _add_delete(routes, service)


def _add_run(routes: Routes, *, service: Service, renderer: Renderer, once: Once[tuple[Job, str]]) -> None:
    @routes.post("/jobs/triggered/{name}/run", stands_for=_RUN)
    async def run(request: Request, visitor: Visitor) -> Response:
        name, arguments = _name(request), await field_of(request, "arguments")
        sent = await field_of(request, "once")
        start = partial(
            service.runs.start, visitor.site, name, arguments=arguments or None, trigger=TRIGGER, by=visitor.caller
        )
        key = (visitor.session.text, visitor.site.namespace, names.fold(name), arguments, sent)
        try:
            job, run_id = await once.do(key, start) if sent else await start()
        except Busy:
            return await busy(request, visitor)
        return done(addresses.run(job.name, run_id))

    async def busy(request: Request, visitor: Visitor) -> Response:
        """Return the page that leads to the run that goes on."""
        job = await service.jobs.get(visitor.site, "triggered", _name(request))
        latest = await service.runs.latest_of(visitor.site, job)
        goes_on = addresses.run(job.name, runs.run_id(latest)) if latest and not latest.ended else None
        back = addresses.job("triggered", job.name)
        return renderer.page(
            request, "job_busy.html", visitor=visitor, status=409, name=job.name, goes_on=goes_on, back=back
        )

    @routes.get("/jobs/triggered/{name}/split", stands_for="GET /api/triggeredwebjobs/{name}")
    async def split(request: Request, visitor: Visitor) -> Response:
        words = split_arguments(request.query_params.get("arguments"))
        return renderer.page(request, "parts/split.html", visitor=visitor, words=words)

    @routes.post("/jobs/triggered/{name}/split", stands_for=_RUN)
    async def show_split(request: Request, visitor: Visitor) -> Response:
        arguments = await field_of(request, "arguments")
        if len(arguments) > _LONGEST_QUERY:
            raise BadRequest(f"Arguments of more than {_LONGEST_QUERY} characters can't be shown. They can be run.")
        query = urlencode({"arguments": arguments})
        return done(f"{addresses.job('triggered', _name(request))}?{query}#run")


def _add_stop(routes: Routes, service: Service, *, verb: str, stopped: bool) -> None:
    path = f"/jobs/continuous/{{name}}/{verb}"

    @routes.post(path, stands_for=f"POST /api/continuouswebjobs/{{name}}/{verb}")
    async def act(request: Request, visitor: Visitor) -> Response:
        await service.jobs.set_stopped(visitor.site, _name(request), stopped=stopped)
        return done(addresses.job("continuous", _name(request)))


def _add_suspend(routes: Routes, service: Service, *, verb: str, suspend: bool) -> None:
    def edit(spec: Object) -> None:
        spec["suspend"] = suspend

    @routes.post(f"/jobs/triggered/{{name}}/{verb}", stands_for=_SUSPEND)
    async def act(request: Request, visitor: Visitor) -> Response:
        await service.jobs.change(visitor.site, "triggered", _name(request), edit)
        return done(addresses.job("triggered", _name(request)))


def _add_scale(routes: Routes, service: Service) -> None:
    @routes.post("/jobs/continuous/{name}/scale", stands_for=_SCALE)
    async def scale(request: Request, visitor: Visitor) -> Response:
        given = await field_of(request, "replicas")
        wanted = int(given) if given.isascii() and given.isdecimal() and len(given) < 5 else -1
        if not 0 <= wanted <= MOST_INSTANCES:
            raise BadRequest(f"Write a number of instances from 0 to {MOST_INSTANCES}.")
        job = await service.jobs.get(visitor.site, "continuous", _name(request), fresh=True)
        if job.webjob.singleton:
            raise BadRequest("The job is a singleton: it has one instance at most.")

        def edit(spec: Object) -> None:
            spec["replicas"] = wanted

        await service.jobs.change(visitor.site, "continuous", job.name, edit)
        return done(addresses.job("continuous", job.name))


def _add_delete(routes: Routes, service: Service) -> None:
    @routes.post("/jobs/{kind}/{name}/delete", stands_for="DELETE /api/{kind}webjobs/{name}")
    async def delete(request: Request, visitor: Visitor) -> Response:
        kind: JobType = job_type(request)
        job = await service.jobs.get(visitor.site, kind, _name(request), scriptless=True)
        if (await field_of(request, "name")).strip() != job.name:
            raise BadRequest(f"Nothing was deleted: what was typed is not the name of the job, {job.name}.")
        await service.jobs.delete(visitor.site, kind, job.name)
        return done(addresses.JOBS)


def _name(request: Request) -> str:
    name: str = request.path_params["name"]
    return name
