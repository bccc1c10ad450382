"""All routes of the Kragle API."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fastapi import APIRouter, Request
from starlette.responses import Response

from webjobs_apiserver import sites
from webjobs_apiserver.auth.tickets import COOKIE, LIFETIME
from webjobs_apiserver.http.responses import json_answer
from webjobs_apiserver.kragle import answers, bodies, faults, requests
from webjobs_apiserver.kragle.faults import Fault
from webjobs_apiserver.kragle.middleware import LOGINS, ROOT
from webjobs_apiserver.service.schedules.jobs import Stack
from webjobs_apiserver.service.schedules.registry import Timing
from webjobs_apiserver.service.service import Service


def routers(service: Service) -> Sequence[APIRouter]:
    """Return all routes of the Kragle API."""
    return _logins(), _jobs(service), _schedules(service), _stacks(service)


def _logins() -> APIRouter:
    routes = APIRouter(prefix=ROOT)

    async def log_in(request: Request) -> Response:
        context = answers.context_of(request.scope)
        if context is None or context.login is None:  # the gate lets nobody else through
            raise Fault(faults.LOGIN, "The username or the password is wrong.")
        login = context.login
        answer = json_answer({"code": 0, "user_id": bodies.USER_IDS[login.role]})
        answer.set_cookie(
            COOKIE,
            login.ticket.text,
            max_age=int(LIFETIME.total_seconds()),
            path=ROOT,
            secure=True,
            httponly=True,
            samesite="strict",
        )
        answer.headers["Cache-Control"] = "no-store"
        return answer

    for path in LOGINS:
        routes.add_api_route(path, log_in, methods=["POST"])
    return routes


def _jobs(service: Service) -> APIRouter:
    jobs = service.scheduled
    routes = APIRouter(prefix=f"{ROOT}/jobs")

    @routes.get("")
    async def every(request: Request) -> Response:
        number = requests.page(request.url.query)
        found = [bodies.job(one) for one in await jobs.list(sites.of_request(request))]
        return json_answer(bodies.page("jobs", found, number=number))

    @routes.get("/byid/{identifier}")
    async def by_id(request: Request, identifier: str) -> Response:
        found = await jobs.get(sites.of_request(request), requests.number(identifier))
        return json_answer(bodies.job(found))

    @routes.get("/byname/{name:path}")
    async def by_name(request: Request, name: str) -> Response:
        return json_answer(bodies.job(await jobs.named(sites.of_request(request), name)))

    @routes.post("")
    async def create(request: Request) -> Response:
        wanted = requests.new_job(answers.body_of(request))
        return json_answer({"id": await jobs.create(sites.of_request(request), **wanted)})

    @routes.put("/{identifier}")
    async def change(request: Request, identifier: str) -> Response:
        number, changes = requests.number(identifier), requests.job_changes(answers.body_of(request))
        return json_answer(bodies.changed_job(await jobs.change(sites.of_request(request), number, changes)))

    @routes.delete("/{identifier}")
    async def delete(request: Request, identifier: str) -> Response:
        number = requests.number(identifier)
        is_queued = await jobs.delete(sites.of_request(request), number)
        return json_answer({"queued_for_deletion" if is_queued else "deleted": number})

    return routes


def _schedules(service: Service) -> APIRouter:
    jobs = service.scheduled
    routes = APIRouter(prefix=f"{ROOT}/schedules")

    @routes.get("")
    async def every(request: Request) -> Response:
        number = requests.page(request.url.query)
        found = await jobs.timings(sites.of_request(request))
        return json_answer(
            bodies.page("schedules", [bodies.schedule(one, timing) for one, timing in found.items()], number=number)
        )

    @routes.get("/byid/{identifier}")
    async def by_id(request: Request, identifier: str) -> Response:
        number = requests.number(identifier)
        return json_answer(bodies.schedule(number, await jobs.timing(sites.of_request(request), number)))

    @routes.post("")
    async def create(request: Request) -> Response:
        timing = requests.new_timing(answers.body_of(request))
        return json_answer({"id": await jobs.add_timing(sites.of_request(request), timing)})

    @routes.put("/{identifier}")
    async def change(request: Request, identifier: str) -> Response:
        number, body = requests.number(identifier), answers.body_of(request)

        def edit(before: Timing) -> Timing:
            return requests.changed_timing(before, body)

        return json_answer(bodies.schedule(number, await jobs.change_timing(sites.of_request(request), number, edit)))

    @routes.delete("/{identifier}")
    async def delete(request: Request, identifier: str) -> Response:
        # Not Kragle's: without it a Schedule could never be got rid of.
        number = requests.number(identifier)
        await jobs.drop_timing(sites.of_request(request), number)
        return json_answer({"deleted": number})

    return routes


def _stacks(service: Service) -> APIRouter:
    jobs = service.scheduled
    routes = APIRouter(prefix=f"{ROOT}/blockstacks")

    async def one(request: Request, fits: Callable[[Stack], bool]) -> Response:
        for stack in await jobs.stacks(sites.of_request(request)):
            if fits(stack):
                return json_answer(bodies.stack(stack))
        raise Fault(faults.MISSING, "There is no such Stack.")

    @routes.get("")
    async def every(request: Request) -> Response:
        number = requests.page(request.url.query)
        found = [bodies.stack(stack) for stack in await jobs.stacks(sites.of_request(request))]
        return json_answer(bodies.page("blockstacks", found, number=number))

    @routes.get("/byid/{identifier}")
    async def by_id(request: Request, identifier: str) -> Response:
        number = requests.number(identifier)
        return await one(request, lambda stack: stack.id == number)

    @routes.get("/byname/{name:path}")
    async def by_name(request: Request, name: str) -> Response:
        return await one(request, lambda stack: stack.job.is_called(name, "triggered"))

    return routes
