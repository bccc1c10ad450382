"""The routes of pages and forms: each says for which request to Kudu's API it stands, and is refused as that one is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Protocol
from urllib.parse import urlencode

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from webjobs.model import JobType
from webjobs.model.site.site_settings import SiteSettings
from webjobs_apiserver.auth.admission import Refusal
from webjobs_apiserver.errors import BadRequest, TooLarge
from webjobs_apiserver.sites import Site
from webjobs_apiserver.ui import addresses, sessions
from webjobs_apiserver.ui.door import Door, Visitor
from webjobs_apiserver.ui.rendering import HEADERS, Renderer

Handler = Callable[[Request, Visitor], Awaitable[Response]]
"""A function that answers a request of a visitor who may send it."""

FORM_BYTES = 2**20
"""Bytes that a form may have that sends no file."""
READER = "Your account may only read."
"""Message to a read-only account that sends a form."""
_OLD_FORM = "This page is of an earlier session, and nothing was changed. Go back, load it again and send it once more."
_ONCE_MORE = b'<!DOCTYPE html><title>WebJobs</title><meta http-equiv="refresh" content="0">'
"""Page for who follows a link of another site: a browser sends the cookie only from a page of this one."""
_TYPES: dict[str, JobType] = {"triggered": "triggered", "continuous": "continuous"}


class Told(Protocol):
    """An error as clients are told it."""

    @property
    def status(self) -> int:
        """HTTP status of the answer."""

    @property
    def message(self) -> str:
        """Sentence for the client."""


class Routes:
    """Collector of routes.

    ``settings_of``: returns the settings of a site. ``told``: returns what clients are told of an error, or raises it
    again.
    """

    def __init__(
        self,
        door: Door,
        renderer: Renderer,
        *,
        settings_of: Callable[[Site], Awaitable[SiteSettings]],
        told: Callable[[Exception], Told],
    ) -> None:
        self.collected: list[Route] = []
        """Routes so far."""
        self._door = door
        self._renderer = renderer
        self._settings_of = settings_of
        self._told = told

    def get(self, path: str, *, stands_for: str) -> Callable[[Handler], Handler]:
        """Return a decorator that makes a page of a function.

        ``stands_for``: method and path in Kudu's API, with the same names in braces as ``path``.
        """
        return self._route("GET", path, stands_for, is_page=True)

    def part(self, path: str, *, stands_for: str) -> Callable[[Handler], Handler]:
        """Return a decorator that makes of a function what belongs to a page: a part, a stream or a file.

        ``stands_for``: as with ``get``.
        """
        return self._route("GET", path, stands_for)

    def post(self, path: str, *, stands_for: str, most: int = FORM_BYTES) -> Callable[[Handler], Handler]:
        """Return a decorator that makes the action of a form of a function.

        ``stands_for``: as with ``get``. ``most``: bytes that the form may have.
        """
        return self._route("POST", path, stands_for, most=most)

    def _route(
        self, verb: str, path: str, stands_for: str, *, is_page: bool = False, most: int = 0
    ) -> Callable[[Handler], Handler]:
        method, _, api = stands_for.partition(" ")

        def register(handler: Handler) -> Handler:
            async def endpoint(request: Request) -> Response:
                if request.path_params.get("kind", "triggered") not in _TYPES:
                    return self._failed(request, None, status=404, message="There is no such page.")
                api_path = api.format_map(request.path_params)
                visitor = await self._door.enter(request, method=method, path=api_path)
                if isinstance(visitor, Refusal):
                    return self._refused(request, visitor)
                try:
                    if verb == "POST":
                        check_size(request, most=most)
                        if not await _is_own_form(request, visitor):
                            return self._failed(request, visitor, status=403, message=_OLD_FORM)
                    if is_page:
                        visitor = replace(visitor, settings=await self._known_settings(visitor.site))
                    return await handler(request, visitor)
                except Exception as error:
                    told = self._told(error)
                    message = told.message or "This is not there, or not any more."
                    return self._failed(request, visitor, status=told.status, message=message)
                finally:
                    await request.close()  # files of the form

            self.collected.append(Route(path, endpoint, methods=[verb], name=f"{verb} {path} {stands_for}"))
            return handler

        return register

    async def _known_settings(self, site: Site) -> SiteSettings | None:
        try:
            return await self._settings_of(site)
        except Exception as error:
            self._told(error)
            return None  # what the page is for may be there all the same

    def _refused(self, request: Request, refusal: Refusal) -> Response:
        if refusal.status == 401 and not refusal.is_reader:
            return _to_login(request)
        status = 403 if refusal.is_reader else refusal.status
        message = READER if refusal.is_reader else refusal.message
        headers = {"Retry-After": str(refusal.wait)} if refusal.wait else None
        return self._renderer.failure(request, None, status=status, message=message, headers=headers)

    def _failed(self, request: Request, visitor: Visitor | None, *, status: int, message: str) -> Response:
        return self._renderer.failure(request, visitor, status=status, message=message)


def job_type(request: Request) -> JobType:
    """Return the type of job in the path of a request."""
    return _TYPES[request.path_params.get("kind", "triggered")]


def done(address: str) -> Response:
    """Return the answer to a form that was carried out: the browser goes on to a page."""
    return RedirectResponse(address, status_code=303)


async def field_of(request: Request, name: str) -> str:
    """Return a field of a form; empty when it is not there."""
    value = (await request.form()).get(name)
    return value if isinstance(value, str) else ""


async def file_of(request: Request, name: str) -> UploadFile:
    """Return a file of a form. Raises BadRequest when none was chosen."""
    value = (await request.form()).get(name)
    if not isinstance(value, UploadFile) or not value.filename:
        raise BadRequest("Choose a file.")
    return value


def check_size(request: Request, *, most: int) -> None:
    """Raise TooLarge for a form that is larger than it may be, or does not say how large it is."""
    length = request.headers.get("content-length", "")
    if not (length.isascii() and length.isdecimal()) or int(length[:20]) > most:
        raise TooLarge(f"The form has more than {most} bytes, or does not say how many.")


async def _is_own_form(request: Request, visitor: Visitor) -> bool:
    given = request.headers.get(sessions.HEADER)
    if given is None:
        given = await field_of(request, sessions.FIELD)
    return sessions.is_token(visitor.session, given)


def _to_login(request: Request) -> Response:
    here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    address = f"{addresses.LOGIN}?{urlencode({'next': here})}" if request.method == "GET" else addresses.LOGIN
    if "hx-request" in request.headers:
        return Response(status_code=401, headers={"HX-Redirect": addresses.LOGIN})
    if request.method == "GET" and request.headers.get("sec-fetch-site") == "cross-site":
        return HTMLResponse(_ONCE_MORE, headers=HEADERS)
    return RedirectResponse(address, status_code=303)
