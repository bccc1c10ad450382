"""The ASGI application: routes, and how errors look on the wire."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from fastapi import FastAPI, Request
from obstore.exceptions import BaseError as StoreError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect
from starlette.responses import PlainTextResponse, Response

from webjobs.store import ObjectStore
from webjobs.store.packages import PackageError
from webjobs_apiserver import packages, sites
from webjobs_apiserver.auth.credentials import Credentials, MountedCredentials, SecretCredentials
from webjobs_apiserver.auth.gate import Gate, Keeper
from webjobs_apiserver.auth.throttle import Throttle
from webjobs_apiserver.auth.tokens import Tokens
from webjobs_apiserver.config import ApiserverConfig
from webjobs_apiserver.errors import BadRequest, Busy, Missing, Refused, ServiceError, Stopped, TooLarge, Unavailable
from webjobs_apiserver.feed import Feed
from webjobs_apiserver.forwarded import Forwarded
from webjobs_apiserver.kudu import (
    appsettings,
    continuous,
    document,
    hooks,
    jobs,
    logstream,
    passthrough,
    responses,
    swagger,
    triggered,
    vfs,
    zips,
)
from webjobs_apiserver.kudu.paths import CanonicalPaths
from webjobs_apiserver.service import Clock, Service
from webjobs_apiserver.sites import Site, Sites
from webjobs_kube.client import KubeClient
from webjobs_kube.errors import ApiError, Invalid

log = logging.getLogger(__name__)

_RUN_ACTIVE = "Cannot start a new run since job is already running."
"""Contract, section 2.5: clients match on it."""
_SITE_STOPPED = 'WebJobs are currently in "stopped" state.'


def _utc_now() -> datetime:
    return datetime.now(UTC)


def create_app(*, config: ApiserverConfig, kube: KubeClient, store: ObjectStore, clock: Clock = _utc_now) -> FastAPI:
    """The application for all sites. ``clock`` gives aware datetimes."""
    keeper = _keeper(config, kube=kube, clock=clock)
    feed = Feed(kube, namespaces=keeper.credentials)
    service = Service.build(kube=kube, feed=feed, store=store, limits=config.limits, clock=clock)
    facade = jobs.Facade(service=service, site_of=sites.of_request)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with feed.running():
            yield

    app = FastAPI(
        title="WebJobs",
        lifespan=lifespan,
        openapi_url=None,  # our own, see kudu/document.py
        redirect_slashes=False,
        middleware=[
            Middleware(Forwarded, trusted=config.forwarded_allow_ips),
            Middleware(Gate, keeper=keeper),
            Middleware(CanonicalPaths),
        ],
    )
    endpoint = packages.PackageEndpoint(store, reviews=packages.TokenReviews(kube, clock=clock))
    app.include_router(packages.router(endpoint), include_in_schema=False)
    for router in (
        jobs.all_jobs(facade),
        jobs.jobs_of(facade, "triggered"),
        jobs.jobs_of(facade, "continuous"),
        triggered.router(facade),
        continuous.router(facade),
        vfs.router(facade),
        zips.router(facade),
        swagger.router(facade),
        appsettings.router(facade),
        logstream.router(facade),
        passthrough.router(facade),
        hooks.router(facade),
    ):
        app.include_router(router)
    document.add(app)
    _add_health(app, keeper.credentials[config.namespace], feed)
    _add_errors(app)
    return app


def _keeper(config: ApiserverConfig, *, kube: KubeClient, clock: Clock) -> Keeper:
    credentials: dict[str, Credentials] = {config.namespace: MountedCredentials(config.credentials_directory)}
    for site in config.sites:
        credentials[site.namespace] = SecretCredentials(
            kube, namespace=site.namespace, name=config.credentials_secret, clock=clock
        )
    default = Site(name=config.site, namespace=config.namespace)
    return Keeper(
        sites=Sites(by_host=config.host_map(), domain=sites.host_name(config.domain), default=default),
        credentials=credentials,
        tokens=Tokens(kube, clock=clock),
        throttle=Throttle(clock=clock),
    )


def _add_health(app: FastAPI, credentials: Credentials, feed: Feed) -> None:
    @app.get("/healthz", include_in_schema=False)
    async def healthz() -> Response:
        return PlainTextResponse("ok")

    @app.get("/readyz", include_in_schema=False)
    async def readyz() -> Response:
        # The API server is not asked: while it is down, clients shall see our 503 and not a dead address. Caches
        # that have been full once stay so in this sense.
        if not (await credentials.accounts()).usable:
            return PlainTextResponse("no credentials", status_code=503)
        if not feed.ready:
            return PlainTextResponse("not all jobs are known yet", status_code=503)
        return PlainTextResponse("ok")


def _add_errors(app: FastAPI) -> None:
    @app.exception_handler(ServiceError)
    async def service_error(request: Request, error: ServiceError) -> Response:
        match error:
            case Missing():
                return responses.empty(404)
            case Busy():
                return responses.text(_RUN_ACTIVE, status=409)
            case Stopped():
                return responses.text(_SITE_STOPPED, status=409)
            case Refused():
                return responses.http_error(error.message, status=409)
            case BadRequest():
                return responses.text(error.message, status=400)
            case TooLarge():
                return responses.text(error.message, status=413)
            case Unavailable():
                return responses.http_error(error.message, status=503)
        raise error

    @app.exception_handler(Invalid)
    async def invalid(request: Request, error: Invalid) -> Response:
        return responses.text(error.message, status=400)

    @app.exception_handler(ApiError)
    async def api_error(request: Request, error: ApiError) -> Response:
        # The API server's own words can name accounts and objects: for the log, not for the client.
        log.error("Kubernetes API: %s", error)
        return responses.http_error(f"The Kubernetes API did not do it ({error.reason}). Try again later.", status=503)

    @app.exception_handler(PackageError)
    async def package_error(request: Request, error: PackageError) -> Response:
        log.error("store: %s", error)
        return responses.http_error(f"A file can't be read: {error}.", status=503)

    @app.exception_handler(StoreError)
    @app.exception_handler(OSError)
    async def store_error(request: Request, error: Exception) -> Response:
        log.error("store: %s: %s", type(error).__name__, error)
        return responses.http_error("The store for packages and logs does not answer. Try again later.", status=503)

    @app.exception_handler(ClientDisconnect)
    async def gone(request: Request, error: ClientDisconnect) -> Response:
        return responses.empty(400)  # nobody reads it

    @app.exception_handler(HTTPException)
    async def no_route(request: Request, error: HTTPException) -> Response:
        if error.status_code in (404, 405):
            return responses.no_route(request)
        return responses.http_error(error.detail, status=error.status_code)

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> Response:
        return responses.http_error("An error has occurred.", status=500)
