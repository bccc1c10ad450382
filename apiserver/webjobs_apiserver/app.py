"""The ASGI application: its routes, and the middleware before them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse, Response

from webjobs.store import ObjectStore
from webjobs.times import utc_now
from webjobs_apiserver import failures, metrics, sites
from webjobs_apiserver.arm import login
from webjobs_apiserver.arm import routers as arm
from webjobs_apiserver.arm.paths import ArmPaths
from webjobs_apiserver.auth.authenticator import Keeper
from webjobs_apiserver.auth.credentials import Credentials, MountedCredentials, SecretCredentials
from webjobs_apiserver.auth.oidc.issuer import Issuer
from webjobs_apiserver.auth.throttle import Throttle
from webjobs_apiserver.auth.tokens import Tokens
from webjobs_apiserver.auth_middleware import OPEN_PATHS, Gate
from webjobs_apiserver.config import ApiserverConfig
from webjobs_apiserver.http.access_log import AccessLog
from webjobs_apiserver.http.browsers import Browsers
from webjobs_apiserver.http.forwarded import Forwarded
from webjobs_apiserver.http.paths import CanonicalPaths
from webjobs_apiserver.kragle import operations as kragle_operations
from webjobs_apiserver.kragle import routes as kragle_routes
from webjobs_apiserver.kragle.middleware import KragleGate
from webjobs_apiserver.kudu import (
    app_settings,
    backup,
    continuous,
    document,
    hooks,
    jobs,
    log_stream,
    passthrough,
    site_info,
    swagger,
    triggered,
)
from webjobs_apiserver.kudu.deployments import publish_profile, publishing, records
from webjobs_apiserver.kudu.files import vfs, zips
from webjobs_apiserver.kudu.operations import OPERATIONS
from webjobs_apiserver.metrics import Measured, Routed
from webjobs_apiserver.pods import packages
from webjobs_apiserver.service.service import Clock, Service
from webjobs_apiserver.sites import Site, Sites
from webjobs_apiserver.ui.app import ui_routes
from webjobs_apiserver.watching.watch import Feed
from webjobs_kube.client import KubeClient


def create_app(*, config: ApiserverConfig, kube: KubeClient, store: ObjectStore, clock: Clock = utc_now) -> FastAPI:
    """Return the application for all sites.

    ``clock`` gives aware datetimes.
    """
    keeper = _keeper(config, kube=kube, clock=clock)
    feed = Feed(kube, namespaces=keeper.credentials)
    for namespace in keeper.credentials:
        metrics.WATCH_AGE.labels(namespace).set_function(partial(feed.age, namespace))
    service = _service(config, kube=kube, feed=feed, store=store, clock=clock)
    kragle = config.kragle.enabled
    kragle_gate = [Middleware(KragleGate, keeper=keeper, mode=config.kragle.http_status)] if kragle else []
    facade = jobs.Facade(service=service, site_of=sites.of_request)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with feed.running(), service.deployments.running():
            yield

    app = FastAPI(
        title="WebJobs",
        lifespan=lifespan,
        openapi_url=None,  # our own, see kudu/document.py
        redirect_slashes=False,
        middleware=[
            Middleware(Forwarded, trusted=config.forwarded_allow_ips),
            Middleware(AccessLog, quiet=OPEN_PATHS),
            Middleware(Measured),
            Middleware(CanonicalPaths),
            Middleware(Browsers),
            Middleware(ArmPaths),
            *kragle_gate,
            Middleware(Gate, keeper=keeper),
            Middleware(Routed),
        ],
    )
    endpoint = packages.PackageEndpoint(store, tokens=keeper.tokens, throttle=keeper.throttle)
    app.include_router(packages.router(endpoint), include_in_schema=False)
    for router in (login.router(keeper), *arm.routers(service, keeper)):
        app.include_router(router, include_in_schema=False)  # Azure's own documents describe them
    for router in (
        jobs.all_jobs(facade),
        jobs.jobs_of(facade, "triggered"),
        jobs.jobs_of(facade, "continuous"),
        triggered.router(facade),
        continuous.router(facade),
        vfs.router(facade),
        zips.router(facade),
        swagger.router(facade),
        app_settings.router(facade),
        log_stream.router(facade),
        passthrough.router(facade),
        hooks.router(facade),
        backup.router(facade),
        publishing.router(facade),
        records.router(facade),
        site_info.router(facade),
        publish_profile.router(keeper),
    ):
        app.include_router(router)
    for router in kragle_routes.routers(service) if kragle else ():
        app.include_router(router)
    if config.ui.enabled:
        issuer = Issuer(config.ui.oidc, clock=clock) if config.ui.oidc else None
        app.router.routes.extend(ui_routes(service=service, feed=feed, keeper=keeper, issuer=issuer, told=failures.of))
    document.add(app, OPERATIONS | kragle_operations.OPERATIONS if kragle else OPERATIONS)
    _add_health(app, keeper.credentials[config.namespace], feed)
    failures.add(app)
    return app


def _service(config: ApiserverConfig, *, kube: KubeClient, feed: Feed, store: ObjectStore, clock: Clock) -> Service:
    return Service.build(
        kube=kube,
        feed=feed,
        store=store,
        limits=config.limits,
        job_limits=config.job_limits,
        clock=clock,
        destinations=config.hooks.destinations(),
        sources=config.package_uri.destinations(),
    )


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
        clock=clock,
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
