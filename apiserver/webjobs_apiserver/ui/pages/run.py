"""The page of one run: what it did and does, its log, and the forms by which it is ended and run again."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from webjobs_apiserver.errors import Missing
from webjobs_apiserver.service.service import Service
from webjobs_apiserver.ui import addresses, live
from webjobs_apiserver.ui.door import Abilities, Visitor
from webjobs_apiserver.ui.live import Parts
from webjobs_apiserver.ui.pages import run_log
from webjobs_apiserver.ui.rendering import Renderer
from webjobs_apiserver.ui.routing import Routes, done
from webjobs_apiserver.ui.runs.run_view import RunView
from webjobs_apiserver.watching.watch import Feed

_PATH = "/jobs/triggered/{name}/runs/{run_id}"
_STANDS_FOR = "GET /api/triggeredwebjobs/{name}/history/{run_id}"

_PARTS = {
    "run-head": "parts/run_head.html",
    "run-acts": "parts/run_acts.html",
    "run-facts": "parts/run_facts.html",
}
"""Templates of the parts of the page that change, by their ids."""


def add(routes: Routes, *, service: Service, feed: Feed, renderer: Renderer) -> None:
    """Add the page, its stream of changes and the form that ends the run."""

    async def view(request: Request, visitor: Visitor) -> RunView:
        name, run_id = request.path_params["name"], request.path_params["run_id"]
        job, run = await service.runs.get(visitor.site, name, run_id)
        return RunView.of(run, job_name=job.name)

    def parts_of(run: RunView, abilities: Abilities) -> Parts:
        return Parts(single={key: renderer.text(name, run=run, can=abilities) for key, name in _PARTS.items()})

    @routes.get(_PATH, stands_for=_STANDS_FOR)
    async def show(request: Request, visitor: Visitor) -> Response:
        seen = live.position(feed.changes(visitor.site.namespace).count)
        run = await view(request, visitor)
        return renderer.page(
            request,
            "run.html",
            visitor=visitor,
            run=run,
            parts=parts_of(run, visitor.can).single,
            live="" if run.ended else f"{run.url}/live?seen={seen}",
            api=addresses.api_run(run.job_name, run.run_id),
            file=addresses.log_file(run.job_name, run.run_id),
            log=await run_log.look(request, visitor, service, run=run),
        )

    @routes.part(f"{_PATH}/live", stands_for=_STANDS_FOR)
    async def changes(request: Request, visitor: Visitor) -> Response:
        await view(request, visitor)

        async def parts() -> Parts:
            try:
                return parts_of(await view(request, visitor), visitor.can)
            except Missing:
                return Parts()  # its history was cleared while somebody looks

        return live.answer(request, feed, visitor, parts=parts, stands_for=_STANDS_FOR.format_map(request.path_params))

    @routes.post(f"{_PATH}/cancel", stands_for="DELETE /api/triggeredwebjobs/{name}/history/{run_id}")
    async def cancel(request: Request, visitor: Visitor) -> Response:
        name, run_id = request.path_params["name"], request.path_params["run_id"]
        await service.runs.cancel(visitor.site, name, run_id, by=visitor.caller)
        return done(addresses.run(name, run_id))
