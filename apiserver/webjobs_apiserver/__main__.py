"""The REST shim's process: ``python -m webjobs_apiserver --config FILE``."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import resource
import ssl
from functools import partial
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from webjobs.store import UMASK, open_store
from webjobs.times import utc_now
from webjobs_apiserver import config as configuration
from webjobs_apiserver import metrics
from webjobs_apiserver.app import create_app
from webjobs_apiserver.config import ApiserverConfig, TlsConfig
from webjobs_apiserver.http.addresses import networks
from webjobs_apiserver.http.connection import protocol
from webjobs_apiserver.http.crowd import Crowd
from webjobs_apiserver.http.destinations import Destinations
from webjobs_apiserver.http.server import Beside, Server
from webjobs_apiserver.kudu.hooks import posted
from webjobs_apiserver.service.hooks import hook_requests
from webjobs_apiserver.service.hooks.hook_delivery import Delivery
from webjobs_apiserver.service.hooks.hooks import Hooks
from webjobs_apiserver.service.jobs import Jobs
from webjobs_apiserver.sites import Site
from webjobs_apiserver.tls import InClear, handshakes, reload_on_change
from webjobs_apiserver.watching.watch import Feed
from webjobs_kube.client import KubeClient
from webjobs_kube.tasks import cancelled

log = logging.getLogger("webjobs_apiserver")

MANAGER = "webjobs-apiserver"
"""Name of the REST shim as field manager and user agent."""
SHUTDOWN_SECONDS = 20
"""Seconds that open requests get to end when the process ends."""


def main() -> None:
    """Serve until a signal comes."""
    parser = argparse.ArgumentParser(prog="webjobs-apiserver")
    parser.add_argument("--config", required=True, help="YAML file with the REST shim's settings")
    arguments = parser.parse_args()
    logging.basicConfig(
        level=os.environ.get("LOG_LEVEL", "INFO"), format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    os.umask(UMASK)
    # The soft limit of files can be lower than what connections need.
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    gc.freeze()  # what was imported stays: each look at all of it would hold everything up by a tenth of a second
    asyncio.run(serve(configuration.load(arguments.config)))


async def serve(config: ApiserverConfig) -> None:
    """Run the servers and the deliveries of web hooks; a signal or cancelling it ends them."""
    async with await KubeClient.connect(manager=MANAGER) as kube:
        app = create_app(config=config, kube=kube, store=open_store(config.store_url))
        if config.metrics_port:
            metrics.serve(config.metrics_port)
        for host, site in config.host_map().items():
            log.info("serving %s: namespace %s", host, site.namespace)
        log.info("serving other hosts: site %s, namespace %s", config.site, config.namespace)
        telling = [
            asyncio.create_task(_tell_hooks(kube, site, config.hooks.destinations())) for site in config.all_sites()
        ]
        try:
            if config.tls:
                await serve_tls(app, config=config, tls=config.tls)
            else:
                await Server(server_config(app, config, port=config.port, crowd=crowd_of(config))).serve()
        finally:
            await cancelled(telling)


async def _tell_hooks(kube: KubeClient, site: Site, destinations: Destinations) -> None:
    """Deliver ended runs to the web hooks of a site, forever."""
    jobs = Jobs(kube, feed=Feed(kube, namespaces=[]))
    hooks = Hooks(kube, clock=utc_now, destinations=destinations)
    post = partial(hook_requests.post, destinations=destinations)
    delivery = Delivery(kube, hooks=hooks, jobs=jobs, body=posted, clock=utc_now, post=post)
    await delivery.run(site)


def crowd_of(config: ApiserverConfig) -> Crowd:
    """Return the place where the connections of all ports of a process are counted."""
    bounds = config.connections
    trusted = networks(config.forwarded_allow_ips)
    return Crowd(most=bounds.most, most_per_address=bounds.most_per_address, trusted=trusted)


def server_config(app: ASGIApp, config: ApiserverConfig, *, port: int, crowd: Crowd, **more: Any) -> uvicorn.Config:
    """Return the settings of one of the process's servers."""
    options: dict[str, Any] = {
        "http": protocol(config.connections.limits(), crowd),
        "log_config": None,
        "access_log": False,  # the application's own, which knows the client and who it is
        "ws": "none",
        "server_header": False,
        "proxy_headers": False,  # the application's own, which knows X-Forwarded-Host too
        "timeout_keep_alive": config.connections.idle_seconds,
        "timeout_graceful_shutdown": SHUTDOWN_SECONDS,
    }
    return uvicorn.Config(app, host=config.host, port=port, **(options | more))


def tls_config(app: ASGIApp, config: ApiserverConfig, *, context: ssl.SSLContext, crowd: Crowd) -> uvicorn.Config:
    """Return the settings of the server that speaks TLS."""
    assert config.tls  # noqa: S101  the caller has looked
    limits = config.connections.limits()
    made = handshakes(protocol(limits, crowd), context=context, crowd=crowd, seconds=limits.head_seconds)
    return server_config(app, config, port=config.tls.port, crowd=crowd, http=made)


async def serve_tls(app: ASGIApp, *, config: ApiserverConfig, tls: TlsConfig) -> None:
    """Serve all routes by TLS, and those of pods and probes in clear as well.

    Pods don't know the shim's certificate.
    """
    certificate, key = tls.directory / "tls.crt", tls.directory / "tls.key"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    crowd = crowd_of(config)
    clear = server_config(InClear(app), config, port=config.port, crowd=crowd, lifespan="off")
    beside = Beside(clear)
    servers = Server(tls_config(app, config, context=context, crowd=crowd), others=[beside]), beside
    renewal = asyncio.create_task(reload_on_change(context, certificate=certificate, key=key))
    tasks = [asyncio.create_task(server.serve()) for server in servers]
    try:
        await asyncio.shield(tasks[0])
    finally:
        for server in servers:
            server.should_exit = True
        renewal.cancel()
        await asyncio.gather(*tasks, renewal, return_exceptions=True)


if __name__ == "__main__":
    main()
